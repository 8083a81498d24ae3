package tql

import (
	"strings"
	"testing"
)

// corpus is every text of the reference that is one statement, as one script.
func corpus(b *testing.B) string {
	b.Helper()
	var out strings.Builder
	for _, file := range []string{"pql_accept.txt", "relbench_tasks.txt", "sql_labels.txt"} {
		for _, g := range goldenBlocks(b, file) {
			text := strings.TrimRight(g["query"], "; \n")
			if script, err := Parse(text + ";"); err == nil && len(script.Statements) == 1 {
				out.WriteString(text + "\n;\n") // the last line may be a comment
			}
		}
	}
	return out.String()
}

// BenchmarkParse reads the texts of the reference; the goal is 1 MB/s.
func BenchmarkParse(b *testing.B) {
	text := corpus(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		script, err := Parse(text)
		if err != nil || len(script.Statements) < 70 {
			b.Fatal(len(script.Statements), err)
		}
	}
}

// BenchmarkBind reads and binds one task of rel-f1.
func BenchmarkBind(b *testing.B) {
	sc := goldenSchemas(b, "relbench_schema.sql")["f1"]
	const text = "CREATE TASK t AS PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers ASSUMING COUNT(results.*, 0, 30, days) > 0 WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '30 days', eval_anchors = 40)"
	if _, err := Bind(text, sc); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Bind(text, sc); err != nil {
			b.Fatal(err)
		}
	}
}
