package scan_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const day = 86_400_000_000

// Two customers and five orders; what a customer is asked about on day 8 does not depend on
// the order of day 9.
func Example() {
	key := schema.Column{Name: "id", Kind: schema.Int, Sem: schema.SemID}
	at := schema.Column{Name: "at", Kind: schema.Time, Sem: schema.SemTimestamp}
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Columns: []schema.Column{key}},
		{Name: "orders", Key: []int{0}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1},
			Columns: []schema.Column{key, at, {Name: "total", Kind: schema.Float, Sem: schema.SemNumerical}, {Name: "customer", Kind: schema.Int, Sem: schema.SemID}},
			Links:   []schema.Link{{Name: "customer", Columns: []int{3}, To: 0, Ref: []int{0}}}},
	}}
	times := []int64{1 * day, 3 * day, 4 * day, 7 * day, 9 * day}
	snap := &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{
		{Def: s.Tables[0], Rows: 2, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2}}}},
		{Def: s.Tables[1], Rows: 5, Times: times, Parents: [][]int32{{0, 1, 0, 1, 0}}, Dangling: []int{0}, Columns: []ingest.Column{
			{Kind: schema.Int, Ints: []int64{1, 2, 3, 4, 5}}, {Kind: schema.Time, Ints: times},
			{Kind: schema.Float, Floats: []float64{10, 40, 25, 5, 60}}, {Kind: schema.Int, Ints: []int64{1, 2, 1, 2, 1}}}},
	}}
	g, err := graph.Build(snap)
	if err != nil {
		log.Fatal(err)
	}
	rule, enc := ingest.TimeRule{}, make([]*encode.Table, 2)
	for i, t := range snap.Tables {
		if enc[i], err = encode.Fit(t, rule, 8*day, nil); err != nil {
			log.Fatal(err)
		}
	}
	m, err := scan.New(model.Config{Layer: model.Scan, Outputs: 1}.Complete(5), g, 0, enc, rule, 8*day, 1)
	if err != nil {
		log.Fatal(err)
	}
	b, err := m.Bind(g, rule, tensor.NewPool(1))
	if err != nil {
		log.Fatal(err)
	}
	queries := []model.Query{{Row: 0, Cut: 8 * day, Anchor: 8 * day}, {Row: 1, Cut: 8 * day, Anchor: 8 * day}}
	out, err := b.NewScorer().Score(context.Background(), queries)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	fmt.Printf("%d outputs, before any training %.1f\n", out.Rows, out.Data)
	// Output:
	// scan(layers 1, width 12, half-lives [5 60] d), 1 states over up to 3 foreign keys, 11 features and 24 channels read, 86 parameters
	// 2 outputs, before any training [0.0 0.0]
}
