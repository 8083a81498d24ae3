package predict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// day is the midnight of day n of January 2024, microseconds UTC.
func day(n int) int64 { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC).UnixMicro() }

// The tables of the small world; the entity is riders.
const riders, rides, repairs = 0, 1, 2

// event is a ride or a repair: its rider's row (-1 = none), its day and an amount.
type event struct {
	rider  int32
	day    int
	amount float64
}

var (
	someRides   = []event{{0, 3, 10}, {0, 5, 40}, {1, 6, 25}, {0, 9, 5}, {1, 10, 60}, {0, 12, 33}, {2, 18, 70}}
	someRepairs = []event{{0, 4, 100}, {1, 8, 20}, {1, 9, 250}}
)

// snapshot holds three riders, of days 1, 2 and 15, with their rides and repairs.
func snapshot(ridden, repaired []event) *ingest.Snapshot {
	key := schema.Column{Name: "id", Kind: schema.Int, Sem: schema.SemID}
	at := schema.Column{Name: "at", Kind: schema.Time, Sem: schema.SemTimestamp}
	own := &schema.RowTime{Column: 1, Via: -1, Until: -1}
	child := func(name, amount string) *schema.Table {
		return &schema.Table{Name: name, Key: []int{0}, Time: own,
			Columns: []schema.Column{key, at, {Name: amount, Kind: schema.Float, Sem: schema.SemNumerical}, {Name: "rider", Kind: schema.Int, Sem: schema.SemID}},
			Links:   []schema.Link{{Name: "rider", Columns: []int{3}, To: riders, Ref: []int{0}}}}
	}
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "riders", Key: []int{0}, Time: own, Columns: []schema.Column{key, at, {Name: "age", Kind: schema.Int, Sem: schema.SemNumerical}}},
		child("rides", "km"), child("repairs", "price"),
	}}
	joined := []int64{day(1), day(2), day(15)}
	snap := &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{{Def: s.Tables[riders], Rows: 3, Times: joined, Columns: []ingest.Column{
		{Kind: schema.Int, Ints: []int64{11, 12, 13}}, {Kind: schema.Time, Ints: joined}, {Kind: schema.Int, Ints: []int64{20, 35, 50}}}}}}
	for i, events := range [][]event{ridden, repaired} {
		t := &ingest.Table{Def: s.Tables[1+i], Rows: len(events), Columns: make([]ingest.Column, 4), Parents: [][]int32{nil}, Dangling: []int{0}}
		for c := range t.Columns {
			t.Columns[c].Kind = t.Def.Columns[c].Kind
		}
		for n, e := range events {
			t.Columns[0].Ints = append(t.Columns[0].Ints, int64(100*(i+1)+n))
			t.Columns[1].Ints = append(t.Columns[1].Ints, day(e.day))
			t.Columns[2].Floats = append(t.Columns[2].Floats, e.amount)
			t.Columns[3].Ints = append(t.Columns[3].Ints, int64(11+e.rider))
			t.Times, t.Parents[0] = append(t.Times, day(e.day)), append(t.Parents[0], e.rider)
		}
		snap.Tables = append(snap.Tables, t)
	}
	return snap
}

// network is an untrained network for the riders of a snapshot. Its encoders are those of
// the whole world, so that two snapshots of it are read alike.
func network(t testing.TB, snap *ingest.Snapshot, c model.Config, task *tasks.Task, classes []string, seed uint64) *predict.Network {
	t.Helper()
	g, err := graph.Build(snap)
	if err != nil {
		t.Fatal(err)
	}
	enc := make([]*encode.Table, 3)
	for i, table := range snapshot(someRides, someRepairs).Tables {
		if enc[i], err = encode.Fit(table, ingest.TimeRule{}, day(31), nil); err != nil {
			t.Fatal(err)
		}
	}
	c.Width, c.Outputs = 8, max(1, len(classes))
	m, err := model.New(c.Complete(5), g, riders, enc, seed)
	if err != nil {
		t.Fatal(err)
	}
	m.Meta.Seed = seed
	pool := tensor.NewPool(1)
	b, err := m.Bind(g, pool)
	if err != nil {
		t.Fatal(err)
	}
	n, err := predict.NewNetwork(b, task, &tasks.Scaling{Center: 5, Scale: 2, Low: -1e9, High: 1e9, Classes: classes}, pool)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bind binds a task to the small world: will the rider ride in the next five days? It is
// asked of those who rode in the last seven.
func bind(snap *ingest.Snapshot, typ string) *tasks.Task {
	task, err := tql.Bind(`CREATE TASK rides_soon AS PREDICT COUNT(rides.*, 0, 5, days) > 0 FOR EACH riders
		WHERE COUNT(rides.*, -7, 0, days) > 0 WITH (data_from = '2024-01-03')`, snap.Schema)
	if err != nil {
		panic(err)
	}
	if err := tasks.Resolve(task, snap); err != nil {
		panic(err)
	}
	task.Type = typ
	return task
}

func query(row int32, d int) model.Query { return model.Query{Row: row, Cut: day(d), Anchor: day(d)} }

func score(t testing.TB, s predict.Scorer, q ...model.Query) []float64 {
	t.Helper()
	out, err := s.Score(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func name(r predict.Reason) string {
	return fmt.Sprintf("%s via %s, %d rows, key %q", r.Table, r.Path, r.Rows, r.Key)
}
