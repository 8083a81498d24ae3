package tql

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds (%v)", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for c := range strings.SplitSeq(string(data), "====\n") {
			input, _, _ := strings.Cut(c, "----\n")
			f.Add(input)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			checkErrors(t, text, err)
			for _, st := range s.Statements {
				_, _, _ = st.String(), Canonical(st), Hash(st)
			}
			return
		}
		for _, st := range s.Statements {
			checkRoundTrip(t, st)
			checkRanges(t, text, st)
		}
	})
}

// checkErrors looks at every part of the messages.
func checkErrors(t *testing.T, text string, err error) {
	t.Helper()
	last := 0
	for _, e := range err.(Errors) {
		if e.Pos < last || e.End < e.Pos || e.End > len(text) || e.Code == "" || e.Hint == "" {
			t.Fatalf("%q: bad error %+v", text, e)
		}
		last = e.Pos
		if e.Line() < 1 || e.Column() < 1 || e.Pretty() == "" {
			t.Fatalf("%q: bad place %+v", text, e)
		}
	}
}

// checkRanges looks at the ranges of all expressions of a query.
func checkRanges(t *testing.T, text string, st Statement) {
	t.Helper()
	q := QueryOf(st)
	if q == nil {
		return
	}
	for _, e := range present(q.Target, q.Where, q.Assuming) {
		Inspect(e, func(e Expr) bool {
			r := e.Range()
			if r.Pos < q.Pos || r.End > q.End || r.Pos >= r.End {
				t.Fatalf("%q: range %v of %s", text, r, e)
			}
			for _, c := range e.children() {
				if in := c.Range(); in.Pos < r.Pos || in.End > r.End {
					t.Fatalf("%q: range %v of %s inside %v", text, in, c, r)
				}
			}
			return true
		})
	}
}

func TestParse_ranges(t *testing.T) {
	text := `PREDICT SUM(t."x y" WHERE t.a -> b > 3, -30, 0, days VIA t.c) > coalesce(d, 0) FOR EACH s.t.k WHERE NOT e IN (1, 2)`
	q, err := ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	agg := q.Target.(*Compare).X.(*Aggregate)
	for _, c := range []struct {
		n    interface{ Range() Loc }
		want string
	}{
		{q, text}, {agg, `SUM(t."x y" WHERE t.a -> b > 3, -30, 0, days VIA t.c)`}, {agg.Name, "SUM"}, {agg.Arg, `t."x y"`},
		{agg.Where, "t.a -> b > 3"}, {agg.Window, "-30, 0"}, {agg.Window.Low, "-30"}, {agg.Via, "VIA t.c"},
		{q.Target.(*Compare).At, ">"}, {q.Target.(*Compare).Y, "coalesce(d, 0)"}, {q.Entity, "s.t.k"}, {q.Entity.Parts[2], "k"},
		{q.WhereAt, "WHERE"}, {q.Where, "NOT e IN (1, 2)"}, {agg.Where.(*Compare).X.(*Column).Follow[0], "b"},
	} {
		if r := c.n.Range(); text[r.Pos:r.End] != c.want {
			t.Errorf("range holds %q, want %q", text[r.Pos:r.End], c.want)
		}
	}
}

// TestParse_incomplete: faults that leave the tree whole do not mark it.
func TestParse_incomplete(t *testing.T) {
	for text, want := range map[string]bool{
		"PREDICT sum(t.x, 0, 3, dys) FOR EACH t":                      false,
		"PREDICT sum(t.x) OVER (NEXT '3 dys') FOR EACH t":             false,
		"PREDICT sum(t.x) OVER (NEXT 3 dys) FOR EACH t":               false,
		"PREDICT sum(t.x, 0, 1.5) RANK FOR EACH t":                    false,
		"PREDICT sum(x, 0, 1) TOP 3 FOR EACH t":                       false,
		"PREDICT sum(t.x, 0, 1) OVER (ALL PRIOR) FOR EACH t":          false,
		"PREDICT foo(1) FOR EACH t":                                   true,
		"PREDICT a > INTERVAL '3 dys' FOR EACH t":                     true,
		"EXPLAIN PREDICT a = 3x FOR EACH t":                           true,
		"CREATE TASK n AS PREDICT a FOR EACH t WHERE (b WITH (c = 1)": true,
		"PREDICT a FOR EACH for":                                      true,
		"PREDICT a":                                                   true,
	} {
		s, err := Parse(text)
		if err == nil || len(s.Statements) != 1 {
			t.Errorf("%s: %v, %d statements", text, err, len(s.Statements))
			continue
		}
		st := s.Statements[0]
		if got := st.base().Incomplete; got != want || QueryOf(st).Incomplete != want {
			t.Errorf("%s: incomplete %v, want %v", text, got, want)
		}
	}
}

