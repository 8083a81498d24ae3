package predict_test

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// states is a network of the layer scan over a snapshot of the small world, with random
// parameters; what it reads is judged by the whole world.
func states(t testing.TB, snap *ingest.Snapshot, task *tasks.Task, classes []string, seed uint64) *predict.States {
	t.Helper()
	whole, err := graph.Build(snapshot(someRides, someRepairs))
	if err != nil {
		t.Fatal(err)
	}
	enc := make([]*encode.Table, 3)
	for i, table := range whole.Snap.Tables {
		if enc[i], err = encode.Fit(table, ingest.TimeRule{}, day(31), nil); err != nil {
			t.Fatal(err)
		}
	}
	c := model.Config{Layer: model.Scan, Width: 4, Outputs: max(1, len(classes))}.Complete(5)
	m, err := scan.New(c, whole, riders, enc, ingest.TimeRule{}, day(31), seed)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range m.Params.All() {
		for j := range p.Value.Data {
			if p.Trained() {
				p.Value.Data[j] += tensor.Real(0.3 * tensor.Normal(seed, uint64(1000*i+j)))
			}
		}
	}
	g, err := graph.Build(snap)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Bind(g, ingest.TimeRule{}, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	s, err := predict.NewStates(b, task, &tasks.Scaling{Center: 5, Scale: 2, Low: -1e9, High: 1e9, Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The effect of a path is the prediction minus the one over a database in which its rows
// do not point to the entity; an ensemble's is the mean over its members.
func TestStates_Explain(t *testing.T) {
	ofFirst := func(events []event) []event {
		return without(events, func(i int) bool { return events[i].rider == 0 && events[i].day <= 10 })
	}
	for _, c := range []struct {
		typ     string
		classes []string
	}{{tasks.Binary, nil}, {tasks.Regression, nil}, {tasks.Multiclass, []string{"a", "b", "c"}}} {
		t.Run(c.typ, func(t *testing.T) {
			task := bind(snapshot(someRides, someRepairs), c.typ)
			over := func(ridden, repaired []event) predict.Ensemble {
				snap := snapshot(ridden, repaired)
				return predict.Ensemble{states(t, snap, task, c.classes, 1), states(t, snap, task, c.classes, 2)}
			}
			full, q := over(someRides, someRepairs), query(0, 10)
			rideless, repairless := over(ofFirst(someRides), someRepairs), over(someRides, ofFirst(someRepairs))
			for _, s := range []struct{ full, rideless, repairless predict.Scorer }{{full, rideless, repairless}, {full[0], rideless[0], repairless[0]}} {
				scores := score(t, s.full, q)
				best := slices.Index(scores, slices.Max(scores))
				want := []predict.Reason{
					{Table: "rides", Path: "rides -f2p_rider-> riders", Rows: 3, Effect: scores[best] - score(t, s.rideless, q)[best]},
					{Table: "repairs", Path: "repairs -f2p_rider-> riders", Rows: 1, Effect: scores[best] - score(t, s.repairless, q)[best]},
				}
				if math.Abs(want[1].Effect) > math.Abs(want[0].Effect) {
					slices.Reverse(want)
				}
				got := s.full.(predict.Explainer).Explain(q, 9)
				if len(got) != 2 {
					t.Fatalf("reasons %+v, want two", got)
				}
				for i, w := range want {
					if math.Abs(got[i].Effect-w.Effect) > 1e-6 || math.Abs(w.Effect) < 1e-4 {
						t.Errorf("effect %v of %s, want %v", got[i].Effect, w.Table, w.Effect)
					}
					if got[i].Effect = w.Effect; got[i] != w {
						t.Errorf("reason %+v, want %+v", got[i], w)
					}
				}
				if one := s.full.(predict.Explainer).Explain(q, 1); len(one) != 1 || one[0].Table != want[0].Table {
					t.Errorf("the largest effect is %+v, want that of %s", one, want[0].Table)
				}
			}
			if got := full.Explain(query(2, 17), 9); len(got) != 0 {
				t.Errorf("reasons %+v for a rider without rows", got)
			}
		})
	}
}
