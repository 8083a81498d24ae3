package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/statement"
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
	lines := typed{"show", "", "tasks;", "help", "PREDICT 'a;", "b'", "-- not yet ;", "; ", "create task x as sql $$ select 1;", "$$;", "\\q", " \\d orders", "show"}
	in := entry{prompter: &lines}
	var got []string
	for {
		text, err := in.statement()
		if err != nil {
			break
		}
		got = append(got, text)
	}
	want := []string{"show\n\ntasks;\n", "help", "PREDICT 'a;\nb'\n-- not yet ;\n; \n", "create task x as sql $$ select 1;\n$$;\n", `\q`, `\d orders`}
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
	for _, c := range []struct{ before, line, want string }{
		{"", "expl", "explain"},
		{"", "EXPL", "EXPLAIN"},
		{"", "", `ALTER CREATE DROP EVALUATE EXPLAIN HELP PREDICT QUIT SHOW TRAIN WITH \? \d \h \i \instant \q`},
		{"", "show ", "labels mapping model models task tasks"},
		{"SHOW TASKS; ", "SHOW MAPPING s", "stores suppliers support_tickets"},
		{"", "predict count(ord", "order_lines orders"},
		{"", "PREDICT COUNT(orders.ord", "order_id ordered_at"},
		{"", "PREDICT SUM(ORDERS.t", "total"},
		{"", "PREDICT SUM(orders.total WHERE ch", "channel"},
		{"", "PREDICT SUM(orders.total, 0, 30, days VIA ", "orders.customer_id orders.store_id"},
		{"PREDICT COUNT(orders.*, 0, 30) = 0\n", "FOR EACH cu", "customers"},
		{"PREDICT COUNT(orders.*, 0, 30) = 0\nFOR EACH customers\n", "WHERE re", "referred_by region"},
		{"", "train ch", "churn"},
		{"", "evaluate ", "churn predict"},
		{"", "SHOW LABELS churn ", "AT LIMIT SPLIT SQL"},
		{"", "CREATE TASK x AS PREDICT age FOR EACH customers WITH (st", "step"},
		{"", "CREATE TASK x AS PREDICT age FOR EACH customers WITH (seed = 7, m", "mask metric"},
		{"", "TRAIN churn WITH (ep", "epochs"},
		{"", "ALTER TABLE orders SET ", "COLUMN PRIMARY TIME"},
		{"", "ALTER TABLE orders SET COLUMN channel TYPE t", "text timestamp"},
		{"", "alter table orders drop link st", "store_id"},
	} {
		head, list, tail := complete(d, c.before, c.line+"|", len(c.line))
		slices.Sort(list)
		if got := strings.Join(list, " "); got != c.want {
			t.Errorf("%q gives %q, want %q", c.before+c.line, got, c.want)
			continue
		}
		if word := list[0]; !strings.HasPrefix(strings.ToLower(head+word), strings.ToLower(c.line)) || tail != "|" {
			t.Errorf("%q goes on as %q%q%q", c.line, head, word, tail)
		}
	}
}

func TestShellCommands(t *testing.T) {
	inShop(t)
	if err := os.WriteFile("two.sql", []byte("SHOW TASKS; SHOW MAPPING stores"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, out, err string }{
		{`\help`, "SHOW MAPPING [table];", ""},
		{`help;`, "SHOW MAPPING [table];", ""},
		{`\h`, `prints the syntax of one of: PREDICT, PREDICT TASK, CREATE TASK`, ""},
		{`\h drop`, "DROP TASK [IF EXISTS] name [CASCADE]", ""},
		{`\h vacuum`, "there is no statement VACUUM", ""},
		{`\d stores`, "key   store_id", ""},
		{`\i two.sql`, "key   store_id", ""},
		{`\i three.sql`, "", "open three.sql"},
		{`\instant`, "answered at once", ""},
		{`\x`, "", `there is no \x; \? tells what there is`},
		{`SHOW TSKS;`, "", "TK100: "},
	} {
		var out, errs bytes.Buffer
		a := &app{streams: streams{out: &out, err: &errs, in: strings.NewReader("")}, quiet: true, db: "sqlite:shop.db", workspace: ".rowlink"}
		s := &statement.Session{Tools: sqlTools{a}}
		if !a.entered(t.Context(), s, c.text) {
			t.Errorf("%s ends the shell", c.text)
		}
		if c.out == "" != (out.Len() == 0) || !strings.Contains(out.String(), c.out) || c.err == "" != (errs.Len() == 0) || !strings.Contains(errs.String(), c.err) {
			t.Errorf("%s printed %q and %q, want %q and %q", c.text, out.String(), errs.String(), c.out, c.err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if (&app{}).entered(t.Context(), nil, "quit;") {
		t.Error("quit does not end the shell")
	}
}

func TestRowsOf(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a\n": 1, "äääää\n": 1, "123456\n\n1\n": 4, "12345": 1} {
		if got := rowsOf([]byte(text), 5); got != want {
			t.Errorf("%q fills %d rows of 5, want %d", text, got, want)
		}
	}
}
