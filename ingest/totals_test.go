package ingest

import (
	"strings"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// Columns that gather what came later are found by their values, whatever their names,
// and are warned of unless the rows they gather have the same time.
func TestTotals(t *testing.T) {
	column := func(name string, kind schema.Kind) schema.Column {
		return schema.Column{Name: name, DBType: kind.String(), Kind: kind, NotNull: true}
	}
	sc := &schema.Schema{Tables: []*schema.Table{
		{Name: "members", Key: []int{0}, Columns: []schema.Column{column("id", schema.Int), column("joined_at", schema.Time),
			column("a", schema.Int), column("b", schema.Float), column("c", schema.Time), column("decoy", schema.Int), column("same", schema.Int)}},
		{Name: "visits", Key: []int{0}, Columns: []schema.Column{column("id", schema.Int), column("member_id", schema.Int), column("seen_at", schema.Time), column("paid", schema.Float)},
			Links: []schema.Link{{Name: "m", Columns: []int{1}, To: 0, Ref: []int{0}}}},
		{Name: "parts", Key: []int{0}, Columns: []schema.Column{column("id", schema.Int), column("visit_id", schema.Int)},
			Links: []schema.Link{{Name: "v", Columns: []int{1}, To: 1, Ref: []int{0}}}},
	}}
	b := NewBuilder(sc)
	put := func(table int, values ...float64) {
		for c, v := range values {
			col := &b.Tables[table].Columns[c]
			if col.Kind == schema.Float {
				col.Float(v)
			} else {
				col.Int(int64(v))
			}
		}
		b.Tables[table].EndRow()
	}
	visit := 0
	for m := range 60 {
		n := m % 7
		var paid, last float64
		for range n {
			visit++
			paid += float64(visit) / 4
			last = float64(visit)*1e9 + 5
			put(1, float64(visit), float64(m), last, float64(visit)/4)
			put(2, float64(visit), float64(visit))
		}
		put(0, float64(m), float64(m)*1e6, float64(n), paid, last, float64(m%5), 1)
	}
	raw, err := b.Finish(sc, 0)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := raw.Derive(sc)
	if err != nil {
		t.Fatal(err)
	}
	out := snap.Schema.Clone()
	schema.Infer(out, snap.Stats())
	var got []string
	for _, w := range out.Warnings() {
		if strings.Contains(w, "it is the") {
			got = append(got, w)
		}
	}
	want := []string{
		"members.a looks written later than its row (in 51 of 51 rows it is the number of the rows of visits that refer to it by member_id)",
		"members.b looks written later than its row (in 51 of 51 rows it is the sum of paid over the rows of visits",
		"members.c looks written later than its row (in 51 of 51 rows it is the latest seen_at of the rows of visits",
	}
	if len(got) != len(want) {
		t.Fatalf("warnings\n%s\nwant %d", strings.Join(got, "\n"), len(want))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("warning %q, want %q", got[i], want[i])
		}
	}
	// Rows that have their time from the row itself come with it, not later.
	out.Tables[1].Time = &schema.RowTime{Column: 1, Via: 0, Until: -1}
	for _, w := range out.Warnings() {
		if strings.Contains(w, "it is the") {
			t.Errorf("warned although the visits have their member's time: %s", w)
		}
	}
}
