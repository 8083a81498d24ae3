package bench

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// Case is one load. Its name is a path, such as gemm/NN/20000x128x128, that --run
// matches and under which the scripts of the peers report the same work.
type Case struct {
	Name string
	What string // in words
	Unit Unit
	Long bool // takes more than a few seconds: left out of a quick run

	// prepare builds everything that is not timed. A case has this or measure.
	prepare func(ctx context.Context, e Env) (Pass, error)
	// measure is for loads that time themselves.
	measure func(ctx context.Context, e Env) ([]Figure, error)
}

// Pass does the work of a case once and returns how much it was, in the unit's things.
type Pass func() (work float64, err error)

// Env is what a case runs with.
type Env struct {
	Threads int
	Quick   bool // fewer repetitions, and no long cases
	Epochs  int  // of the epoch case; 0 means 3
	Steps   int  // most steps per epoch; 0 means all
	Seeds   int  // trainings of the epoch case that differ in their seed; 0 means 1
}

// Unit says how a figure follows from work and seconds.
type Unit struct {
	Name   string
	Scale  float64 // of work per second, or of seconds
	Higher bool    // more is better: the figure is a rate
}

// The units of this package.
var (
	Millis  = Unit{"ms", 1e3, false}
	Micros  = Unit{"µs", 1e6, false}
	Seconds = Unit{"s", 1, false}
	Flops   = Unit{"GFLOP/s", 1e-9, true}
	Bytes   = Unit{"GB/s", 1e-9, true}
	Edges   = Unit{"M edges/s", 1e-6, true}
	Seeds   = Unit{"seeds/s", 1, true}
	Memory  = Unit{"MB", 1e-6, false}
)

// of is the figure of some work in some seconds.
func (u Unit) of(work, seconds float64) float64 {
	if u.Higher {
		return work / seconds * u.Scale
	}
	return seconds * u.Scale
}

// Figure is what a case measured at one number of threads.
type Figure struct {
	Case    string    `json:"case"`
	What    string    `json:"what"`
	Unit    string    `json:"unit"`
	Higher  bool      `json:"higher_is_better"`
	Threads int       `json:"threads"`
	Median  float64   `json:"median"`
	Best    float64   `json:"best"`
	Samples []float64 `json:"samples"`
	Detail  any       `json:"detail,omitempty"` // what else the load told, such as the losses of its epochs
}

func newFigure(c Case, threads int, samples ...float64) Figure {
	f := Figure{Case: c.Name, What: c.What, Unit: c.Unit.Name, Higher: c.Unit.Higher, Threads: threads, Samples: samples}
	sorted := slices.Sorted(slices.Values(samples))
	f.Median, f.Best = middle(sorted), sorted[0]
	if f.Higher {
		f.Best = sorted[len(sorted)-1]
	}
	return f
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Options selects what [Run] measures. The zero value runs everything at one thread and
// at all cores.
type Options struct {
	Match   *regexp.Regexp // on the names of cases; nil = all
	Threads []int
	Env     Env // its Threads is set by Run
	// OnFigure is told each figure, OnSkip why a case was left out; either may be nil.
	OnFigure func(Figure)
	OnSkip   func(c Case, reason string)
}

// Run measures cases one after another, each at every number of threads. A case whose
// data are not on the machine is skipped.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	if len(o.Threads) == 0 {
		o.Threads = slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
	}
	var out []Figure
	for _, c := range Cases() {
		if o.Match != nil && !o.Match.MatchString(c.Name) {
			continue
		}
		if reason := c.unfit(o.Env); reason != "" {
			o.skip(c, reason)
			continue
		}
		for _, o.Env.Threads = range o.Threads {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			got, err := c.Measure(ctx, o.Env)
			if err != nil {
				return out, fmt.Errorf("case %s: %w", c.Name, err)
			}
			for _, f := range got {
				out = append(out, f)
				if o.OnFigure != nil {
					o.OnFigure(f)
				}
			}
		}
	}
	return out, nil
}

func (o Options) skip(c Case, reason string) {
	if o.OnSkip != nil {
		o.OnSkip(c, reason)
	}
}

// unfit says why a case cannot run.
func (c Case) unfit(e Env) string {
	if c.Long && e.Quick {
		return "takes long"
	}
	if c.needsData() {
		if _, err := relf1Folder(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// Measure runs the case at one number of threads.
func (c Case) Measure(ctx context.Context, e Env) ([]Figure, error) {
	if c.measure != nil {
		return c.measure(ctx, e)
	}
	pass, err := c.prepare(ctx, e)
	if err != nil {
		return nil, err
	}
	samples, err := c.repeat(ctx, pass, e.Quick)
	if err != nil {
		return nil, err
	}
	return []Figure{newFigure(c, e.Threads, samples...)}, nil
}

// repeat warms up and then times passes one by one: at least fewest of them, and more
// as long as the budget lasts.
func (c Case) repeat(ctx context.Context, pass Pass, quick bool) ([]float64, error) {
	const fewest, most = 5, 60
	budget := 2 * time.Second
	if quick {
		budget /= 10
	}
	var samples []float64
	runtime.GC()
	for i, began := -2, time.Now(); i < fewest || i < most && time.Since(began) < budget; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start := time.Now()
		work, err := pass()
		if err != nil {
			return nil, err
		}
		if seconds := time.Since(start).Seconds(); i >= 0 {
			samples = append(samples, c.Unit.of(work, seconds))
		}
	}
	return samples, nil
}
