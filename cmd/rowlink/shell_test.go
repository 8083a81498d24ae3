package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
)

// typed gives lines as a terminal would.
type typed []string

func (t *typed) Prompt(string) (string, error) {
	if len(*t) == 0 {
		return "", io.EOF
	}
	line := (*t)[0]
	*t = (*t)[1:]
	return line, nil
}

func TestReadStatement(t *testing.T) {
	lines := typed{"show", "", "tasks;", "help", "PREDICT 'a;", "b'", "-- not yet ;", "; ", "create task x as sql $$ select 1;", "$$;", "\\q", "show"}
	var got []string
	for {
		text, err := readStatement(&lines)
		if err != nil {
			break
		}
		got = append(got, text)
	}
	want := []string{"show\n\ntasks;\n", "help", "PREDICT 'a;\nb'\n-- not yet ;\n; \n", "create task x as sql $$ select 1;\n$$;\n", `\q`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"show -- what there is\n tasks;\n": "SHOW TASKS;",
		"show\nnothing;":                   "show nothing;",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	inShop(t)
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: "sqlite:shop.db", Workspace: ".rowlink"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Workspace.SaveTask("churn", "x"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"expl", "explain"},
		{"EXPL", "EXPLAIN"},
		{"predict count(ord", "orders order_lines order_id ordered_at"},
		{"PREDICT COUNT(orders.ord", "order_id ordered_at"},
		{"PREDICT SUM(ORDERS.t", "total"},
		{"train ch", "churn channel"},
	} {
		head, list, tail := complete(d, c.line+"|", len(c.line))
		for _, word := range strings.Fields(c.want) {
			if !slices.Contains(list, word) {
				t.Errorf("%q gives %q, want %q among them", c.line, list, word)
			}
		}
		if word := list[0]; !strings.HasPrefix(strings.ToLower(head+word), strings.ToLower(c.line)) || tail != "|" {
			t.Errorf("%q goes on as %q%q%q", c.line, head, word, tail)
		}
	}
}
