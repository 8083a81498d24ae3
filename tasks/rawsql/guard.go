package rawsql

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks/tql"
)

// part is one body with its place in the task's text.
type part struct {
	text string
	at   int
}

func (c *composer) parts() []part {
	r := c.task.Raw
	var out []part
	for _, p := range []part{{r.Entities, r.EntitiesAt}, {r.Label, r.LabelAt}, {r.SQL, r.SQLAt}} {
		if p.text != "" {
			out = append(out, p)
		}
	}
	return out
}

// fault is an error at a place of the task's text.
func (c *composer) fault(pos, end int, code, hint, format string, args ...any) error {
	return tql.Errors{{Code: code, Severity: tql.SeverityError, Message: fmt.Sprintf(format, args...), Hint: hint, Text: c.task.Text, Pos: pos, End: end}}
}

// timeWords stand for the present moment or the session without parentheses.
var timeWords = []string{"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
	"current_user", "session_user", "system_user", "user", "current_role", "current_catalog", "current_schema"}

// timeTexts read as a time that depends on the moment.
var timeTexts = []string{"now", "today", "tomorrow", "yesterday", "allballs"}

// badFunction recognises functions of pg_catalog that run SQL, read tables or the state of
// the server, though they are not volatile by declaration.
var badFunction = regexp.MustCompile(`^(query_to_xml|table_to_xml|schema_to_xml|database_to_xml|cursor_to_xml|pg_|lo_|ts_stat|ts_rewrite|now$|transaction_timestamp|statement_timestamp|current_|set_config|inet_|txid_|xmin|currtid|has_|to_reg|obj_description|col_description|shobj_description|binary_upgrade_|age$|timestamptz$)`)

// writes are words of statements that change something.
var writes = []string{"insert", "update", "delete", "merge", "truncate", "create", "drop", "alter", "grant", "copy", "call", "do", "execute", "into", "lock"}

// words holds a body to what can be told from its text: balanced parentheses, one
// statement, no name of a schema, of the system catalog or of the present moment.
func (c *composer) words(p part, namespaces []string) error {
	depth := 0
	toks := tql.SQLTokens(p.text)
	at := func(t tql.SQLToken) (int, int) { return p.at + t.Pos, p.at + t.End }
	for i, t := range toks {
		pos, end := at(t)
		word := t.Text
		if t.Kind == tql.SQLWord {
			word = strings.ToLower(word)
		}
		isName := t.Kind == tql.SQLWord || t.Kind == tql.SQLQuoted
		dot := i+1 < len(toks) && toks[i+1].Kind == tql.SQLSymbol && toks[i+1].Text == "."
		call := i+1 < len(toks) && toks[i+1].Kind == tql.SQLSymbol && toks[i+1].Text == "("
		afterDot := i > 0 && toks[i-1].Kind == tql.SQLSymbol && toks[i-1].Text == "."
		switch {
		case t.Kind == tql.SQLBroken:
			return c.fault(pos, pos+1, "TK180", "close what it opens; U& quotes are not taken", "%s is not closed, or no quote that is understood", t.Text)
		case t.Kind == tql.SQLSymbol && t.Text == "(":
			depth++
		case t.Kind == tql.SQLSymbol && t.Text == ")":
			if depth--; depth < 0 {
				return c.fault(pos, end, "TK180", "remove it", "a parenthesis is closed that the body did not open")
			}
		case t.Kind == tql.SQLSymbol && t.Text == ";":
			return c.fault(pos, end, "TK180", "give one SELECT without a semicolon", "the body holds more than one statement")
		case t.Kind == tql.SQLSymbol && t.Text == "$":
			return c.fault(pos, end, "TK185", "parameters are :anchor, :horizon, :anchor_end", "numbered parameters are not taken")
		case t.Kind == tql.SQLString && slices.Contains(timeTexts, strings.ToLower(strings.TrimSpace(t.Text))):
			return c.fault(pos, end, "TK183", "write :anchor, or the anchor of grid", "'%s' depends on the moment at which it runs, if it is read as a time", t.Text)
		case isName && dot && !afterDot && slices.Contains(namespaces, word) && !c.aliased(word, toks[i+2:]):
			return c.fault(pos, end, "TK181", c.bareHint(), "%s is a schema of the database: what it names is read past the censoring", t.Text)
		case isName && strings.HasPrefix(strings.ToLower(word), "pg_") && !c.column(word):
			return c.fault(pos, end, "TK181", c.bareHint(), "%s belongs to the system catalog", t.Text)
		case isName && strings.EqualFold(word, "information_schema"):
			return c.fault(pos, end, "TK181", c.bareHint(), "information_schema belongs to the system catalog")
		case t.Kind == tql.SQLWord && !afterDot && slices.Contains(timeWords, word) && !c.column(word):
			return c.fault(pos, end, "TK183", "write :anchor, or the anchor of grid", "%s depends on the moment or the session", t.Text)
		case t.Kind == tql.SQLWord && !afterDot && !dot && slices.Contains(writes, word) && !c.column(word):
			return c.fault(pos, end, "TK183", "a body is one SELECT", "%s is no part of a SELECT that only reads", t.Text)
		case isName && call && afterDot:
			return c.fault(pos, end, "TK183", "call functions of PostgreSQL by their bare names", "function %s is called with a schema", t.Text)
		case t.Kind == tql.SQLWord && word == "operator" && call:
			return c.fault(pos, end, "TK183", "write the operator itself", "OPERATOR(...) may name a function of the database")
		case isName && call && badFunction.MatchString(strings.ToLower(word)):
			return c.fault(pos, end, "TK183", "write :anchor for the moment; tables are read by their bare names", "function %s runs SQL, reads tables or the state of the server", t.Text)
		}
	}
	if depth > 0 {
		return c.fault(p.at+len(p.text), p.at+len(p.text), "TK180", "close it", "%d parentheses are not closed", depth)
	}
	return nil
}

