package ingest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// shuffled fills a builder with customers and orders in random order: an integer
// key, a text key, and links by both.
func shuffled(rows int) (*schema.Schema, *Builder) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Unique: [][]int{{1}}, Columns: []schema.Column{
			{Name: "id", Kind: schema.Int}, {Name: "handle", Kind: schema.Text}, {Name: "born", Kind: schema.Time}}},
		{Name: "orders", Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Kind: schema.Int}, {Name: "customer", Kind: schema.Int}, {Name: "handle", Kind: schema.Text},
			{Name: "at", Kind: schema.Time}, {Name: "amount", Kind: schema.Float}},
			Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}, {Columns: []int{2}, To: 0, Ref: []int{1}}},
			Time:  &schema.RowTime{Column: 3, Via: -1, Until: -1}},
	}}
	b := NewBuilder(s)
	r := rand.New(rand.NewPCG(1, 2))
	parents := rows / 10
	for _, i := range r.Perm(parents) {
		c := b.Tables[0].Columns
		c[0].Int(int64(i))
		c[1].Text(fmt.Appendf(nil, "user-%d@example.org", i))
		c[2].Int(r.Int64N(1e15))
		b.Tables[0].EndRow()
	}
	for _, i := range r.Perm(rows) {
		c := b.Tables[1].Columns
		p := r.IntN(parents)
		c[0].Int(int64(i) * 1000003)
		c[1].Int(int64(p))
		c[2].Text(fmt.Appendf(nil, "user-%d@example.org", p))
		c[3].Int(r.Int64N(1e15))
		c[4].Float(r.Float64())
		b.Tables[1].EndRow()
	}
	return s, b
}

func BenchmarkFinish(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, builder := shuffled(200_000)
		b.StartTimer()
		if _, err := builder.Finish(s, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDerive(b *testing.B) {
	s, builder := shuffled(200_000)
	snap, err := builder.Finish(s, 0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := snap.Derive(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenSnapshot(b *testing.B) {
	s, builder := shuffled(200_000)
	snap, err := builder.Finish(s, 0)
	if err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(b.TempDir(), "s")
	if err := snap.Save(dir); err != nil {
		b.Fatal(err)
	}
	for name, opt := range map[string]StoreOptions{"verified": {}, "skip checksum": {SkipChecksum: true}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := OpenSnapshotWith(dir, opt)
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

func BenchmarkStats(b *testing.B) {
	s, builder := shuffled(200_000)
	snap, err := builder.Finish(s, 0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		snap.Stats()
	}
}
