package schema

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	runScript(t, filepath.Join("testdata", "warnings.txt"), func(t *testing.T, input string) string {
		s, stats := parseTables(t, input)
		Infer(s, stats)
		return strings.Join(s.Warnings(), "\n")
	})
}

// The times of real databases and of the generated shop: their keys, links and dates
// with the statistics that they have.
func TestInferScript_realTimes(t *testing.T) {
	runScript(t, filepath.Join("testdata", "infer_real_times.txt"), func(t *testing.T, input string) string {
		s, stats := parseTables(t, input)
		Infer(s, stats)
		var out []string
		for _, tb := range s.Tables {
			out = append(out, tb.Name+": "+s.timeText(tb))
		}
		return strings.Join(append(out, s.Warnings()...), "\n")
	})
}

// What the user has decided is not warned of again, and what the mapping makes unsafe is.
func TestWarnings_mapping(t *testing.T) {
	const tables = `
table orders 300
  id int pk distinct=300
  placed_at timestamp notnull distinct=300
  paid_at timestamp notnull distinct=300
  updated_at timestamp notnull distinct=300
table lines 900
  id int pk distinct=900
  order_id int notnull -> orders distinct=300
table notes 90
  id int pk distinct=90
  order_id int nulls=9 -> orders distinct=30
`
	for _, tt := range []struct{ mapping, want string }{
		{"tables: {}", "notes has no time|orders.updated_at"},
		{"tables: {orders: {columns: {updated_at: ignore}}}", "notes has no time"},
		{"tables: {orders: {ignore: true}}", ""},
		{"tables: {notes: {ignore: true}, orders: {time: updated_at}}", ""},
		{"tables: {notes: {time: {column: placed_at, via: order_id}}}", "orders.updated_at"},
		{"tables: {lines: {time: none}}", "notes has no time|orders.updated_at"},
		{"tables: {lines: {links: []}}", "lines has no time|notes has no time|orders.updated_at"},
		{"tables: {orders: {time: paid_at}, lines: {time: {column: placed_at, via: order_id}}}", "lines: its time is orders.placed_at, but orders itself counts from paid_at|notes has no time|orders.updated_at"},
		{"tables: {orders: {time: none}}", "orders.updated_at"},
	} {
		s, stats := parseTables(t, tables)
		Infer(s, stats)
		m, err := ReadMapping(strings.NewReader(tt.mapping))
		if err != nil {
			t.Fatal(err)
		}
		if s, err = m.Apply(s); err != nil {
			t.Fatal(err)
		}
		got := s.Warnings()
		var want []string
		if tt.want != "" {
			want = strings.Split(tt.want, "|")
		}
		if !slices.EqualFunc(got, want, strings.Contains) {
			t.Errorf("%s: warnings are\n%s\nwant %q", tt.mapping, strings.Join(got, "\n"), want)
		}
	}
}

// A chain of inherited times survives the mapping file.
func TestMappingRoundTrip_inheritedTwice(t *testing.T) {
	s, stats := parseTables(t, shopTables+"table extras 90\n  id int pk\n  line int notnull -> customers\n")
	s.Tables[3].Links[0] = Link{Name: "extras_line", Columns: []int{0, 1}, To: 2, Ref: []int{0, 1}, Reason: "declared"}
	s.Tables[3].Columns[0].NotNull = true
	Infer(s, stats)
	if rt := s.Tables[3].Time; rt == nil || rt.Via != 0 || rt.Column != -1 {
		t.Fatalf("the time of extras is %+v, want that of lines", rt)
	}
	got := roundTrip(t, s)
	if *got.Tables[3].Time != *s.Tables[3].Time {
		t.Errorf("the time of extras is %+v, was %+v", *got.Tables[3].Time, *s.Tables[3].Time)
	}
}
