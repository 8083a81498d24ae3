package boost

// Model is a fitted ensemble of trees. It is immutable and safe for concurrent use.
type Model struct {
	Objective string
	Features  []Feature
	Base      []float64 // score of each output before the first tree
	Trees     []Tree    // round by round, one for each output; values include the learning rate
}

// Outputs is the number of predictions per row.
func (m *Model) Outputs() int { return len(m.Base) }

// Rounds is the number of boosting rounds.
func (m *Model) Rounds() int { return len(m.Trees) / len(m.Base) }

// link is the objective's link; nil = none.
func (m *Model) link() func([]float64) {
	k, err := kinds.Get(m.Objective)
	if err != nil {
		panic("boost: a model of " + err.Error()) // neither Fit nor UnmarshalJSON makes one
	}
	return k.link
}

// Raw returns the scores of rows x features, row-major, as rows x outputs: sums of trees,
// before the link. NaN is missing and a category is its position. Threads change no bit;
// 0 means all cores.
func (m *Model) Raw(x []float64, threads int) []float64 {
	width, k := len(m.Features), len(m.Base)
	n := len(x) / max(1, width)
	if width == 0 || len(x)%width != 0 {
		panic("boost: rows are not as wide as the model has features")
	}
	out := make([]float64, n*k)
	poolOf(threads).each((n+predictGrain-1)/predictGrain, func(_, b int) {
		lo, hi := b*predictGrain, min(n, (b+1)*predictGrain)
		m.block(x[lo*width:hi*width], out[lo*k:hi*k])
	})
	return out
}

// predictGrain is the number of rows that pass one tree after the other, so that a tree
// and the rows stay in the cache.
const predictGrain = 128

func (m *Model) block(x, out []float64) {
	width, k := len(m.Features), len(m.Base)
	rows := make([]float64, len(x))
	for i, v := range x {
		if v == v {
			v = clamp(v)
		}
		rows[i] = v
	}
	for i := range len(x) / width {
		copy(out[i*k:], m.Base)
	}
	for t := range m.Trees {
		tree := &m.Trees[t]
		for i := range len(x) / width {
			leaf := tree.leaf(rows[i*width:(i+1)*width], m.Features)
			out[i*k+t%k] += tree.Leaves[leaf].Value
		}
	}
}

// Predict returns the predictions of rows x features, row-major, as rows x outputs: the
// value, the probability of label 1, or the probability of each class. See [Model.Raw].
func (m *Model) Predict(x []float64, threads int) []float64 {
	out := m.Raw(x, threads)
	applyLink(m.link(), out, len(m.Base))
	return out
}

// Link turns raw scores of rows x outputs into predictions, in place; see [Model.Raw].
func (m *Model) Link(raw []float64) { applyLink(m.link(), raw, len(m.Base)) }

func applyLink(link func([]float64), out []float64, k int) {
	if link == nil {
		return
	}
	for i := 0; i < len(out); i += k {
		link(out[i : i+k])
	}
}

// Importance is what a feature did in the trees.
type Importance struct {
	Name   string
	Gain   float64 // sum of the gains of its splits
	Splits int
}

// Importance returns what each feature did, in the order of the features.
func (m *Model) Importance() []Importance {
	out := make([]Importance, len(m.Features))
	for i := range out {
		out[i].Name = m.Features[i].Name
	}
	for _, t := range m.Trees {
		for _, n := range t.Nodes {
			out[n.Feature].Gain += n.Gain
			out[n.Feature].Splits++
		}
	}
	return out
}
