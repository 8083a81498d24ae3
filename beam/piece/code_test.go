package piece_test

import (
	"slices"
	"testing"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// everyKind is a table with a column of every kind.
func everyKind() *schema.Schema {
	kinds := []schema.Kind{schema.Int, schema.Bool, schema.Float, schema.Text, schema.Time, schema.Opaque}
	t := &schema.Table{Name: "t", Key: []int{0}}
	for i, k := range kinds {
		t.Columns = append(t.Columns, schema.Column{Name: string(rune('a' + i)), Kind: k})
	}
	return &schema.Schema{Tables: []*schema.Table{t}}
}

func world(t testing.TB) *ingest.Snapshot {
	sc := everyKind()
	b := ingest.NewBuilder(sc)
	for i := range int64(20) {
		c := b.Tables[0].Columns
		c[0].Int(i - 3)
		if i%3 == 0 {
			for _, n := range []int{1, 2, 3, 4} {
				c[n].Null()
			}
		} else {
			c[1].Bool(i%2 == 0)
			c[2].Float(float64(i) / 7)
			c[3].Text([]byte("word"[:i%5]))
			c[4].Int(i * 1e15)
		}
		b.Tables[0].EndRow()
	}
	s, err := b.Finish(sc, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Rows that went through blocks, some of them twice, make the same snapshot.
func TestBuildGivesTheRowsBack(t *testing.T) {
	s := world(t)
	var all [][]byte
	for _, span := range [][2]int{{0, 8}, {8, 20}, {5, 9}} {
		block := []byte{0}
		for row := span[0]; row < span[1]; row++ {
			block = piece.AppendRow(block, s.Tables[0].Columns, row, uint64(row))
		}
		all = append(all, block)
	}
	got, err := piece.Build(s.Schema, from(all), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.ID != s.ID {
		t.Errorf("snapshot %s of %d rows, want %s of %d", got.ID, got.Tables[0].Rows, s.ID, s.Tables[0].Rows)
	}
}

// from gives blocks one after the other, as an engine does.
func from(blocks [][]byte) func(*[]byte) bool {
	return func(into *[]byte) bool {
		if len(blocks) == 0 {
			return false
		}
		*into, blocks = blocks[0], blocks[1:]
		return true
	}
}

func TestCutBlocksAreRefused(t *testing.T) {
	s := world(t)
	block := []byte{0}
	var ends []int
	for row := range s.Tables[0].Rows {
		ends = append(ends, len(block))
		block = piece.AppendRow(block, s.Tables[0].Columns, row, uint64(row))
	}
	for n := 1; n < len(block); n++ {
		if slices.Contains(ends, n) {
			continue // whole rows
		}
		if got, err := piece.Build(s.Schema, from([][]byte{block[:n]}), ""); err == nil {
			t.Errorf("%d of %d bytes gave a snapshot of %d rows, want an error", n, len(block), got.Tables[0].Rows)
		}
	}
}

// Whatever may be equal for a link has one hash.
func TestHashOfEqualValues(t *testing.T) {
	columns := []ingest.Column{
		{Kind: schema.Int, Ints: []int64{5, -7}},
		{Kind: schema.Float, Floats: []float64{5, -7}},
		{Kind: schema.Text, Offsets: []int64{0, 3, 5}, Bytes: []byte("5  -7")},
		{Kind: schema.Text, Offsets: []int64{0, 1, 3}, Bytes: []byte("6ab")},
	}
	for row := range 2 {
		want, _ := piece.Hash(columns, []int{0}, row)
		for c := 1; c < 3; c++ {
			if got, ok := piece.Hash(columns, []int{c}, row); !ok || got != want {
				t.Errorf("row %d: column %d has hash %x, want %x", row, c, got, want)
			}
		}
		if other, _ := piece.Hash(columns, []int{3}, row); other == want {
			t.Errorf("row %d: another value has the same hash", row)
		}
	}
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte{0, 1, 1, 4})
	sc := everyKind()
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := piece.Build(sc, from([][]byte{data}), ""); err == nil {
			got.Close()
		}
	})
}
