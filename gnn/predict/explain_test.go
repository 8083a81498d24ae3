package predict_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tasks"
)

// without returns the events with those that drop selects taken away from their riders.
func without(events []event, drop func(i int) bool) []event {
	out := slices.Clone(events)
	for i := range out {
		if drop(i) {
			out[i].rider = -1
		}
	}
	return out
}

// TestExplain_effects holds every effect to its promise: the prediction minus the one
// over a database in which these rows do not point to the entity.
func TestExplain_effects(t *testing.T) {
	ofFirst := func(events []event) func(int) bool {
		return func(i int) bool { return events[i].rider == 0 && day(events[i].day) <= day(10) }
	}
	for _, c := range []struct {
		name    string
		fanOut  []int
		typ     string
		classes []string
	}{
		{"one hop", []int{8}, tasks.Binary, nil}, {"two hops", []int{8, 4}, tasks.Binary, nil},
		{"regression", []int{8}, tasks.Regression, nil}, {"three classes", []int{8}, tasks.Multiclass, []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			snap := snapshot(someRides, someRepairs)
			task := bind(snap, c.typ)
			over := func(ridden, repaired []event) []float64 {
				n := network(t, snapshot(ridden, repaired), model.Config{FanOut: c.fanOut}, task, c.classes, 3)
				return score(t, n, query(0, 10))
			}
			full := over(someRides, someRepairs)
			best := slices.Index(full, slices.Max(full))
			// By day 10 the first rider has the rides 100, 101 and 103 and the repair 200.
			want := map[string]float64{}
			put := func(key string, ridden, repaired []event) { want[key] = full[best] - over(ridden, repaired)[best] }
			put("rides", without(someRides, ofFirst(someRides)), someRepairs)
			put("repairs", someRides, without(someRepairs, ofFirst(someRepairs)))
			for _, row := range []int{0, 1, 3} {
				put(string(rune('0'+row)), without(someRides, func(i int) bool { return i == row }), someRepairs)
			}
			n := network(t, snap, model.Config{FanOut: c.fanOut}, task, c.classes, 3)
			got := n.Explain(query(0, 10), 100)
			if len(got) != len(want) {
				t.Fatalf("%d reasons, want %d: %+v", len(got), len(want), got)
			}
			for _, r := range got {
				key := r.Table
				if r.Rows == 1 && r.Table == "rides" {
					key = r.Key[2:] // 100 -> 0
					if at := day(someRides[key[0]-'0'].day); r.Time != at {
						t.Errorf("%s has time %d, want %d", name(r), r.Time, at)
					}
				}
				if w, ok := want[key]; !ok || math.Abs(r.Effect-w) > 1e-6 || w == 0 {
					t.Errorf("%s: effect %v, want %v", name(r), r.Effect, w)
				}
			}
			if !slices.IsSortedFunc(got, func(a, b predict.Reason) int { return cmp.Compare(math.Abs(b.Effect), math.Abs(a.Effect)) }) {
				t.Errorf("effects are not in order: %+v", got)
			}
			if two := n.Explain(query(0, 10), 2); !slices.Equal(two, got[:2]) {
				t.Errorf("the two largest are %+v, want %+v", two, got[:2])
			}
			if !slices.Equal(score(t, n, query(0, 10)), full) {
				t.Error("explaining changes predictions")
			}
		})
	}
}

// An entity without rows has nothing that moved its prediction; rows after the cut are none.
func TestExplain_nothing(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	n := network(t, snap, model.Config{FanOut: []int{8, 4}}, bind(snap, tasks.Binary), nil, 3)
	if got := n.Explain(query(2, 17), 10); len(got) != 0 {
		t.Errorf("reasons %+v for a rider without rides", got)
	}
	got := n.Explain(query(2, 18), 10)
	if len(got) != 1 || got[0].Table != "rides" || got[0].Rows != 1 || got[0].Key != "" {
		t.Errorf("reasons %+v for a rider of one ride, want the ride as a group", got)
	}
}

// A group of many rows is tried whole and its newest rows one by one.
func TestExplain_manyRows(t *testing.T) {
	var many []event
	for i := range 28 {
		many = append(many, event{0, 1 + i, float64(i)})
	}
	snap := snapshot(many, []event{{-1, 4, 1}})
	n := network(t, snap, model.Config{FanOut: []int{64}}, bind(snap, tasks.Binary), nil, 3)
	got := n.Explain(query(0, 25), 100)
	groups, oldest := 0, day(31)
	for _, r := range got {
		if r.Rows == 25 {
			groups++
			continue
		}
		oldest = min(oldest, r.Time)
	}
	if len(got) != 17 || groups != 1 || oldest != day(10) {
		t.Errorf("%d reasons with %d groups back to %d, want 16 rows from day 10 and one group", len(got), groups, oldest)
	}
}

