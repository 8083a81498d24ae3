package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/schema"
)

// join resolves one link of a child with the given columns to a parent.
func join(t *testing.T, parent, child []schema.Column, l schema.Link, parents, children [][]any) ([]int32, int, error) {
	t.Helper()
	s := &schema.Schema{Tables: []*schema.Table{{Name: "p", Columns: parent}, {Name: "c", Columns: child}}}
	snap := mustFinish(t, s, parents, children)
	linked := &schema.Schema{Tables: []*schema.Table{s.Tables[0], {Name: "c", Columns: child, Links: []schema.Link{l}}}}
	d, err := snap.Derive(linked)
	if err != nil {
		return nil, 0, err
	}
	return d.Tables[1].Parents[0], d.Tables[1].Dangling[0], nil
}

func TestDerive_links(t *testing.T) {
	char := func(c []schema.Column) []schema.Column { c[0].DBType = "character(4)"; return c }
	big := 1<<53 + 1 // has no float64
	for _, tc := range []struct {
		name              string
		parent, child     []schema.Column
		cols, ref         []int
		parents, children [][]any // in canonical order
		want              []int32
		dangling          int
	}{
		{"integers, NULL and dangling", cols("id int"), cols("p int"), []int{0}, []int{0},
			[][]any{{-3}, {7}}, [][]any{{-3}, {5}, {7}, {nil}}, []int32{0, -1, 1, -1}, 1},
		{"integers far apart", cols("id int"), cols("p int"), []int{0}, []int{0},
			[][]any{{-1 << 63}, {1<<63 - 1}}, [][]any{{-1 << 63}, {0}, {1<<63 - 1}}, []int32{0, -1, 1}, 1},
		{"no parents", cols("id int"), cols("p int"), []int{0}, []int{0}, nil, [][]any{{1}, {nil}}, []int32{-1, -1}, 1},
		{"text", cols("id text"), cols("p text"), []int{0}, []int{0},
			[][]any{{""}, {"a"}, {"é"}}, [][]any{{""}, {"A"}, {"é"}}, []int32{0, -1, 2}, 1},
		{"numeric refers to bigint", cols("id int"), cols("p float"), []int{0}, []int{0},
			[][]any{{-2}, {0}, {1 << 53}}, [][]any{{-2.0}, {0.0}, {0.5}, {1 << 53 * 1.0}, {1e300}}, []int32{0, 1, -1, 2, -1}, 2},
		{"bigint refers to numeric", cols("id float"), cols("p int"), []int{0}, []int{0},
			[][]any{{0.0}, {1 << 53 * 1.0}}, [][]any{{0}, {1 << 53}, {big}}, []int32{0, 1, -1}, 1},
		{"text spells integers", cols("id int"), cols("p text"), []int{0}, []int{0},
			[][]any{{7}, {42}}, [][]any{{"42"}, {"7"}, {"x"}}, []int32{1, 0, -1}, 1},
		{"integer refers to text", cols("id text"), cols("p int"), []int{0}, []int{0},
			[][]any{{"42"}, {"7"}}, [][]any{{7}, {8}, {42}}, []int32{1, -1, 0}, 1},
		{"char(4) to text", cols("id text"), char(cols("p text")), []int{0}, []int{0},
			[][]any{{"a"}, {"b"}}, [][]any{{"a   "}, {"b"}}, []int32{0, 1}, 0},
		{"text to char(4)", char(cols("id text")), cols("p text"), []int{0}, []int{0},
			[][]any{{"a   "}, {"b"}}, [][]any{{"a"}, {"b  "}}, []int32{0, 1}, 0},
		{"composite, other order, partial NULL", cols("a int", "b text"), cols("y text", "x int"), []int{1, 0}, []int{0, 1},
			[][]any{{1, "q"}, {1, "r"}, {2, "q"}}, [][]any{{"q", 1}, {"q", 2}, {"q", nil}, {"r", 1}, {"r", 2}, {nil, 1}}, []int32{0, 2, -1, 1, -1, -1}, 1},
		{"three columns", cols("a int", "b int", "c bool"), cols("a int", "b int", "c bool"), []int{0, 1, 2}, []int{0, 1, 2},
			[][]any{{1, 2, false}, {1, 2, true}, {2, 1, true}}, [][]any{{1, 1, true}, {1, 2, true}, {2, 1, true}}, []int32{-1, 1, 2}, 1},
		{"unique key with NULL in the parent", cols("id int", "code text"), cols("code text"), []int{0}, []int{1},
			[][]any{{1, nil}, {2, "b"}, {3, nil}, {4, "a"}}, [][]any{{"a"}, {"b"}, {nil}}, []int32{3, 1, -1}, 0},
		{"times", cols("id time"), cols("p time"), []int{0}, []int{0}, [][]any{{5}, {6}}, [][]any{{5}, {7}}, []int32{0, -1}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, dangling, err := join(t, tc.parent, tc.child, schema.Link{Name: "l", Columns: tc.cols, To: 0, Ref: tc.ref}, tc.parents, tc.children)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tc.want) || dangling != tc.dangling {
				t.Errorf("parents %v dangling %d, want %v dangling %d", got, dangling, tc.want, tc.dangling)
			}
		})
	}
}