func (c *composer) bareHint() string {
	var names []string
	for _, i := range c.tables() {
		names = append(names, c.sc.Tables[i].Name)
	}
	for i, t := range c.sc.Tables {
		if !t.Ignore && !slices.Contains(c.tables(), i) {
			names = append(names, t.Name)
		}
	}
	return "name the mapped tables by their bare names: " + strings.Join(names, ", ")
}

// column reports whether a word names a column or a table of the mapping.
func (c *composer) column(word string) bool {
	for _, i := range c.task.Raw.Tables {
		t := c.sc.Tables[i]
		if t.Name == word || t.Column(word) >= 0 {
			return true
		}
	}
	return false
}

// aliased reports whether a word that is the name of a schema is also that of a mapped
// table, and what follows its dot one of the table's columns: then the column is meant.
func (c *composer) aliased(word string, rest []tql.SQLToken) bool {
	for _, i := range c.tables() {
		t := c.sc.Tables[i]
		if t.Name != word || len(rest) == 0 {
			continue
		}
		name := rest[0].Text
		if rest[0].Kind == tql.SQLWord {
			name = strings.ToLower(name)
		}
		return name == "*" || t.Column(name) >= 0
	}
	return false
}

// functions holds the functions that a body calls to those of pg_catalog that give the
// same for the same arguments and read nothing.
func (c *composer) functions(ctx context.Context, db ingest.SQLSession, p part) error {
	called := map[string]tql.SQLToken{}
	toks := tql.SQLTokens(p.text)
	for i, t := range toks {
		if i+1 < len(toks) && toks[i+1].Kind == tql.SQLSymbol && toks[i+1].Text == "(" && (t.Kind == tql.SQLWord || t.Kind == tql.SQLQuoted) {
			name := t.Text
			if t.Kind == tql.SQLWord {
				name = strings.ToLower(name)
			}
			if _, ok := called[name]; !ok {
				called[name] = t
			}
		}
	}
	var names []string
	for n := range called {
		names = append(names, n)
	}
	slices.Sort(names)
	res, err := db.Select(ctx, `SELECT p.proname::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'pg_catalog' AND p.proname = ANY($1::text[]) AND p.provolatile = 'v' ORDER BY 1`, names)
	if err != nil {
		return err
	}
	if len(res.Rows) > 0 {
		t := called[res.Rows[0][0].(string)]
		return c.fault(p.at+t.Pos, p.at+t.End, "TK183", "write what gives the same label each time; :anchor is the moment", "function %s is volatile", t.Text)
	}
	return nil
}

