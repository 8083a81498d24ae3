package tasks

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// randomForecast draws a sum or count with a future window in several timeframes.
func randomForecast(d dice, w *world) *Task {
	task := w.task(pick(d, "e", "e", "f"))
	task.Options.Zone = time.UTC
	if d.chance(0.4) {
		task.Options.Zone, _ = time.LoadLocation("Europe/Berlin")
	}
	task.Options.Rule.Strict = d.chance(0.2)
	m := &maker{dice: d, w: w, task: task, future: true}
	for {
		a := m.aggregate("number")
		if (a.Fn == "sum" || a.Fn == "count" || a.Fn == "count_distinct") && a.Window.Future() {
			a.Skip = false
			length := a.Window.End.Plus(a.Window.Start.Times(-1))
			n := 1 + d.IntN(5)
			task.Type, task.Target = Forecasting, a
			task.Forecast = &Forecast{Frames: n, Length: length, Horizon: a.Window.End}
			task.Horizon = a.Window.End.Plus(length.Times(n - 1))
			return task
		}
	}
}

// TestForecast_oracle compares every timeframe of random forecasts with the naive executor
// on the timeframe's own window.
func TestForecast_oracle(t *testing.T) {
	labels := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := dice{rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))}
		w := d.world(rapid.IntRange(3, 40).Draw(rt, "rows"))
		snap := w.build(t)
		task := randomForecast(d, w)
		x, err := NewExecutor(snap, task, 1+d.IntN(3))
		if err != nil {
			rt.Fatal(err)
		}
		anchors := dedupe((&maker{dice: d}).anchors(10))
		l, err := x.run(context.Background(), x.appendJobs(nil, anchors, Test), runRules{visible: x.visible})
		if err != nil {
			rt.Fatal(err)
		}
		for i, row := range l.Entity {
			if len(l.Truth(i)) != task.Frames() || l.Truth(i)[0] != l.Label[i] {
				rt.Fatalf("example %d has labels %v, the first being %v", i, l.Truth(i), l.Label[i])
			}
			for k, target := range task.Targets() {
				alone := *task
				alone.Target, alone.Forecast = target, nil
				want := naiveNumber(naiveLabel(snap, &alone, row, l.Anchor[i]))
				if have := l.Truth(i)[k]; math.Abs(have-want) > 1e-9*math.Max(1, math.Abs(want)) {
					rt.Fatalf("timeframe %d of %s at %s: %v, want %v", k+1, keyText(l.entity, row), cellOf(l.Anchor[i]), have, want)
				}
				labels++
			}
		}
	})
	if !testing.Short() && labels < 500 {
		t.Errorf("only %d labels compared", labels)
	}
}

// TestFirstFrame says which series is the target history of a forecast.
func TestFirstFrame(t *testing.T) {
	const year = 365 * microsPerDay
	task := &Task{Type: Forecasting, Target: &Aggregate{Fn: "sum", Window: window(Span{}, days(7))}, Horizon: days(42),
		Forecast: &Forecast{Frames: 6, Length: days(7), Horizon: days(7)}, Options: Options{Step: days(42), DataUntil: 10 * year}}
	for _, test := range []struct {
		entities int
		step     Span
	}{{1000, days(7)}, {50_000, days(14)}, {100_000, days(21)}, {10_000_000, days(42)}} {
		first := task.FirstFrame(test.entities)
		if first.Options.Step != test.step || first.Horizon != days(7) || first.Type != Regression || first.Forecast != nil {
			t.Errorf("%d entities: %+v, want a regression over 7 days, every %s", test.entities, first, test.step)
		}
	}
	if task.Forecast == nil || task.Options.Step != days(42) {
		t.Error("the forecast itself was changed")
	}
	other := &Task{Type: Binary}
	if other.FirstFrame(10) != other {
		t.Error("another task is not its own history")
	}
}
