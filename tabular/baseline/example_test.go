package baseline_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// visits is a snapshot of two patients and a visit of the first one every ten days.
func visits() *ingest.Snapshot {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "patients", Columns: []schema.Column{{Name: "id", Kind: schema.Int}}, Key: []int{0}},
		{Name: "visits", Columns: []schema.Column{{Name: "patient", Kind: schema.Int}, {Name: "at", Kind: schema.Time}},
			Links: []schema.Link{{Name: "patient", Columns: []int{0}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}},
	}}
	v := &ingest.Table{Def: s.Tables[1], Parents: [][]int32{nil}, Dangling: []int{0}}
	for n := 0; n <= 360; n += 10 {
		v.Times, v.Parents[0] = append(v.Times, time.Date(2023, 1, 1+n, 0, 0, 0, 0, time.UTC).UnixMicro()), append(v.Parents[0], 0)
		v.Rows++
	}
	v.Columns = []ingest.Column{{Kind: schema.Int, Ints: make([]int64, v.Rows)}, {Kind: schema.Time, Ints: v.Times}}
	patients := &ingest.Table{Def: s.Tables[0], Rows: 2, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2}}}}
	return &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{patients, v}}
}

// How many visits will a patient make in the next 30 days? The mean of the patient's own
// past answers, drawn to the median of all as if by one answer more, is hard to beat: the
// first patient had 3 visits in each of 10 months, so (10 * 3 + 1.5) / 11.
func Example() {
	ctx, snap, month := context.Background(), visits(), tasks.Span{Days: 30}
	task := &tasks.Task{Name: "visits_next_month", Type: tasks.Regression, Horizon: month,
		Target: &tasks.Aggregate{Fn: "count", Table: 1, Path: []tasks.Step{{Table: 1, Link: 0}},
			Window: tasks.Window{End: month}, Empty: tasks.DefaultEmpty("count"), OnEmpty: true}}
	labels, err := tasks.Label(ctx, snap, task, 0)
	if err != nil {
		log.Fatal(err)
	}
	graph, err := model.Graph(ctx, snap, task, true) // with the target history as its last table
	if err != nil {
		log.Fatal(err)
	}
	history := graph.Snap.Tables[len(graph.Snap.Tables)-1]
	fit := &baseline.Fit{
		Data:  &baseline.Data{Graph: graph, Task: task, Pool: tensor.NewPool(1), History: history.Columns[history.Def.Column("label")].Floats},
		Train: baseline.Collect(labels, tasks.Train), Val: baseline.Collect(labels, tasks.Val)}
	b, err := baseline.Train(ctx, "entity mean", fit)
	if err != nil {
		log.Fatal(err)
	}
	val := fit.Val.Queries
	out, err := b.Predict(ctx, val)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.Setting(), "on", time.UnixMicro(val[0].Cut).UTC().Format(time.DateOnly))
	for i, q := range val {
		fmt.Printf("patient %s: %.4f, in truth %g\n", snap.Tables[0].KeyText(q.Row), out[i], fit.Val.Label[i])
	}
	// Output:
	// mean of closed labels on 2023-10-28
	// patient 1: 2.8636, in truth 3
	// patient 2: 0.1364, in truth 0
}
