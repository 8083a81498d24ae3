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
			dropped := whole.Part(spill)
			put(dropped, lo)
			part := whole.Part(spill)
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
	many := func(spill bool, size int) string { // the same values, many at once
		b := NewBuilder(sc)
		if spill {
			b.Spill(t.TempDir())
		}
		whole := b.Tables[0]
		for lo := 0; lo < rows; lo += size {
			n := min(size, rows-lo)
			for c := range whole.Columns {
				atOnce(&whole.Columns[c], n, func(i int) (r int, null bool) { return lo + i, (lo+i+c)%5 == 0 })
			}
			whole.EndRows(n)
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
			if size > 0 {
				if got := many(spill, size); got != want {
					t.Errorf("spill %v, %d rows at once: snapshot %s, want %s", spill, size, got, want)
				}
			}
			if got := take(spill, size); got != want {
				t.Errorf("spill %v, parts of %d rows: snapshot %s, want %s", spill, size, got, want)
			}
		}
	}
}

// atOnce adds n values by the calls that take many.
func atOnce(col *ColumnBuilder, n int, of func(i int) (r int, null bool)) {
	var text []byte
	for i := range n {
		if r, null := of(i); !null {
			text = fmt.Append(text, r, "é")
		}
	}
	switch col.Kind {
	case schema.Bool:
		for i := range n {
			if r, null := of(i); null {
				col.Null()
			} else {
				col.Bool(r%3 == 0)
			}
		}
	case schema.Int, schema.Time:
		v := col.Ints(n)
		for i := range v {
			r, null := of(i)
			if v[i] = int64(r); null {
				v[i] = 0
				col.NullAt(i)
			}
		}
	case schema.Float:
		v := col.Floats(n)
		for i := range v {
			r, null := of(i)
			if v[i] = float64(r) / 8; null {
				v[i] = 0
				col.NullAt(i)
			}
		}
	case schema.Text:
		ends, bytes, end := col.Texts(n, len(text))
		copy(bytes, text)
		for i := range ends {
			if r, null := of(i); null {
				col.NullAt(i)
			} else {
				end += int64(len(fmt.Append(nil, r, "é")))
			}
			ends[i] = end
		}
	}
}
