package ingest

import (
	"fmt"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// Rows that come in parts of any size give the snapshot of rows that come one by one,
// on the heap and spilled; a part that is dropped leaves nothing.
func TestPart(t *testing.T) {
	sc := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: []schema.Column{
		{Name: "b", Kind: schema.Bool}, {Name: "i", Kind: schema.Int}, {Name: "f", Kind: schema.Float},
		{Name: "s", Kind: schema.Text}, {Name: "t", Kind: schema.Time}, {Name: "o", Kind: schema.Opaque}}}}}
	const rows = 1000
	put := func(tb *TableBuilder, r int) {
		for c := range tb.Columns {
			col := &tb.Columns[c]
			switch {
			case col.Kind == schema.Opaque:
			case (r+c)%5 == 0:
				col.Null()
			case col.Kind == schema.Bool:
				col.Bool(r%3 == 0)
			case col.Kind == schema.Float:
				col.Float(float64(r) / 8)
			case col.Kind == schema.Text:
				col.Text([]byte(fmt.Sprint(r, "é")))
			default:
				col.Int(int64(r))
			}
		}
		tb.EndRow()
	}
	take := func(spill bool, size int) string {
		b := NewBuilder(sc)
		if spill {
			b.Spill(t.TempDir())
		}
		whole := b.Tables[0]
		if size == 0 {
			put(whole, 7)
			whole.Reset()
			for r := range rows {
				put(whole, r)
			}
		}
		for lo := 0; size > 0 && lo < rows; lo += size {
			dropped := whole.Part()
			put(dropped, lo)
			part := whole.Part()
			for r := lo; r < min(lo+size, rows); r++ {
				put(part, r)
			}
			whole.Append(part)
		}
		snap, err := b.Finish(sc, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		return snap.ID
	}
	want := take(false, 0)
	for _, spill := range []bool{false, true} {
		for _, size := range []int{0, 1, 7, 8, 333, rows} {
			if got := take(spill, size); got != want {
				t.Errorf("spill %v, parts of %d rows: snapshot %s, want %s", spill, size, got, want)
			}
		}
	}
}