// Links agree with comparing every child with every parent by the printed values.
func TestDerive_linksAgreeWithNestedLoops(t *testing.T) {
	kinds := []string{"int", "text", "float", "bool"}
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(1, 3).Draw(rt, "width")
		var specs []string
		link := schema.Link{Name: "l"}
		for i := range width {
			specs = append(specs, fmt.Sprintf("c%d %s", i, rapid.SampledFrom(kinds).Draw(rt, "kind")))
			link.Columns, link.Ref = append(link.Columns, i), append(link.Ref, i)
		}
		value := func(kind string) any {
			v := rapid.IntRange(0, 4).Draw(rt, "value")
			if v == 4 {
				return nil
			}
			return map[string]any{"int": v - 1, "text": "abcd"[:v], "float": float64(v) / 2, "bool": v%2 == 0}[kind]
		}
		row := func() (out []any) {
			for _, s := range specs {
				out = append(out, value(strings.Fields(s)[1]))
			}
			return out
		}
		var parents, children [][]any
		seen := map[string]bool{}
		for range rapid.IntRange(0, 12).Draw(rt, "parents") {
			r := row()
			if text := fmt.Sprintf("%#v", r); slices.Contains(r, nil) || !seen[text] {
				seen[text] = true
				parents = append(parents, r)
			}
		}
		for range rapid.IntRange(0, 12).Draw(rt, "children") {
			children = append(children, row())
		}
		s := &schema.Schema{Tables: []*schema.Table{{Name: "p", Columns: cols(specs...)}, {Name: "c", Columns: cols(specs...), Links: []schema.Link{link}}}}
		snap := mustDerive(t, mustFinish(t, s, parents, children), s)
		p, c := contents(snap.Tables[0]), contents(snap.Tables[1])
		for i, row := range c {
			want := int32(-1)
			for j := range p {
				if !slices.Contains(row, nil) && cmp.Equal(row, p[j]) {
					want = int32(j)
				}
			}
			if got := snap.Tables[1].Parents[0][i]; got != want {
				rt.Fatalf("row %v has parent %d, want %d of %v", row, got, want, p)
			}
		}
	})
}

func TestDerive_sharesResolvedLinks(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "p", Columns: cols("id int"), Key: []int{0}},
		{Name: "c", Columns: cols("p int", "boss int"), Links: []schema.Link{{Columns: []int{0}, To: 0, Ref: []int{0}}}}}}
	first := mustDerive(t, mustFinish(t, s, [][]any{{1}}, [][]any{{1, nil}}), s)
	more := &schema.Schema{Tables: []*schema.Table{s.Tables[0], {Name: "c", Columns: s.Tables[1].Columns, Links: []schema.Link{
		{Columns: []int{1}, To: 0, Ref: []int{0}}, s.Tables[1].Links[0]}}}}
	second := mustDerive(t, first, more)
	if &first.Tables[1].Parents[0][0] != &second.Tables[1].Parents[1][0] {
		t.Error("a link that did not change was resolved again")
	}
	if d := cmp.Diff([][]int32{{-1}, {0}}, second.Tables[1].Parents); d != "" {
		t.Errorf("parents (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]int32{{0}}, first.Tables[1].Parents); d != "" {
		t.Errorf("the first snapshot changed (-want +got):\n%s", d)
	}
}

