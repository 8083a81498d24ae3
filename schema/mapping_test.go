package schema

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shopTables is a small shop in the language of the scripts.
const shopTables = `
table customers 100
  id int pk distinct=100
  name text distinct=99
  born date notnull distinct=90
  joined_at timestamp notnull distinct=100
table orders 1000
  id int pk distinct=1000
  customer_id int notnull -> customers distinct=80
  friend_id int nulls=500 -> customers distinct=80
  placed_at timestamp notnull distinct=990
  ended timestamp nulls=500 distinct=400
  total numeric distinct=700
  status_code int distinct=4
table lines 3000
  order_id int notnull pk -> orders distinct=1000
  line int pk distinct=9
  sku text distinct=40
  photo bytea
`

func shop(t *testing.T) *Schema {
	t.Helper()
	s, stats := parseTables(t, shopTables)
	Infer(s, stats)
	return s
}

func roundTrip(t *testing.T, s *Schema) *Schema {
	t.Helper()
	var b bytes.Buffer
	if err := WriteMapping(&b, s, MappingInfo{Database: "shop", Snapshot: "abc"}); err != nil {
		t.Fatal(err)
	}
	m, err := ReadMapping(&b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Apply(s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMappingRoundTrip(t *testing.T) {
	s := shop(t)
	before := s.Clone()
	if diff := cmp.Diff(s, roundTrip(t, s)); diff != "" {
		t.Errorf("write, read, apply changed the schema (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, s); diff != "" {
		t.Errorf("Apply changed its argument:\n%s", diff)
	}
}

// Names that YAML reads as other things than text, that hold its special characters,
// or that end lines must come back byte for byte.
func TestMappingRoundTrip_oddNames(t *testing.T) {
	names := []string{"none", "null", "true", "y", "1", "1e3", "~", "a: b", "# x", "- x", "a\nb", "\t", " x ", `"`, `'`, `\`, "é", "🙂", "{a}", "[b]", "&a", "*a", "!x", "%", "@", "`", "?", "time", "..", "---", "\u2028", "\u202e"}
	s := &Schema{}
	for i, n := range names {
		tb := &Table{Name: n, Estimate: -1, Key: []int{0}, KeyReason: "declared"}
		for _, c := range names {
			tb.Columns = append(tb.Columns, Column{Name: c, DBType: "timestamp", Kind: Time, Sem: SemTimestamp, Reason: "odd " + c})
		}
		tb.Time = &RowTime{Column: i, Via: -1, Until: (i + 1) % len(names), Reason: "odd " + n}
		if i > 0 {
			tb.Links = []Link{{Name: n, Columns: []int{i, 0}, To: i - 1, Ref: []int{0, i}, Reason: "declared"}}
		}
		s.Tables = append(s.Tables, tb)
	}
	for i, tb := range s.Tables {
		if i%2 == 1 { // the short form of time
			tb.Time.Until = -1
		}
	}
	if diff := cmp.Diff(s, roundTrip(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMappingRoundTrip_sameNameInTwoNamespaces(t *testing.T) {
	s := shop(t)
	for i, ns := range []string{"a", "b", "b"} {
		s.Tables[i].Namespace = ns
	}
	s.Tables[1].Name = "customers"
	if diff := cmp.Diff(s, roundTrip(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMappingRoundTrip_twoConstraintsOverTheSameColumns(t *testing.T) {
	s := shop(t)
	l := s.Tables[1].Links[0]
	l.Name = "again"
	s.Tables[1].Links = append(s.Tables[1].Links, l)
	if diff := cmp.Diff(s, roundTrip(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The scripts of mapping.txt lay a mapping file over the shop; the output is what
// changed, or the errors.
func TestMappingScript(t *testing.T) {
	runScript(t, filepath.Join("testdata", "mapping.txt"), func(t *testing.T, input string) string {
		s := shop(t)
		m, err := ReadMapping(strings.NewReader(input))
		var out *Schema
		if err == nil {
			out, err = m.Apply(s)
		}
		if err != nil {
			return err.Error()
		}
		return changes(t, s, out)
	})
}

// changes lists the lines of the descriptions that differ.
func changes(t *testing.T, a, b *Schema) string {
	t.Helper()
	lines := func(s *Schema) []string {
		var buf bytes.Buffer
		if err := s.Describe(&buf); err != nil {
			t.Fatal(err)
		}
		var out []string
		table := ""
		for _, l := range strings.Split(buf.String(), "\n") {
			if l != "" && l[0] != ' ' {
				table = strings.Fields(l)[0]
			}
			out = append(out, table+": "+strings.Join(strings.Fields(l), " "))
		}
		return out
	}
	count := map[string]int{}
	for _, l := range lines(a) {
		count[l]++
	}
	var out []string
	for _, l := range lines(b) {
		if count[l]--; count[l] < 0 {
			out = append(out, "+ "+l)
		}
	}
	for _, l := range lines(a) {
		if count[l] > 0 {
			count[l]--
			out = append(out, "- "+l)
		}
	}
	if len(out) == 0 {
		return "no change"
	}
	return strings.Join(out, "\n")
}

func TestWriteMapping(t *testing.T) {
	runScript(t, filepath.Join("testdata", "mapping_written.txt"), func(t *testing.T, input string) string {
		s, stats := parseTables(t, input)
		Infer(s, stats)
		s.Skipped = []Skipped{{"public.v", "view: its rows come from other tables"}}
		var b bytes.Buffer
		if err := WriteMapping(&b, s, MappingInfo{Database: "shop on localhost"}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	})
}

// A table and a column that are new in the database are written the next time, and
// what the user had decided stays.
func TestMappingMerge(t *testing.T) {
	old := shop(t)
	m, err := ReadMapping(strings.NewReader("tables: {orders: {time: none, columns: {total: ignore}}}"))
	if err != nil {
		t.Fatal(err)
	}
	old, err = m.Apply(old)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := WriteMapping(&file, old, MappingInfo{}); err != nil {
		t.Fatal(err)
	}
	s, stats := parseTables(t, shopTables+"  weight float distinct=50\ntable shops 3\n  id int pk distinct=3\n")
	Infer(s, stats)
	if m, err = ReadMapping(bytes.NewReader(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	merged, err := m.Apply(s)
	if err != nil {
		t.Fatal(err)
	}
	file.Reset()
	if err := WriteMapping(&file, merged, MappingInfo{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"weight: numerical", "shops:", "total: ignore # mapping", "time: none # mapping"} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("%q is missing in\n%s", want, file.String())
		}
	}
}

func TestMappingError_line(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("tables:\n  orders:\n    columns:\n      totl: ignore\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Apply(shop(t))
	var one *MappingError
	if !errors.As(err, &one) || one.Line != 4 {
		t.Errorf("got %#v, want a MappingError of line 4", err)
	}
}

func FuzzReadMapping(f *testing.F) {
	f.Add("tables: {orders: {time: {column: placed_at, zone: UTC}, links: [{columns: [customer_id], to: customers}]}}")
	f.Add("tables: {orders: {key: none, columns: {total: {type: id, ignore: true}}}}")
	f.Add("a: &x [*x]")
	s, stats := parseTables(&testing.T{}, shopTables)
	Infer(s, stats)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadMapping(strings.NewReader(text))
		if err != nil {
			return
		}
		out, err := m.Apply(s)
		if err != nil {
			return
		}
		if diff := cmp.Diff(out, roundTrip(t, out)); diff != "" {
			t.Errorf("a mapped schema does not survive writing:\n%s", diff)
		}
	})
}
