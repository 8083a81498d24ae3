package conv

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/registry"
)

// Aggregator reduces the messages of each destination to one row.
type Aggregator interface {
	// Width is the number of columns that d-wide messages are reduced to.
	Width(d int) int
	// Reduce returns destinations x Width.
	Reduce(t *tensor.Tape, e *Edge, x *tensor.Var) *tensor.Var
}

var aggregators = registry.New[func(Config) Aggregator]("aggregator")

// Aggregators lists the known aggregators.
func Aggregators() []string { return aggregators.Names() }

func init() { aggregators.Add("mean", func(Config) Aggregator { return plain(tensor.Mean) }) }
func init() { aggregators.Add("sum", func(Config) Aggregator { return plain(tensor.Sum) }) }
func init() { aggregators.Add("max", func(Config) Aggregator { return plain(tensor.Max) }) }
func init() { aggregators.Add("decay", func(c Config) Aggregator { return decay{c.HalfLives} }) }

// plain is the sum, mean or maximum of the messages; a destination without messages gets 0.
type plain tensor.Reduce

func (plain) Width(d int) int { return d }

func (p plain) Reduce(t *tensor.Tape, e *Edge, x *tensor.Var) *tensor.Var {
	return t.GatherReduce(x, e.CSR, tensor.Reduce(p))
}

// decay is, for each half-life, the decayed mean of the messages
//
//	sum(w x) / (sum(w) + 1),  w = 0.5 ^ (age / half-life)
//
// and log(sum(w) + 0.05), and once log(1 + age of the youngest message in days): the
// readout of the event-time layer, taken over a sampled neighbourhood. The prior
// weight of 1 draws destinations with little evidence to 0.
type decay struct{ halfLives []float64 }

func (d decay) Width(width int) int { return len(d.halfLives)*(width+1) + 1 }

func (d decay) Reduce(t *tensor.Tape, e *Edge, x *tensor.Var) *tensor.Var {
	dst := len(e.CSR.Ptr) - 1
	k := len(d.halfLives)
	stats := t.Alloc(dst, k+1)
	parts := make([]*tensor.Var, 0, k+1)
	for i, half := range d.halfLives {
		w := t.Alloc(1, len(e.CSR.Src)).Data
		for v := range dst {
			lo, hi := e.CSR.Ptr[v], e.CSR.Ptr[v+1]
			var n float64
			for j := lo; j < hi; j++ {
				weight := math.Exp2(-float64(e.Age[j]) / half)
				w[j] = tensor.Real(weight)
				n += weight
			}
			for j := lo; j < hi; j++ {
				w[j] /= tensor.Real(n + 1)
			}
			stats.Row(v)[i] = tensor.Real(math.Log(n + 0.05))
		}
		parts = append(parts, t.GatherReduceWeighted(x, e.CSR, w))
	}
	for v := range dst {
		youngest := tensor.Real(math.MaxFloat32)
		for j := e.CSR.Ptr[v]; j < e.CSR.Ptr[v+1]; j++ {
			youngest = min(youngest, e.Age[j])
		}
		if e.CSR.Ptr[v] == e.CSR.Ptr[v+1] {
			youngest = noMessageAge
		}
		stats.Row(v)[k] = tensor.Real(math.Log1p(float64(youngest))) / 4
	}
	return t.ConcatCols(append(parts, t.Const(stats))...)
}

// noMessageAge stands for "never" in log(1 + days): about 27 years.
const noMessageAge = 10_000