func TestDerive_errors(t *testing.T) {
	columns := cols("id int", "code text", "at time", "blob opaque")
	base := &schema.Schema{Tables: []*schema.Table{{Name: "p", Columns: columns, Key: []int{0}}, {Name: "c", Columns: cols("x int", "s text", "f bool")}}}
	snap := mustFinish(t, base,
		[][]any{{1, "a", time.UnixMicro(0)}, {2, "a", nil}}, [][]any{{1, "a", true}, {1, "b", nil}})
	link := func(cols, ref []int) *schema.Schema {
		return &schema.Schema{Tables: []*schema.Table{base.Tables[0], {Name: "c", Columns: base.Tables[1].Columns, Links: []schema.Link{{Name: "l", Columns: cols, To: 0, Ref: ref}}}}}
	}
	timed := func(rt schema.RowTime) *schema.Schema {
		s := link([]int{0}, []int{0})
		s.Tables[1].Time = &rt
		return s
	}
	for name, tc := range map[string]struct {
		schema *schema.Schema
		want   string
	}{
		"not unique":   {link([]int{1}, []int{1}), `link "l" of table "c" refers to columns code of "p", which do not identify its rows: a occurs twice (let the link refer to a primary key or to unique columns)`},
		"kinds":        {link([]int{2}, []int{0}), `link "l" of table "c": column "f" and column "id" of "p": a column of kind bool cannot refer to one of kind int (correct or remove the link in the mapping)`},
		"opaque":       {link([]int{0}, []int{3}), `link "l" of table "c" refers to column "blob" of "p", whose type opaque is not read (remove the link in the mapping)`},
		"width":        {link([]int{0}, []int{0, 1}), `table "c": link "l" pairs 1 columns with 2 of table number 0`},
		"range":        {link([]int{9}, []int{0}), `table "c": link "l" names a column that does not exist`},
		"key":          {&schema.Schema{Tables: []*schema.Table{base.Tables[0], {Name: "c", Columns: base.Tables[1].Columns, Key: []int{0}}}}, `columns x of table "c" are no key: 1 occurs twice (name columns whose values are unique, or no key)`},
		"tables":       {&schema.Schema{Tables: base.Tables[:1]}, `schema has 1 tables, the snapshot has 2`},
		"column":       {&schema.Schema{Tables: []*schema.Table{base.Tables[0], {Name: "c", Columns: cols("x int", "s text", "f float")}}}, `table "c": schema has column "f" (float), the snapshot has "f" (bool) in its place`},
		"time kind":    {timed(schema.RowTime{Column: 1, Via: -1, Until: -1}), `column "s" of table "c" is text, which holds no time (name a column of type date or timestamp in the mapping, or none)`},
		"via link":     {timed(schema.RowTime{Column: 1, Via: 3, Until: -1}), `table "c" inherits its time by link number 3, but has 1 links`},
		"via kind":     {timed(schema.RowTime{Column: 1, Via: 0, Until: -1}), `column "code" of table "p" is text, which holds no time (name a column of type date or timestamp in the mapping, or none)`},
		"via timeless": {timed(schema.RowTime{Column: -1, Via: 0, Until: -1}), `table "c" inherits its time from "p", which has none (name the parent's time column in the mapping)`},
		"zone":         {timed(schema.RowTime{Column: 2, Via: 0, Until: -1, Zone: "Europe/Berln"}), `table "c": unknown time zone "Europe/Berln" (write a name such as Europe/Berlin)`},
	} {
		if _, err := snap.Derive(tc.schema); err == nil || err.Error() != tc.want {
			t.Errorf("%s: error\n%v, want\n%s", name, err, tc.want)
		}
	}
}
