package schema

import (
	"slices"
	"strings"
	"testing"
)

// shopLike is a schema without any link; the values of a candidate are set by the test.
func shopLike() *Schema {
	table := func(name string, cols ...string) *Table {
		t := &Table{Name: name, Estimate: -1}
		for i, c := range cols {
			kind := Int
			if strings.HasPrefix(c, "*") {
				kind, c = Text, c[1:]
			}
			t.Columns = append(t.Columns, Column{Name: c, DBType: "integer", Kind: kind})
			if i == 0 {
				t.Key = []int{0}
			}
		}
		return t
	}
	return &Schema{Tables: []*Table{
		table("users", "id", "*password_token", "parent_id", "level"),
		table("tbl_orders", "order_id", "buyer_user_id", "created_by", "status_code"),
		table("lines", "line_id", "order_id", "shop_via", "quantity", "type_id"),
		table("shops", "shop_id", "*city"),
		table("profiles", "user_id", "*bio"),
	}}
}

// all gives every candidate values of which share were found, none NULL.
func all(s *Schema, found, distinct, nulls int) []string {
	cands := s.LinkCandidates()
	for _, c := range cands {
		c.Value = Evidence{Rows: 1000, Nulls: nulls, Distinct: distinct, Found: found, MeanLen: 5, Max: 10, RefMax: 100, TargetRows: 100, TargetUnique: true}
	}
	var out []string
	for _, p := range s.ChooseLinks(cands) {
		out = append(out, s.Tables[p.Table].Name+"."+p.Link.Name+" "+s.Tables[p.Link.To].Name)
	}
	return out
}

func TestChooseLinks(t *testing.T) {
	named := []string{"tbl_orders.buyer_user_id users", "lines.order_id tbl_orders", "profiles.user_id users"}
	tests := []struct {
		name                   string
		found, distinct, nulls int
		want                   []string
	}{
		{"all found", 50, 50, 0, append([]string{"tbl_orders.created_by users", "lines.shop_via shops"}, named...)},
		{"with NULLs a table may refer to itself", 50, 50, 5, append([]string{"users.parent_id users", "tbl_orders.created_by users", "lines.shop_via shops"}, named...)},
		{"a few missing: names decide", 48, 50, 0, named},
		{"a tenth missing: the name of the key only", 45, 50, 0, []string{"lines.order_id tbl_orders"}},
		{"half missing", 25, 50, 0, nil},
		{"no values: names only", 0, 0, 0, named},
	}
	for _, tt := range tests {
		got := all(shopLike(), tt.found, tt.distinct, tt.nulls)
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tt.want))) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A declared link is not proposed again, and a target that holds a value twice never is.
func TestChooseLinks_declared(t *testing.T) {
	s := shopLike()
	s.Tables[2].Links = []Link{{Name: "o", Columns: []int{1}, To: 1, Ref: []int{0}}}
	if got := all(s, 50, 50, 0); slices.ContainsFunc(got, func(x string) bool { return strings.HasPrefix(x, "lines.order_id") }) {
		t.Errorf("%v holds a declared link", got)
	}
	cands := shopLike().LinkCandidates()
	for _, c := range cands {
		c.Value = Evidence{Distinct: 10, Found: 10}
	}
	if got := shopLike().ChooseLinks(cands); len(got) != 0 {
		t.Errorf("%v refers to columns that are not unique", got)
	}
}

// A key of several columns is a thing's or a fact's.
func TestEntity(t *testing.T) {
	tests := []struct {
		name string
		key  []int
		refs [][]int
		want bool
	}{
		{"no references", []int{0, 1}, nil, true},
		{"line of an order", []int{0, 1}, [][]int{{0}}, true},
		{"who rated what", []int{0, 1}, [][]int{{0}, {1}}, false},
		{"who played when, which stint", []int{0, 1, 2}, [][]int{{0}, {5}}, false},
		{"reference of other columns", []int{0, 1}, [][]int{{5}, {0, 5}}, true},
	}
	for _, tt := range tests {
		if got := entity(tt.key, tt.refs); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The lines that are offered for the mapping file mean what is proposed, whatever the names.
func TestProposalViews_mapping(t *testing.T) {
	for _, name := range []string{"plain", "two words", `quo"ted`, "true", "1", "a: b", "ü"} {
		s := shopLike()
		s.Tables[2].Columns[1].Name = name
		s.Tables[1].Name = name + "s"
		proposals := []Proposal{{Table: 3, Key: []int{1}}, {Table: 2, Link: Link{Name: name, Columns: []int{1}, To: 1, Ref: []int{0}}}}
		var b strings.Builder
		b.WriteString("version: 1\ntables:\n")
		for _, v := range s.ProposalViews(proposals) {
			b.WriteString("  " + nameText(v.Table) + ":\n    " + v.Mapping + "\n")
		}
		m, err := ReadMapping(strings.NewReader(b.String()))
		if err != nil {
			t.Errorf("%s: %v in\n%s", name, err, b.String())
			continue
		}
		got, err := m.Apply(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := s.Accept(proposals)
		if !slices.Equal(got.Tables[3].Key, want.Tables[3].Key) || len(got.Tables[2].Links) != 1 || !got.Tables[2].Links[0].equal(want.Tables[2].Links[0]) {
			t.Errorf("%s: key %v, links %v", name, got.Tables[3].Key, got.Tables[2].Links)
		}
	}
}
