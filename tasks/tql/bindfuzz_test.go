package tql

import (
	"os"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// FuzzBind holds that no text makes Bind panic, that each error has a code, a place in
// the text and a hint, and that whatever binds is taken by the executor, explained, and
// lowered to SQL.
func FuzzBind(f *testing.F) {
	sc := ddlSchema(f)
	snap := finish(f, ingest.NewBuilder(sc), sc)
	for _, file := range []string{"accept.txt", "reject.txt"} {
		data, err := os.ReadFile("testdata/bind/" + file)
		if err != nil {
			f.Fatal(err)
		}
		for c := range strings.SplitSeq(string(data), "====\n") {
			text, _, _ := strings.Cut(c, "\n----\n")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		task, err := Bind(text, sc)
		if err != nil {
			for _, e := range err.(Errors) {
				if len(e.Code) != 5 || e.Pos < 0 || e.End < e.Pos || e.End > len(text) || e.Message == "" || e.Hint == "" {
					t.Errorf("%q: %+v", text, *e)
				}
			}
			return
		}
		if _, err := tasks.NewExecutor(snap, task, 1); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if task.Reading == "" || !strings.Contains(Explain(task, sc), task.Reading) {
			t.Errorf("%q: no reading", text)
		}
		if task.Raw != nil {
			return // only a database reads it on
		}
		if sql, err := SQL(task, sc, nil); task.Static() {
			if err == nil { // its options are not resolved
				t.Errorf("%q: lowered without val_anchor: %s", text, sql)
			}
		} else if err != nil && !strings.Contains(text, "\x00") || err == nil && sql == "" {
			t.Errorf("%q: %v", text, err)
		}
		u := &unbinder{sc, task.Entity}
		spec := ""
		if task.Ranking != nil {
			spec = " RANK TOP 3"
		}
		if task.Type == tasks.Multilabel {
			spec = " CLASSIFY"
		}
		again, err := Bind("PREDICT "+u.expr(task.Target).String()+spec+" FOR EACH "+textOf(&Table{Parts: tableParts(sc, task.Entity)}), sc)
		if err != nil {
			t.Errorf("%q: its target %s does not bind: %v", text, u.expr(task.Target), err)
		} else if have, want := u.expr(again.Target).String(), u.expr(task.Target).String(); have != want {
			t.Errorf("%q: target %s binds to %s", text, want, have)
		}
	})
}

// TestBind_large demands an answer in time to texts that would grow without bound.
func TestBind_large(t *testing.T) {
	sc := ddlSchema(t)
	nested := strings.Repeat("(", 60) + "COUNT(orders.*, 0, 7)" + strings.Repeat(" BETWEEN FALSE AND TRUE)", 60)
	_, err := Bind("PREDICT "+nested+" FOR EACH users", sc)
	if errs, ok := err.(Errors); !ok || errs[0].Code != "TK199" {
		t.Errorf("%v, want TK199", err)
	}
	long := "COUNT(orders.*, 0, 7)" + strings.Repeat(" + COUNT(orders.*, 0, 7)", 100)
	task := mustBind(t, "PREDICT "+long+" FOR EACH users", sc)
	if sql, err := SQL(task, sc, nil); err != nil || strings.Count(sql, "count(*)") != 1 {
		t.Errorf("%v; %d counts, want one for all", err, strings.Count(sql, "count(*)"))
	}
}