func TestParse_depth(t *testing.T) {
	for name, text := range map[string]string{
		"parentheses": strings.Repeat("(", 1e5) + "a" + strings.Repeat(")", 1e5),
		"not":         strings.Repeat("NOT ", 1e5) + "a",
		"sign":        strings.Repeat("- ", 1e5) + "1",
		"calls":       strings.Repeat("abs(", 1e5),
		"aggregates":  strings.Repeat("sum(", 1e5),
		"sums":        strings.Repeat("a + ", 1e5) + "a",
		"comments":    strings.Repeat("/*", 1e5),
	} {
		_, err := Parse("PREDICT " + text + " FOR EACH t")
		var e *Error
		if !errors.As(err, &e) || e.Code != "TK199" && name != "comments" {
			t.Errorf("%s: %v, want TK199", name, e)
		}
	}
	if _, err := Parse("PREDICT " + strings.Repeat("(", 150) + "a" + strings.Repeat(")", 150) + strings.Repeat(" OR a", 1e4) + " FOR EACH t"); err != nil {
		t.Error(err)
	}
	if _, err := Parse("TRAIN n WITH (a = " + strings.Repeat("(", 1e5) + ")"); err == nil {
		t.Error("deep list of values accepted")
	}
}

func TestParse_manyErrors(t *testing.T) {
	_, err := Parse(strings.Repeat("PREDICT ) @ FOR ;", 1e4))
	if n := len(err.(Errors)); n != maxErrors {
		t.Errorf("%d errors, want %d", n, maxErrors)
	}
}

func TestParseStatement_one(t *testing.T) {
	for _, text := range []string{"", ";", "TRAIN a; TRAIN b"} {
		if _, err := ParseStatement(text); err == nil || err.(Errors)[0].Code != "TK104" {
			t.Errorf("%q: %v, want TK104", text, err)
		}
	}
	if _, err := ParseQuery("TRAIN a"); err == nil || err.(Errors)[0].Code != "TK104" {
		t.Errorf("%v, want TK104", err)
	}
}

