package tql

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rowlink/rowlink/internal/testdata"
)

// goldenBlocks reads blocks of "field: value" lines; lines that begin with two blanks
// continue the value.
func goldenBlocks(t testing.TB, file string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(testdata.Path(t, "golden", "queries", file))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []map[string]string
	var block map[string]string
	field := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case line == "":
			block = nil
		case strings.HasPrefix(line, "  "):
			block[field] += "\n" + line[2:]
		default:
			if block == nil {
				block = map[string]string{}
				blocks = append(blocks, block)
			}
			var value string
			field, value, _ = strings.Cut(line, ": ")
			block[field] = value
		}
	}
	return blocks
}

// sameTree compares syntax trees, ranges aside.
func sameTree(a, b any) string {
	return cmp.Diff(a, b, cmpopts.IgnoreTypes(Loc{}), cmpopts.EquateEmpty())
}

// checkRoundTrip prints a statement, reads it back and compares; the same for its
// normal form, which must be its own.
func checkRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, st Statement) {
	t.Helper()
	back, err := ParseStatement(st.String())
	if err != nil {
		t.Fatalf("%s\ndoes not parse back: %v", st, err)
	}
	if d := sameTree(st, back); d != "" {
		t.Fatalf("%s\nparses back to another tree:\n%s", st, d)
	}
	c := Canonical(st)
	again, err := ParseStatement(c)
	if err != nil {
		t.Fatalf("normal form %s\ndoes not parse: %v", c, err)
	}
	if c2 := Canonical(again); c2 != c {
		t.Fatalf("normal form is not its own:\n%s\n%s", c, c2)
	}
}

func TestParse_goldenAccept(t *testing.T) {
	forms := map[string]*Query{}
	same := 0
	for _, b := range goldenBlocks(t, "pql_accept.txt") {
		st, err := ParseStatement(b["query"])
		if err != nil {
			t.Errorf("%s: %v", b["id"], err)
			continue
		}
		checkRoundTrip(t, st)
		q := QueryOf(st)
		forms[b["id"]] = q
		if other := strings.Fields(b["same_as"]); len(other) > 0 {
			same++
			if got, want := tableForm(q), tableForm(forms[other[0]]); got != want {
				t.Errorf("%s and %s differ:\n%s\n%s", b["id"], other[0], got, want)
			}
		}
	}
	if len(forms) != 35 || same != 9 {
		t.Errorf("%d queries with %d respellings, want 35 with 9", len(forms), same)
	}
}

// tableForm is the normal form without keys and with the entity cut to its table,
// since only the schema tells that users.user_id is the key of users.
func tableForm(q *Query) string {
	b := q.Bare()
	b.Entity = &Entity{Parts: q.Entity.Parts[:1]}
	return Canonical(b)
}

func TestParse_goldenTasks(t *testing.T) {
	n := 0
	for _, file := range []string{"relbench_tasks.txt", "sql_labels.txt"} {
		for _, b := range goldenBlocks(t, file) {
			n++
			st, err := ParseStatement(b["query"])
			if err != nil {
				t.Errorf("%s: %v", b["task"], err)
				continue
			}
			checkRoundTrip(t, st)
			c := st.(*Create)
			if c.Raw != nil {
				body := c.Raw.SQL
				if body == nil {
					body = c.Raw.Label
				}
				if got := b["query"][body.Inner.Pos:body.Inner.End]; got != body.Text {
					t.Errorf("%s: range of the body holds %q, want %q", b["task"], got, body.Text)
				}
			}
			if e := b["equivalent"]; strings.HasPrefix(e, "PREDICT") {
				if _, err := ParseQuery(e); err != nil {
					t.Errorf("%s: %v", b["task"], err)
				}
			}
		}
	}
	if n != 38 {
		t.Errorf("%d tasks, want 30 + 8", n)
	}
}

// syntaxRejects are the wrong queries whose fault syntax alone tells; the code is
// ours where the file leaves it open. The others parse and are the binder's.
var syntaxRejects = map[string]string{
	"r7": "TK110", "r8": "TK110", "r27": "TK100", "r28": "TK104", "r29": "TK171", "r34": "TK100",
	"r35": "TK105", "r36": "TK174", "r37": "TK110",
}

func TestParse_goldenReject(t *testing.T) {
	left := maps.Clone(syntaxRejects)
	for _, b := range goldenBlocks(t, "reject.txt") {
		id, query := b["id"], b["query"]
		s, err := Parse(query)
		want, ours := syntaxRejects[id]
		if !ours {
			if err != nil {
				t.Errorf("%s: %v, want it left to the binder", id, err)
			}
			continue
		}
		delete(left, id)
		errs, ok := err.(Errors)
		if !ok || len(errs) != 1 {
			t.Errorf("%s: %v, want one error", id, err)
			continue
		}
		e := errs[0]
		if e.Code != want || b["code"] != "any" && b["code"] != want {
			t.Errorf("%s: %s, want %s", id, e.Code, want)
		}
		if id == "r37" { // the file gives the place of the other error, the binder's
			if at := e.Text[e.Pos:e.End]; at != "dys" || s.Statements[0].base().Incomplete {
				t.Errorf("r37: error at %q, incomplete %v; want dys in a whole tree", at, s.Statements[0].base().Incomplete)
			}
			continue
		}
		if msg := checkPlace(e, b["at"]); msg != "" {
			t.Errorf("%s: %s", id, msg)
		}
		if all := strings.ToLower(e.Message + e.Detail + e.Hint); !strings.Contains(all, strings.ToLower(b["hint"])) {
			t.Errorf("%s: no %q in %s", id, b["hint"], e.Pretty())
		}
	}
	if len(left) > 0 {
		t.Errorf("not in the file: %v", slices.Sorted(maps.Keys(left)))
	}
}

// checkPlace compares the place of an error with line:column+length; at length 0 one
// character of tolerance.
func checkPlace(e *Error, at string) string {
	var line, col, length int
	if _, err := fmt.Sscanf(at, "%d:%d+%d", &line, &col, &length); err != nil {
		return err.Error()
	}
	off := e.Column() - col
	if e.Line() != line || off != 0 && (length > 0 || off < -1 || off > 1) || length > 0 && e.Length() != length {
		return fmt.Sprintf("at %d:%d+%d, want %s\n%s", e.Line(), e.Column(), e.Length(), at, e.Pretty())
	}
	return ""
}

// TestParse_reference parses every code block and every quoted query of the language
// reference.
func TestParse_reference(t *testing.T) {
	data, err := os.ReadFile(testdata.Path(t, "reference", "task-language.md"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		texts = append(texts, m[1])
	}
	for _, m := range regexp.MustCompile("`((?:EXPLAIN |EVALUATE )?PREDICT [^`]*FOR [^`.][^`]*)`").FindAllStringSubmatch(string(data), -1) {
		if !strings.ContainsAny(m[1], "[…") && !strings.Contains(m[1], "...") {
			texts = append(texts, m[1])
		}
	}
	n := 0
	for _, text := range texts {
		if strings.Contains(text, "MATERIALIZED") || strings.Contains(text, "::") && !strings.Contains(text, "$$") {
			continue // SQL
		}
		s, err := Parse(text)
		if err != nil {
			t.Errorf("%v", err.(Errors).Pretty())
			continue
		}
		for _, st := range s.Statements {
			checkRoundTrip(t, st)
			n++
		}
	}
	if n < 55 {
		t.Errorf("%d statements found, want at least 55", n)
	}
}
