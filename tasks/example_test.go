package tasks_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// visits is a snapshot of two patients and a visit of the first one every ten days.
func visits() *ingest.Snapshot {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "patients", Columns: []schema.Column{{Name: "id", Kind: schema.Int}}, Key: []int{0}},
		{Name: "visits", Columns: []schema.Column{{Name: "patient", Kind: schema.Int}, {Name: "at", Kind: schema.Time}},
			Links: []schema.Link{{Name: "patient", Columns: []int{0}, To: 0, Ref: []int{0}}},
			Time:  &schema.RowTime{Column: 1, Via: -1, Until: -1}},
	}}
	patients := &ingest.Table{Def: s.Tables[0], Rows: 2, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2}}}}
	table := &ingest.Table{Def: s.Tables[1], Parents: [][]int32{nil}, Dangling: []int{0}}
	for day := 0; day <= 360; day += 10 {
		table.Times = append(table.Times, time.Date(2023, 1, 1+day, 0, 0, 0, 0, time.UTC).UnixMicro())
		table.Parents[0] = append(table.Parents[0], 0)
		table.Rows++
	}
	table.Columns = []ingest.Column{{Kind: schema.Int, Ints: make([]int64, table.Rows)}, {Kind: schema.Time, Ints: table.Times}}
	return &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{patients, table}}
}

// A task counts the visits of the next 30 days; label tables, splits and the report follow
// from it and the data.
func Example() {
	month := tasks.Span{Days: 30}
	task := &tasks.Task{
		Name: "visits_next_month", Type: tasks.Regression, Entity: 0, Horizon: month,
		Target: &tasks.Aggregate{Fn: "count", Table: 1, Path: []tasks.Step{{Table: 1, Link: 0}},
			Window: tasks.Window{End: month}, Empty: tasks.DefaultEmpty("count"), OnEmpty: true},
	}
	labels, err := tasks.Label(context.Background(), visits(), task, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := labels.Report.Text(os.Stdout, task); err != nil {
		fmt.Println(err)
	}
	for _, i := range labels.Rows(tasks.Test) {
		fmt.Println("patient row", labels.Entity[i], "label", labels.Label[i])
	}
	// Output:
	// task visits_next_month: regression, entity patients (2 rows), window (anchor, anchor + 30 days], regime rolling
	// anchors    train 10 (2023-01-01 .. 2023-09-28, every 30 days)  val 1 (2023-10-28)  test 1 (2023-11-27)
	// with rows  train 10   val 1   test 1
	// examples   train 20   val 2   test 2        mean 1.5 / 1.5 / 1.5
	// dropped    0 of 24 pairs; 0 NULL labels; 0 rows without time; 0 anchors incomplete
	// patient row 0 label 3
	// patient row 1 label 0
}

// A month added to the last day of January is the last day of February, and a day added
// over a clock change keeps the wall clock.
func ExampleSpan_AddTo() {
	at := time.Date(2023, 1, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
	for _, s := range []tasks.Span{{Months: 1}, {Months: 2}, {Days: 30}} {
		fmt.Println(s, time.UnixMicro(s.AddTo(at, time.UTC)).UTC().Format(time.DateOnly))
	}
	// Output:
	// 1 month 2023-02-28
	// 2 months 2023-03-31
	// 30 days 2023-03-02
}

func ExampleMetricByName() {
	m, err := tasks.MetricByName(tasks.Binary, "roc_auc", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	truth, probability := []float64{1, 1, 0, 0}, []float64{0.8, 0.5, 0.3, 0.5}
	fmt.Println(m.Compute(truth, probability), m.HigherIsBetter())

	_, err = tasks.MetricByName(tasks.Multiclass, "f1", nil)
	fmt.Println(err)
	// Output:
	// 0.875 true
	// TK194: no metric "f1" for multiclass_classification (have accuracy, macro_f1, log_loss, weighted_f1, micro_f1, mrr)
}

// A trainer feeds raw outputs to the task type and gets the loss with its gradient;
// decoding turns them into what a user reads.
func ExampleType() {
	typ, err := tasks.TypeOf(tasks.Binary)
	if err != nil {
		fmt.Println(err)
		return
	}
	scaling := &tasks.Scaling{}
	out, target, grad := []float64{0, 2}, []float64{1, 1}, make([]float64, 2)
	loss := typ.Loss(scaling, out, target, grad)
	fmt.Printf("loss %.4f gradient %.4f\n", loss, grad)
	fmt.Printf("probability %.4f\n", typ.Decode(scaling, out))
	// Output:
	// loss 0.4100 gradient [-0.2500 -0.0596]
	// probability [0.5000 0.8808]
}
