package schema

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An edit changes the lines of its table and keeps the others byte for byte, comments of
// the user too; an edit that says nothing keeps the whole file.
func TestEditMapping(t *testing.T) {
	s := shop(t)
	var b bytes.Buffer
	if err := WriteMapping(&b, s, MappingInfo{Database: "shop", Snapshot: "abc"}); err != nil {
		t.Fatal(err)
	}
	file := strings.Replace(b.String(), "  orders:\n", "  # mine\n  orders:\n", 1)
	same, err := EditMapping([]byte(file), s, MappingEdit{Table: 0})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, string(same)); diff != "" {
		t.Errorf("an empty edit changed the file (-want +got):\n%s", diff)
	}
	yes := true
	got, err := EditMapping([]byte(file), s, MappingEdit{Table: 1, Ignore: &yes, Key: []int{0}, Time: &TimeEdit{Column: "ended", Zone: "Europe/Berlin"},
		SetLinks: true, Links: s.Tables[1].Links[:1], Columns: []ColumnEdit{{"total", SemIgnore}, {"status_code", ""}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMapping(bytes.NewReader(got))
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	out, err := m.Apply(s)
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	o := out.Tables[1]
	if !o.Ignore || !strings.Contains(string(got), "# mine") || len(o.Links) != 1 || o.Time.Zone != "Europe/Berlin" || o.Columns[o.Column("total")].Sem != SemIgnore {
		t.Errorf("the edit is not in\n%s", got)
	}
	if o.Columns[o.Column("status_code")].Reason != s.Tables[1].Columns[o.Column("status_code")].Reason {
		t.Error("a column without entry is not as inferred")
	}
	part := entryOf(t, string(got), "customers:")
	if diff := cmp.Diff(entryOf(t, file, "customers:"), part); diff != "" {
		t.Errorf("another table changed (-want +got):\n%s", diff)
	}
}

// entryOf is the entry of a table in a mapping file.
func entryOf(t *testing.T, file, head string) string {
	t.Helper()
	_, rest, ok := strings.Cut(file, "  "+head+"\n")
	if !ok {
		t.Fatalf("no %s in\n%s", head, file)
	}
	rest, _, _ = strings.Cut(rest, "\n  #")
	return rest
}

// A file that leaves tables out gets an entry.
func TestEditMapping_newEntry(t *testing.T) {
	s := shop(t)
	got, err := EditMapping([]byte("version: 1\ntables: {}\n"), s, MappingEdit{Table: 0, Time: &TimeEdit{}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMapping(bytes.NewReader(got))
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if out, err := m.Apply(s); err != nil || out.Tables[0].Time != nil {
		t.Errorf("%v\n%s", err, got)
	}
}
