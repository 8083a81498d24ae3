package tower

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// Seed is an entity that is asked about at a cut, and for training what came true.
type Seed struct {
	Entity int32
	Cut    int64   // microseconds UTC: only links that it sees are read
	Items  []int32 // ascending
}

// Data is what the towers read.
type Data struct {
	Links           Links
	Entities, Items int // rows of the two tables
	Rule            ingest.TimeRule
	// Known reports whether an item may be an answer at a cut; nil = always.
	Known func(item int32, cut int64) bool
	// Attributes are features of items that do not change; nil = none.
	Attributes Attributes
}

// Attributes are encoded rows: numbers, and codes with weights.
type Attributes interface {
	Width() int
	Pick(t *tensor.Tape, rows []int32) (dense tensor.Mat, codes tensor.CSR, weights []tensor.Real)
}

// Options configures [Fit]. The zero value is usable.
type Options struct {
	Width     int       // of the vectors; 0 means 32
	HalfLives []float64 // days, of the past of an entity and of popularity; nil means 30 and 365
	History   int       // latest links of an entity that are read; 0 means 64
	Epochs    int       // most; 0 means 12
	Patience  int       // epochs without gain on validation that end the training; 0 means 3
	Batch     int       // pairs of a seed and a true item per step; 0 means 256
	Pairs     int       // most pairs per epoch, drawn anew each; 0 means 100 000
	Negatives int       // items drawn per step where there are more; 0 means 2048
	Rate      float64   // learning rate; 0 means 0.005
	Decay     float64   // weight decay; 0 means 0.01
	Cold      float64   // share of items whose own vector is left out in training; 0 means 0.1
	Codes     int       // codes of the attributes
	Top       int       // length of the lists that validation scores; 0 means 10
	Seed      uint64
}

func (o Options) filled() Options {
	def := func(v *int, to int) { *v = cmp.Or(*v, to) }
	def(&o.Width, 32)
	def(&o.History, 64)
	def(&o.Epochs, 12)
	def(&o.Patience, 3)
	def(&o.Batch, 256)
	def(&o.Pairs, 100_000)
	def(&o.Negatives, 2048)
	def(&o.Top, 10)
	o.Rate, o.Decay, o.Cold = cmp.Or(o.Rate, 0.005), cmp.Or(o.Decay, 0.01), cmp.Or(o.Cold, 0.1)
	if o.HalfLives == nil {
		o.HalfLives = []float64{30, 365}
	}
	return o
}

// Model holds both towers over the data that it was fitted on.
//
// The vector of an item is one of its own, if it had a link when training ended, plus a
// linear step over its attributes. That of an entity at a cut is a linear step over the
// decayed means, one per half-life, of the vectors of the items in its past, the logs of
// the decayed counts and of the days since the last link, through one hidden layer beside
// it. Both have further places, one per half-life, in which the item has the log of its
// decayed number of links as of the cut: how much popularity counts depends on the entity.
type Model struct {
	opt  Options
	data Data
	past *past
	warm []bool // items with a vector of their own

	set    *nn.Set
	items  *nn.Embedding
	dense  *nn.Linear // of attributes; nil without
	codes  *nn.Embedding
	direct *nn.Linear
	hidden *nn.MLP
}

func newModel(d Data, o Options, lastCut int64) *Model {
	m := &Model{opt: o, data: d, past: newPast(d.Links, d.Entities), set: nn.NewSet(o.Seed)}
	m.warm = m.past.warm(d.Items, d.Rule.Moment(lastCut))
	m.items = &nn.Embedding{Table: m.set.New("items.weight", d.Items, o.Width, nn.Normal(0.5/math.Sqrt(float64(o.Width))))}
	if d.Attributes != nil {
		m.dense = nn.NewLinearNoBias(m.set, "attributes", d.Attributes.Width(), o.Width)
		m.codes = &nn.Embedding{Table: m.set.New("codes.weight", o.Codes, o.Width, nn.Zeros)}
	}
	k := len(o.HalfLives)
	in, out := k*o.Width+k+1, o.Width+k
	m.direct = nn.NewLinear(m.set, "direct", in, out)
	m.hidden = nn.NewMLP(m.set, "hidden", []int{in, 2 * o.Width, out}, nn.MLPOptions{Act: tensor.ReLU})
	return m
}

// itemVectors are vectors of items, rows x width. Where own is false an item goes without
// one of its own.
func (m *Model) itemVectors(t *tensor.Tape, rows []int32, own func(item int32) bool) *tensor.Var {
	idx := t.Ints(len(rows))
	for i, r := range rows {
		if idx[i] = r; !own(r) {
			idx[i] = -1
		}
	}
	v := m.items.Apply(t, idx)
	if m.dense == nil {
		return v
	}
	dense, codes, weights := m.data.Attributes.Pick(t, rows)
	return t.Add(v, m.dense.Apply(t, t.Const(dense), tensor.Identity), t.GatherReduceWeighted(m.codes.Table.Var(t), codes, weights))
}

// history lists the pasts of seeds: the distinct items, ascending, the edges from them to
// the seeds, and the age of each in days.
func (m *Model) history(t *tensor.Tape, seeds []Seed) (items []int32, csr tensor.CSR, days []tensor.Real) {
	csr.Ptr = append(csr.Ptr, 0)
	for _, s := range seeds {
		rows, times := m.past.of(s.Entity, m.data.Rule.Moment(s.Cut), m.opt.History)
		csr.Src = append(csr.Src, rows...)
		for _, at := range times {
			days = append(days, tensor.Real(daysSince(at, s.Cut)))
		}
		csr.Ptr = append(csr.Ptr, int32(len(csr.Src)))
	}
	items = slices.Clone(csr.Src)
	slices.Sort(items)
	items = slices.Compact(items)
	for i, row := range csr.Src {
		at, _ := slices.BinarySearch(items, row)
		csr.Src[i] = int32(at)
	}
	if csr.Src == nil {
		csr.Src = []int32{}
	}
	return items, csr, days
}

// never stands for the days since the last link where there is none.
const never = 10_000

// seedVectors are the vectors of seeds, seeds x (width + half-lives).
func (m *Model) seedVectors(t *tensor.Tape, seeds []Seed, own func(item int32) bool) *tensor.Var {
	items, csr, days := m.history(t, seeds)
	weights, sums := t.DecayWeights(csr, days, m.opt.HalfLives, never)
	for i, v := range sums.Data {
		sums.Data[i] = tensor.Real(math.Log1p(float64(v))) / 4
	}
	x := t.ConcatCols(t.GatherReduceMix(m.itemVectors(t, items, own), csr, weights), t.Const(sums))
	return t.Add(m.direct.Apply(t, x, tensor.Identity), m.hidden.Apply(t, x, 0))
}

// popular are the places of items that hold their popularity as of a cut.
func (m *Model) popular(cut int64) tensor.Mat {
	k := len(m.opt.HalfLives)
	wide := make([]float64, m.data.Items*k)
	m.past.popularity(wide, m.data.Rule.Moment(cut), cut, m.opt.HalfLives)
	out := tensor.NewMat(m.data.Items, k)
	for i, v := range wide {
		out.Data[i] = tensor.Real(v)
	}
	return out
}
