package schema

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata scripts")

// runScript runs a file of cases. A case is an input, a line "----", the expected
// output; cases are divided by a line "====". With -update the outputs are rewritten.
func runScript(t *testing.T, path string, run func(t *testing.T, input string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, c := range strings.Split(string(text), "\n====\n") {
		input, want, ok := strings.Cut(c, "\n----\n")
		if !ok {
			input, want = strings.TrimSuffix(c, "\n----"), ""
		}
		got := strings.TrimRight(run(t, input), "\n")
		if !*update && got != strings.TrimRight(want, "\n") {
			t.Errorf("%s case %d:\n%s\n---- got\n%s\n---- want\n%s", filepath.Base(path), i+1, input, got, want)
		}
		out = append(out, input+"\n----\n"+got)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(out, "\n====\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// parseTables reads the description language of the scripts: a line
//
//	table NAME ROWS
//
// begins a table, each line after it is a column:
//
//	NAME TYPE [notnull] [pk] [unique] [-> TABLE] [nulls=N] [distinct=N] [capped] [min=X] [max=X] [words=X] [len=X] [order=X] [whole]
//
// With ROWS "?" the table has no statistics. A line "link COLUMN... -> TABLE" is a
// foreign key of several columns to the key of the table.
func parseTables(t *testing.T, text string) (*Schema, [][]ColumnStats) {
	t.Helper()
	s := &Schema{}
	var stats [][]ColumnStats
	type ref struct {
		table   int
		columns []int
		to      string
	}
	var refs []ref
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if f[0] == "table" {
			rows, err := strconv.ParseInt(f[2], 10, 64)
			if err != nil {
				rows = -1
			}
			s.Tables = append(s.Tables, &Table{Name: f[1], Estimate: rows})
			stats = append(stats, nil)
			continue
		}
		n := len(s.Tables) - 1
		tb := s.Tables[n]
		if f[0] == "link" {
			r := ref{table: n, to: f[len(f)-1]}
			for _, name := range f[1 : len(f)-2] {
				r.columns = append(r.columns, tb.Column(name))
			}
			refs = append(refs, r)
			continue
		}
		col := Column{Name: f[0], DBType: f[1], Kind: scriptKinds[f[1]]}
		st := ColumnStats{Rows: int(tb.Estimate), Integers: col.Kind == Int, MeanWords: 1}
		for i := 2; i < len(f); i++ {
			k, v, _ := strings.Cut(f[i], "=")
			x, _ := strconv.ParseFloat(v, 64)
			switch k {
			case "notnull":
				col.NotNull = true
			case "pk":
				tb.Key, tb.KeyReason, col.NotNull = append(tb.Key, len(tb.Columns)), "declared", true
			case "unique":
				tb.Unique = append(tb.Unique, []int{len(tb.Columns)})
			case "->":
				i++
				refs = append(refs, ref{n, []int{len(tb.Columns)}, f[i]})
			case "nulls":
				st.Nulls = int(x)
			case "distinct":
				st.Distinct = int(x)
			case "capped":
				st.DistinctCapped = true
			case "min":
				st.Min = x
			case "max":
				st.Max = x
			case "words":
				st.MeanWords = x
			case "len":
				st.MeanLen = x
			case "order":
				st.KeyOrder = x
			case "whole":
				st.Integers = true
			default:
				t.Fatalf("unknown word %q in %q", k, line)
			}
		}
		tb.Columns = append(tb.Columns, col)
		if tb.Estimate >= 0 {
			stats[n] = append(stats[n], st)
		}
	}
	for _, r := range refs {
		to := s.Table(r.to)
		if to < 0 {
			t.Fatalf("no table %q", r.to)
		}
		from := s.Tables[r.table]
		from.Links = append(from.Links, Link{Name: from.Name + "_" + strings.Join(from.Names(r.columns), "_") + "_fkey",
			Columns: r.columns, To: to, Ref: s.Tables[to].Key, Reason: "declared"})
	}
	return s, stats
}

var scriptKinds = map[string]Kind{"int": Int, "bigint": Int, "float": Float, "numeric": Float, "text": Text, "uuid": Text, "varchar": Text,
	"date": Time, "timestamp": Time, "timestamptz": Time, "bool": Bool, "bytea": Opaque, "time": Float}

func TestInferScript(t *testing.T) {
	for _, file := range []string{"infer_columns.txt", "infer_time.txt", "infer_real.txt"} {
		runScript(t, filepath.Join("testdata", file), func(t *testing.T, input string) string {
			s, stats := parseTables(t, input)
			Infer(s, stats)
			var b bytes.Buffer
			if err := s.Describe(&b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		})
	}
}
