package conv

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/registry"
)

// Aggregator reduces the messages of each destination to one row.
type Aggregator interface {
	// Width is the number of columns that d-wide messages are reduced to.
	Width(d int) int
	// Reduce returns destinations x Width; x may be without rows.
	Reduce(t *tensor.Tape, e Edge, x *tensor.Var) *tensor.Var
	// String names the aggregator and its settings for reports.
	String() string
}

// linearAggregator is an aggregator that is linear in the messages but for columns that
// do not depend on them, so that it can reduce rows and ages apart: the rows once read
// by index, the ages over their few columns.
type linearAggregator interface {
	ReduceRows(t *tensor.Tape, e *Edge, from *Rows) *tensor.Var
}

var aggregators = registry.New[func(Config) (Aggregator, error)]("aggregator")

// Aggregators lists the known aggregators.
func Aggregators() []string { return aggregators.Names() }

func init() { aggregators.Add("mean", linear{plain(tensor.Mean)}.make) }
func init() { aggregators.Add("sum", linear{plain(tensor.Sum)}.make) }
func init() { aggregators.Add("max", plain(tensor.Max).make) }
func init() { aggregators.Add("decay", newDecay) }

// NewAggregator builds the aggregator that a config names, for layers of other packages.
func NewAggregator(c Config) (Aggregator, error) { return c.aggregator() }

// aggregator builds the aggregator that the config names.
func (c *Config) aggregator() (Aggregator, error) {
	name := c.Aggregate
	if name == "" {
		name = "mean"
	}
	make, err := aggregators.Get(name)
	if err != nil {
		return nil, err
	}
	return make(*c)
}

// MessageWidth returns the number of columns that a layer reduces the messages of an
// edge type that is not functional to.
func (c Config) MessageWidth() (int, error) {
	agg, err := c.aggregator()
	if err != nil {
		return 0, err
	}
	return agg.Width(c.In), nil
}

// plain is the sum, mean or maximum of the messages; a destination without messages gets 0.
type plain tensor.Reduce

func (p plain) make(Config) (Aggregator, error) { return p, nil }

func (plain) Width(d int) int { return d }

func (p plain) Reduce(t *tensor.Tape, e Edge, x *tensor.Var) *tensor.Var {
	return t.GatherReduce(x, e.CSR, tensor.Reduce(p))
}

func (p plain) String() string { return tensor.Reduce(p).String() }

// linear is a sum or mean.
type linear struct{ plain }

func (l linear) make(Config) (Aggregator, error) { return l, nil }

func (l linear) ReduceRows(t *tensor.Tape, e *Edge, from *Rows) *tensor.Var {
	kind := tensor.Reduce(l.plain)
	rows := t.GatherReduce(from.X, from.edges(t, e), kind)
	if from.Te == nil {
		return rows
	}
	return t.Add(rows, t.MatMul(t.GatherReduce(from.Te, e.CSR, kind), from.T))
}

// decay is, for each half-life, the decayed mean of the messages
//
//	sum(w x) / (sum(w) + 1),  w = 0.5 ^ (age / half-life)
//
// and log(sum(w) + 0.05), and once log(1 + age of the youngest message in days): the
// readout of the event-time layer, taken over a sampled neighbourhood. The prior
// weight of 1 draws destinations with little evidence to 0.
type decay struct{ halfLives []float64 }

func newDecay(c Config) (Aggregator, error) {
	if len(c.HalfLives) == 0 {
		return nil, fmt.Errorf("aggregator decay has no half-lives, want at least one")
	}
	for _, h := range c.HalfLives {
		if !(h > 0) {
			return nil, fmt.Errorf("aggregator decay has a half-life of %g days, want more than 0", h)
		}
	}
	return decay{c.HalfLives}, nil
}

func (d decay) Width(width int) int { return len(d.halfLives)*(width+1) + 1 }

func (d decay) Reduce(t *tensor.Tape, e Edge, x *tensor.Var) *tensor.Var {
	weights, stats := d.weights(t, &e)
	return t.ConcatCols(t.GatherReduceMix(x, e.CSR, weights), t.Const(stats))
}

func (d decay) ReduceRows(t *tensor.Tape, e *Edge, from *Rows) *tensor.Var {
	weights, stats := d.weights(t, e)
	x := t.GatherReduceMix(from.X, from.edges(t, e), weights)
	if from.Te != nil {
		terms, k, n := from.Te.Cols(), len(d.halfLives), e.CSR.Rows()
		ages := t.Reshape(t.GatherReduceMix(from.Te, e.CSR, weights), n*k, terms)
		x = t.Add(x, t.Reshape(t.MatMul(ages, from.T), n, x.Cols()))
	}
	return t.ConcatCols(x, t.Const(stats))
}

// weights returns the weight of every message, one column per half-life, and the columns
// that do not depend on the messages (destinations x half-lives + 1).
func (d decay) weights(t *tensor.Tape, e *Edge) (weights, stats tensor.Mat) {
	if m := e.Decay; m != nil && m.made && m.stats.Rows >= e.CSR.Rows() && slices.Equal(m.halfLives, d.halfLives) {
		return first(m.weights, e.CSR.Edges()), first(m.stats, e.CSR.Rows())
	}
	weights, stats = d.weigh(t, e)
	if e.Decay != nil {
		*e.Decay = DecayMemo{true, d.halfLives, weights, stats}
	}
	return weights, stats
}

// DecayMemo holds the weights of one edge type until the tape is reset, before which its
// owner must empty it.
type DecayMemo struct {
	made           bool
	halfLives      []float64
	weights, stats tensor.Mat
}

// first is the first rows of m.
func first(m tensor.Mat, rows int) tensor.Mat {
	return tensor.MatOf(rows, m.Cols, m.Data[:rows*m.Cols]...)
}

func (d decay) weigh(t *tensor.Tape, e *Edge) (weights, stats tensor.Mat) {
	weights, stats = t.DecayWeights(e.CSR, e.Age, d.halfLives, noMessageAge)
	last := len(d.halfLives)
	for v := range stats.Rows {
		row := stats.Row(v)
		for i, sum := range row[:last] {
			row[i] = tensor.Real(math.Log(float64(sum) + 0.05))
		}
		row[last] = tensor.Real(math.Log1p(float64(row[last])) / 4)
	}
	return weights, stats
}

// noMessageAge stands for "never" in log(1 + days): about 27 years.
const noMessageAge = 10_000

func (d decay) String() string {
	var days []string
	for _, h := range d.halfLives {
		days = append(days, fmt.Sprintf("%.4gd", h))
	}
	return "decay(" + strings.Join(days, ", ") + ")"
}