func TestError_places(t *testing.T) {
	_, err := Parse("PREDICT 'ä' = b\r\n\tFOR EACH t WHERE 'é' > sum(t.x, 0, 3, dayz) > 1")
	errs := err.(Errors)
	if got, want := errs.Error(), "2:40: TK110: unknown unit dayz\n2:46: TK100: unexpected \">\" after a comparison"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	var e *Error
	if !errors.As(err, &e) || e != errs[0] {
		t.Error("errors.As does not find the first error")
	}
	e.Pointer = "/sql"
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"code":"TK110","severity":"ERROR","message":"unknown unit dayz","hint":"did you mean \"days\"? ` +
		`The units are seconds, minutes, hours, days, weeks, months, quarters, years; a window may also be written OVER (NEXT '14 days').",` +
		`"line":2,"column":40,"length":4,"pointer":"/sql"}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestNearest(t *testing.T) {
	cols := []string{"order_id", "user_id", "item_id", "price", "date"}
	for _, c := range []struct{ name, want string }{
		{"pirce", "price"}, {"PRICE", "price"}, {"useer_id", "user_id"}, {"dat", "date"}, {"colour", ""}, {"", ""}, {"x", ""},
		{strings.Repeat("x", 1000), ""},
	} {
		if got, ok := Nearest(c.name, cols); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseInterval(t *testing.T) {
	for _, c := range []struct {
		text string
		want Interval
		form string // normal form; empty = refused
	}{
		{"7 days", Interval{Days: 7}, "7 days"},
		{"1 WEEK", Interval{Days: 7}, "7 days"},
		{"1 year 1 quarter 2 mons", Interval{Months: 17}, "17 months"},
		{" 1 month  2 days 03:04:05.5 ", Interval{1, 2, 11045500000}, "1 month 2 days 3 hours 4 minutes 5.5 seconds"},
		{"-1 month -2 days -00:30", Interval{-1, -2, -1800e6}, "-1 month -2 days -30 minutes"},
		{"-0.25 sec", Interval{Micros: -250000}, "-0.25 seconds"},
		{"1.5 hrs", Interval{Micros: 5400e6}, "1 hour 30 minutes"},
		{"0 days -1 day", Interval{Days: -1}, "-1 day"},
		{"7days", Interval{Days: 7}, "7 days"},
		{"00:00", Interval{}, "0 days"},
		{"10000 years", Interval{Months: 120000}, "120000 months"},
		{"1 day -2 hours", Interval{}, ""}, {"", Interval{}, ""}, {"7", Interval{}, ""}, {"7 fortnights", Interval{}, ""},
		{"1.5 days", Interval{}, ""}, {"10001 years", Interval{}, ""}, {"9999999999999999999 days", Interval{}, ""},
		{"6000 years 6000 years", Interval{}, ""}, {"12:60", Interval{}, ""}, {"7 days,", Interval{}, ""}, {"P7D", Interval{}, ""},
	} {
		got, err := ParseInterval(c.text)
		if (err == nil) != (c.form != "") || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.text, got, err, c.want)
		}
		if err == nil {
			if got.String() != c.form {
				t.Errorf("%q: prints %q, want %q", c.text, got, c.form)
			}
			if back, err := ParseInterval(got.String()); err != nil || back != got {
				t.Errorf("%q: %+v does not parse back: %+v, %v", c.text, got, back, err)
			}
		}
	}
}

func TestParseDateTime(t *testing.T) {
	for _, c := range []struct{ text, want string }{ // want empty = refused
		{"2020-01-31", "2020-01-31 00:00:00"},
		{"2020/02/29", "2020-02-29 00:00:00"},
		{"2020.01.31 10:30", "2020-01-31 10:30:00"},
		{"2020-01-31t10:30:59.5Z", "2020-01-31 10:30:59.5+00:00"},
		{"2020-01-31 10:30-05:30", "2020-01-31 10:30:00-05:30"},
		{"2020-01-31+02", "2020-01-31 00:00:00+02:00"},
		{"2020-1-31", ""}, {"2020-01/31", ""}, {"2019-02-29", ""}, {"2020-00-10", ""}, {"0000-01-01", ""}, {"2020-01-31 24:00", ""},
		{"2020-01-31 10:60", ""}, {"2020-01-31  10:30", ""}, {"2020-01-31 10", ""}, {"2020-01-31+16", ""}, {"31-01-2020", ""},
		{"2020-01-31 10:30:00.1234567", ""}, {"2020-01-32", ""}, {"2020-01-00", ""},
	} {
		got, err := ParseDateTime(c.text)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("%q: %v, %v; want %q", c.text, got, err, c.want)
		}
	}
}

func TestWindow_offsets(t *testing.T) {
	for _, c := range []struct {
		agg        string
		start, end Offset
	}{
		{"sum(t.x, -30, 0)", Offset{Interval: Interval{Days: -30}}, Offset{}},
		{"sum(t.x, -INF, 2, weeks)", Offset{Inf: -1}, Offset{Interval: Interval{Days: 14}}},
		{"sum(t.x, 0, UNBOUNDED)", Offset{}, Offset{Inf: 1}},
		{"sum(t.x, 1, 2, quarters)", Offset{Interval: Interval{Months: 3}}, Offset{Interval: Interval{Months: 6}}},
		{"sum(t.x) OVER (NEXT 2 hours)", Offset{}, Offset{Interval: Interval{Micros: 7200e6}}},
		{"sum(t.x) OVER (PRIOR '1 month 1 day')", Offset{Interval: Interval{Months: -1, Days: -1}}, Offset{}},
		{"sum(t.x) OVER (ALL PRIOR)", Offset{Inf: -1}, Offset{}},
		{"sum(t.x) OVER (AFTER -1 day THROUGH '2 days')", Offset{Interval: Interval{Days: -1}}, Offset{Interval: Interval{Days: 2}}},
	} {
		q, err := ParseQuery("PREDICT " + c.agg + " FOR EACH t")
		if err != nil {
			t.Fatal(err)
		}
		start, end := q.Target.(*Aggregate).Window.Offsets()
		if start != c.start || end != c.end {
			t.Errorf("%s: %+v to %+v, want %+v to %+v", c.agg, start, end, c.start, c.end)
		}
	}
}

func TestHash(t *testing.T) {
	hash := func(text string) string {
		st, err := ParseStatement(text)
		if err != nil {
			t.Fatal(err)
		}
		return Hash(st)
	}
	a := hash("CREATE TASK n AS PREDICT COUNT(o.*, 0, 7) > 0 FOR EACH u WITH (step = '7 days')")
	b := hash("create or replace task n as predict count(*) from o over (next '1 week') > 0 for each u with (step = 7 days)")
	c := hash("CREATE TASK n AS PREDICT COUNT(o.*, 0, 8) > 0 FOR EACH u WITH (step = '7 days')")
	if a != b || a == c || len(a) != 16 {
		t.Errorf("hashes %s %s %s, want the first two equal", a, b, c)
	}
}
