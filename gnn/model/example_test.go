package model_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const day = 86_400_000_000 // in microseconds

// orders of two users; the last one is placed on day 9.
func shop() *graph.Graph {
	users := &schema.Table{Name: "users", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, Sem: schema.SemID}}}
	orders := &schema.Table{Name: "orders",
		Columns: []schema.Column{{Name: "user_id", Kind: schema.Int, Sem: schema.SemID}, {Name: "amount", Kind: schema.Float, Sem: schema.SemNumerical}},
		Links:   []schema.Link{{Columns: []int{0}, To: 0, Ref: []int{0}}},
		Time:    &schema.RowTime{Column: -1, Via: -1, Until: -1},
	}
	g, err := graph.Build(&ingest.Snapshot{Schema: &schema.Schema{Tables: []*schema.Table{users, orders}}, Tables: []*ingest.Table{
		{Def: users, Rows: 2, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2}}}},
		{Def: orders, Rows: 3, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2, 2}}, {Kind: schema.Float, Floats: []float64{10, 20, 900}}},
			Parents: [][]int32{{0, 1, 1}}, Times: []int64{1 * day, 2 * day, 9 * day}},
	}})
	if err != nil {
		panic(err)
	}
	return g
}

// A network that is not trained yet, saved, read back and asked about user 2: on day 5
// it knows one order, on day 9 two.
func Example() {
	g, pool := shop(), tensor.NewPool(1)
	enc := make([]*encode.Table, 2)
	for i, t := range g.Snap.Tables {
		var err error
		if enc[i], err = encode.Fit(t, ingest.TimeRule{}, 5*day, nil); err != nil {
			panic(err)
		}
	}
	m, err := model.New(model.Config{Width: 4, FanOut: []int{8}, Outputs: 1}.Complete(7), g, 0, enc, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(m)
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		panic(err)
	}
	back, err := model.Read(file.Bytes())
	if err != nil {
		panic(err)
	}
	bound, err := back.Bind(g, pool)
	if err != nil {
		panic(err)
	}
	scorer, err := bound.NewScorer(ingest.TimeRule{}, pool)
	if err != nil {
		panic(err)
	}
	out, err := scorer.Score(context.Background(), []model.Query{
		{Row: 1, Cut: 5 * day, Anchor: 9 * day}, {Row: 1, Cut: 9 * day, Anchor: 9 * day}, {Row: 1, Cut: 5 * day, Anchor: 9 * day},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("the same again:", out.At(0, 0) == out.At(2, 0))
	fmt.Println("the same with the order of day 9:", out.At(0, 0) == out.At(1, 0))
	// Output:
	// sage(decay(14d, 112d), 4 -> 4), fan-out [8] latest, 298 parameters
	// the same again: true
	// the same with the order of day 9: false
}