// The effects of an ensemble are the means of its members' effects, as its predictions are.
func TestEnsemble(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	task := bind(snap, tasks.Binary)
	c := model.Config{FanOut: []int{8, 4}}
	e := predict.Ensemble{network(t, snap, c, task, nil, 1), network(t, snap, c, task, nil, 2), network(t, snap, c, task, nil, 3)}
	q := []model.Query{query(0, 10), query(1, 12), query(2, 20)}
	got := score(t, e, q...)
	for i := range q {
		want := (score(t, e[0], q...)[i] + score(t, e[1], q...)[i] + score(t, e[2], q...)[i]) / 3
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("query %d: %v, want the mean %v", i, got[i], want)
		}
	}
	want := map[string]float64{}
	for _, n := range e {
		for _, r := range n.Explain(q[0], 100) {
			want[name(r)] += r.Effect / 3
		}
	}
	reasons := e.Explain(q[0], 100)
	if len(reasons) != len(want) || len(reasons) != 5 {
		t.Fatalf("%d reasons, want %d", len(reasons), len(want))
	}
	for i, r := range reasons {
		if math.Abs(r.Effect-want[name(r)]) > 1e-12 {
			t.Errorf("%s: effect %v, want the mean %v", name(r), r.Effect, want[name(r)])
		}
		if i > 0 && math.Abs(r.Effect) > math.Abs(reasons[i-1].Effect) {
			t.Errorf("effects are not in order: %+v", reasons)
		}
	}
	if one := (predict.Ensemble{e[1]}); !slices.Equal(score(t, one, q...), score(t, e[1], q...)) || !slices.Equal(one.Explain(q[0], 9), e[1].Explain(q[0], 9)) {
		t.Error("an ensemble of one is not the same as its member")
	}
}

// Members may hold different classes for the likeliest: the effects are those on the class
// that the ensemble predicts.
func TestEnsemble_oneClass(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	task, classes := bind(snap, tasks.Multiclass), []string{"a", "b", "c"}
	c := model.Config{FanOut: []int{8}}
	q := query(0, 10)
	const first = 1
	a := network(t, snap, c, task, classes, first)
	class := func(s predict.Scorer) int { out := score(t, s, q); return slices.Index(out, slices.Max(out)) }
	second := uint64(first + 1)
	b := network(t, snap, c, task, classes, second)
	for class(a) == class(b) {
		second++
		b = network(t, snap, c, task, classes, second)
	}
	e := predict.Ensemble{a, b}
	out := class(e)
	gone := snapshot(someRides, without(someRepairs, func(i int) bool { return someRepairs[i].rider == 0 }))
	want := score(t, e, q)[out]
	for _, seed := range []uint64{first, second} {
		want -= score(t, network(t, gone, c, task, classes, seed), q)[out] / 2
	}
	for _, r := range e.Explain(q, 9) {
		if r.Table == "repairs" && math.Abs(r.Effect-want) > 1e-6 {
			t.Errorf("repairs move the ensemble's class by %v, want %v", r.Effect, want)
		}
	}
}

// Under the uniform strategy members sample other rows: only those that saw the same rows
// as the first are averaged.
func TestEnsemble_otherRows(t *testing.T) {
	var many []event
	for i := range 20 {
		many = append(many, event{0, 1 + i, float64(i)})
	}
	snap := snapshot(many, []event{{-1, 4, 1}})
	task := bind(snap, tasks.Binary)
	c := model.Config{FanOut: []int{3}, Strategy: "uniform"}
	a, b := network(t, snap, c, task, nil, 1), network(t, snap, c, task, nil, 2)
	q := query(0, 25)
	if name(a.Explain(q, 9)[1]) == name(b.Explain(q, 9)[1]) && name(a.Explain(q, 9)[2]) == name(b.Explain(q, 9)[2]) {
		t.Fatal("both members sampled the same rows, so this shows nothing")
	}
	if got := (predict.Ensemble{a, b}).Explain(q, 9); !slices.Equal(got, a.Explain(q, 9)) {
		t.Errorf("reasons %+v, want those of the first member %+v", got, a.Explain(q, 9))
	}
}