// namespaces lists the schemas of the database but pg_catalog.
func namespaces(ctx context.Context, db ingest.SQLSession) ([]string, error) {
	res, err := db.Select(ctx, `SELECT nspname::text FROM pg_catalog.pg_namespace ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range res.Rows {
		out = append(out, r[0].(string))
	}
	return out, nil
}

// check refuses a task whose bodies could read past their shadows, and one whose result
// has the wrong columns.
func (c *composer) check(ctx context.Context, db ingest.SQLSession) error {
	spaces, err := namespaces(ctx, db)
	if err != nil {
		return err
	}
	for _, p := range c.parts() {
		if err := c.words(p, spaces); err != nil {
			return err
		}
		if err := c.functions(ctx, db, p); err != nil {
			return err
		}
	}
	blank := &composer{task: c.task, sc: c.sc, blank: true}
	now := moment{time.UnixMicro(c.task.Options.ValAnchor), time.UnixMicro(c.task.Options.TestAnchor)}
	statements := []*statement{}
	if c.task.Raw.SQL != "" {
		statements = append(statements, blank.overGrid([]moment{now}))
	} else {
		statements = append(statements, blank.perAnchor(now, true), blank.perAnchor(now, false))
	}
	for i, s := range statements {
		if err := c.plan(ctx, db, s); err != nil {
			return err
		}
		res, err := db.Select(ctx, s.b.String(), s.args...)
		if err != nil {
			return c.explain(err, s)
		}
		if err := c.columns(res.Columns, c.task.Raw.SQL == "" && i == 0); err != nil {
			return err
		}
	}
	return nil
}

// plan holds the plan of a statement over blank tables to no relation at all.
func (c *composer) plan(ctx context.Context, db ingest.SQLSession, s *statement) error {
	res, err := db.Select(ctx, "EXPLAIN (VERBOSE, FORMAT JSON) "+s.b.String(), s.args...)
	if err != nil {
		return c.explain(err, shifted(s, len("EXPLAIN (VERBOSE, FORMAT JSON) ")))
	}
	var doc any
	switch v := res.Rows[0][0].(type) {
	case string:
		err = json.Unmarshal([]byte(v), &doc)
	case []any:
		doc = v
	default:
		err = fmt.Errorf("the plan is of type %T", v)
	}
	if err != nil {
		return fmt.Errorf("read the plan of a raw SQL task: %w", err)
	}
	return c.walk(doc)
}

// walk looks for relations and functions in a plan.
func (c *composer) walk(node any) error {
	switch n := node.(type) {
	case []any:
		for _, x := range n {
			if err := c.walk(x); err != nil {
				return err
			}
		}
	case map[string]any:
		if name, ok := n["Relation Name"].(string); ok {
			if space, ok := n["Schema"].(string); ok {
				name = space + "." + name
			}
			return c.fault(0, 0, "TK181", c.bareHint(), "the SQL reads %s past the censoring", name)
		}
		if name, ok := n["Function Name"].(string); ok {
			if space, _ := n["Schema"].(string); space != "pg_catalog" && space != "" || badFunction.MatchString(name) {
				return c.fault(0, 0, "TK183", c.bareHint(), "the SQL calls function %s, which may read past the censoring", name)
			}
		}
		for _, k := range sortedKeys(n) {
			if err := c.walk(n[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// columns holds the result to the columns that labels need.
func (c *composer) columns(have []string, entities bool) error {
	want := append([]string{}, c.keys()...)
	switch {
	case entities:
	case c.task.Raw.SQL != "":
		want = append(want, "anchor", "label")
	default:
		want = append(want, "label")
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			what := "LABEL"
			p := part{c.task.Raw.Label, c.task.Raw.LabelAt}
			switch {
			case entities:
				what, p = "ENTITIES", part{c.task.Raw.Entities, c.task.Raw.EntitiesAt}
			case c.task.Raw.SQL != "":
				what, p = "the SQL", part{c.task.Raw.SQL, c.task.Raw.SQLAt}
			}
			got := slices.DeleteFunc(slices.Clone(have), func(n string) bool { return n == "is_entity" || n == "entities" })
			return c.fault(p.at, p.at+len(p.text), "TK182", "name its columns: "+strings.Join(want, ", "), "%s gives the columns %s, want %s", what, strings.Join(got, ", "), strings.Join(want, ", "))
		}
	}
	return nil
}

// shifted is a statement that begins so many bytes later.
func shifted(s *statement, by int) *statement {
	out := &statement{}
	out.add(strings.Repeat(" ", by), s.b.String())
	for _, p := range s.places {
		out.places = append(out.places, place{p.from + by, p.to + by, p.text})
	}
	return out
}

// codes says which message a SQLSTATE is.
var codes = map[string]string{
	"25006": "TK183", // write in a read-only transaction
	"42501": "TK198",
	"57014": "TK199", // timeout
}

// explain turns the database's complaint into one at the user's body.
func (c *composer) explain(err error, s *statement) error {
	e, ok := err.(*ingest.SQLError)
	if !ok {
		return err
	}
	code := codes[e.Code]
	if code == "" {
		code = "TK180"
	}
	hint := e.Hint
	if e.Code == "42P01" {
		code, hint = "TK181", c.bareHint()
	}
	pos, ok := s.at(e.Position)
	if e.Position == 0 || !ok {
		p := c.parts()[len(c.parts())-1]
		if e.Code == "42703" && (strings.Contains(e.Message, "entity") || strings.Contains(e.Message, "label")) {
			return c.fault(p.at, p.at+len(p.text), "TK182", "name its columns: "+strings.Join(append(c.keys(), "label"), ", "), "%s", e.Message)
		}
		pos = p.at
	}
	list := c.fault(pos, wordEnd(c.task.Text, pos), code, hint, "%s", e.Message).(tql.Errors)
	list[0].Detail = e.Detail
	return list
}

// wordEnd is the end of the word at a place.
func wordEnd(text string, pos int) int {
	end := pos
	for end < len(text) && (text[end] == '_' || text[end] >= 0x80 || text[end] >= '0' && text[end] <= '9' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z') {
		end++
	}
	return max(end, min(pos+1, len(text)))
}
