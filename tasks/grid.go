package tasks

import (
	"fmt"
	"math"
)

// minTrainAnchors is the fewest training anchors of a task (code TK133).
const minTrainAnchors = 3

// Grid is the anchors of a task's labels, ascending per split (rule R11), and what was
// left out. A static task has no grid: each row is its own anchor.
type Grid struct {
	Anchors    [3][]int64 // by Split; microseconds UTC
	Incomplete int        // anchors whose window ends after data_until
	Overlap    int        // anchors whose window reaches into the next split
}

// Add moves an instant by a span in the calendar of the task zone.
func (o *Options) Add(at int64, s Span) int64 { return s.AddTo(at, o.Zone) }

// Closed returns the instant at which the label window of an anchor has closed: from
// then on its label is a fact of the past.
func (o *Options) Closed(anchor int64, horizon Span) int64 { return o.Add(anchor, horizon) }

// Static reports whether the target has no window: each entity row is one example at
// its own time (rule R13).
func (t *Task) Static() bool { return t.Horizon.IsZero() }

// Grid returns the anchors of a task whose options are resolved (see [Resolve]). Its
// error is an [Error]: TK133, TK134 or TK135.
func (t *Task) Grid() (*Grid, error) {
	o, g := &t.Options, &Grid{}
	if t.Static() {
		return g, nil
	}
	if o.Add(o.ValAnchor, t.Horizon) > o.TestAnchor {
		return nil, &Error{Code: "TK135", Msg: fmt.Sprintf("val_anchor %s and test_anchor %s are out of order or closer than the horizon of %s",
			formatTime(o.ValAnchor), formatTime(o.TestAnchor), t.Horizon),
			Hint: fmt.Sprintf("val_anchor may be at most %s", formatTime(o.Add(o.TestAnchor, t.Horizon.Times(-1))))}
	}
	g.Anchors[Train] = g.train(t)
	g.Anchors[Val] = g.forward(t, o.ValAnchor, o.TestAnchor)
	if !o.NoTest {
		g.Anchors[Test] = g.forward(t, o.TestAnchor, math.MaxInt64)
	}
	return g, g.check(t)
}

// train walks back from val_anchor; every anchor is computed from it, never chained.
func (g *Grid) train(t *Task) []int64 {
	o := &t.Options
	var anchors []int64
	for k := 1; o.TrainAnchors == 0 || len(anchors) < o.TrainAnchors; k++ {
		a := o.Add(o.ValAnchor, o.Step.Times(-k))
		if a < o.DataFrom {
			break
		}
		if g.fits(t, a, o.ValAnchor) {
			anchors = append(anchors, a)
		}
	}
	for i, j := 0, len(anchors)-1; i < j; i, j = i+1, j-1 {
		anchors[i], anchors[j] = anchors[j], anchors[i]
	}
	return anchors
}

// forward walks n anchors on from the first of an evaluation split.
func (g *Grid) forward(t *Task, from, limit int64) []int64 {
	var anchors []int64
	for k := range t.Options.EvalAnchors {
		if a := t.Options.Add(from, t.Options.Step.Times(k)); g.fits(t, a, limit) {
			anchors = append(anchors, a)
		}
	}
	return anchors
}

// fits reports whether the window of a ends by the next split and by the end of the data.
func (g *Grid) fits(t *Task, a, limit int64) bool {
	switch end := t.Options.Closed(a, t.Horizon); {
	case end > limit:
		g.Overlap++
		return false
	case end > t.Options.DataUntil:
		g.Incomplete++
		return false
	}
	return true
}

func (g *Grid) check(t *Task) error {
	o := &t.Options
	for _, s := range []Split{Val, Test} {
		if len(g.Anchors[s]) == 0 && !(s == Test && o.NoTest) {
			return &Error{Code: "TK134", Msg: fmt.Sprintf("no %s anchor has a complete label window: the data ends at %s", s, formatTime(o.DataUntil)),
				Hint: fmt.Sprintf("the last possible anchor is %s; or shorten the window of %s", formatTime(o.Add(o.DataUntil, t.Horizon.Times(-1))), t.Horizon)}
		}
	}
	if n := len(g.Anchors[Train]); n < minTrainAnchors && (o.TrainAnchors == 0 || n < o.TrainAnchors) {
		return &Error{Code: "TK133", Msg: fmt.Sprintf("%d training anchors between %s and val_anchor %s, want at least %d; %.0f more days of data would do",
			n, formatTime(o.DataFrom), formatTime(o.ValAnchor), minTrainAnchors, t.missingDays()), Hint: "choose a smaller step or a later val_anchor"}
	}
	return nil
}

// missingDays is how much earlier the data would have to start for enough training anchors.
func (t *Task) missingDays() float64 {
	o := &t.Options
	count, a := 0, o.ValAnchor
	for k := 1; count < minTrainAnchors; k++ {
		a = o.Add(o.ValAnchor, o.Step.Times(-k))
		if o.Closed(a, t.Horizon) <= o.ValAnchor {
			count++
		}
	}
	return math.Ceil(float64(o.DataFrom-a) / microsPerDay)
}
