package train

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tasks"
)

func TestPermute(t *testing.T) {
	key := func(i int) uint64 { return tensor.Hash64(3, uint64(i)) }
	got := permute(indices(100), key)
	if slices.Equal(got, indices(100)) {
		t.Error("the order is unchanged")
	}
	back := slices.Clone(got)
	slices.Reverse(back)
	if !slices.Equal(permute(back, key), got) {
		t.Error("the order depends on the order before")
	}
	slices.Sort(back)
	if !slices.Equal(back, indices(100)) {
		t.Error("items were lost or doubled")
	}
	if ties := permute([]int{3, 1, 2}, func(int) uint64 { return 0 }); !slices.Equal(ties, []int{1, 2, 3}) {
		t.Errorf("items of equal keys stand as %v, want ascending", ties)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
}

// The step size rises for a tenth of the steps, at most 20, and then falls to a
// twentieth.
func TestRate(t *testing.T) {
	rate := func(name string, total int) nn.Schedule {
		make, err := schedules.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		return make(2, total)
	}
	for _, total := range []int{1, 5, 100, 4000} {
		cosine := rate(Options{}.withDefaults().Schedule, total)
		top, at := 0.0, 0
		var last float64
		for step := range total {
			v := cosine(step)
			if v <= 0 || v > 2 {
				t.Fatalf("step %d of %d: rate %v", step, total, v)
			}
			if v > top {
				top, at = v, step
			}
			last = v
		}
		if top < 2*(1-1e-9) || at > min(20, total/10+1) {
			t.Errorf("%d steps: the largest rate is %v at step %d, want 2 at the end of the warm-up", total, top, at)
		}
		if total >= 100 && (last > 0.11 || math.Abs(cosine(10*total)-0.1) > 1e-9) {
			t.Errorf("%d steps: the rate ends at %v, want a twentieth of 2", total, last)
		}
	}
	constant := rate("constant", 100)
	if a, b := constant(0), constant(99); a != 2 || b != 2 {
		t.Errorf("constant: rates %v and %v, want 2", a, b)
	}
	if err := (Options{Schedule: "linear"}).withDefaults().validate(); err == nil || !strings.Contains(err.Error(), "constant, cosine") {
		t.Errorf("an unknown schedule gives %v", err)
	}
}

// A stale cut lies within the reach of the evaluation grid before the anchor, and is a
// pure function of the example.
func TestStale(t *testing.T) {
	r := &run{opt: Options{Seed: 5}, task: &tasks.Task{Options: tasks.Options{EvalAnchors: 3, Step: tasks.Span{Days: 30}}}}
	const day = 86_400_000_000
	cut, reach := int64(1000*day), int64(60*day)
	lo, hi := cut, cut-reach
	for key := range uint64(1000) {
		s := r.stale(cut, key)
		if s != r.stale(cut, key) {
			t.Fatal("the stale cut changes from call to call")
		}
		lo, hi = min(lo, s), max(hi, s)
	}
	if lo < cut-reach || hi > cut || hi-lo < reach*98/100 {
		t.Errorf("stale cuts from %d to %d days before the anchor, want 60 to 0", (cut-lo)/day, (cut-hi)/day)
	}
	r.task.Options.EvalAnchors = 1 // every row of the evaluation is read at its own anchor
	if s := r.stale(cut, 1); s != cut {
		t.Errorf("with one anchor the cut is %d, want the anchor %d", s, cut)
	}
}

// A metric that is not defined is null in JSON, and comes back as such.
func TestEpoch_json(t *testing.T) {
	for want, e := range map[string]Epoch{
		`"val":0.75`: {Number: 3, Loss: 0.5, Val: 0.75, Best: true, Seconds: 1.5, Seeds: 100},
		`"val":null`: {Number: 1, Val: math.NaN()},
	} {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back Epoch
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) || strings.Count(string(text), `"val"`) != 1 {
			t.Errorf("epoch %+v is stored as %s, want %s in it once", e, text, want)
		}
		if math.IsNaN(e.Val) != math.IsNaN(back.Val) {
			t.Errorf("epoch %+v comes back as %+v", e, back)
		}
		if e.Val, back.Val = max(e.Val, 0), max(back.Val, 0); !math.IsNaN(e.Val) && e != back {
			t.Errorf("epoch %+v comes back as %+v", e, back)
		}
	}
	if err := json.Unmarshal([]byte(`{"val": "high"}`), &Epoch{}); err == nil {
		t.Error("a metric that is text can be read")
	}
}
