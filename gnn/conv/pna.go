package conv

import (
	"cmp"
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("pna", func(c Config, set *nn.Set) (Layer, error) { return newPNA(c, set) })
}

// PNA is principal neighbourhood aggregation (Corso et al., 2020), one relation per edge
// type e, with mean, maximum and standard deviation, each plain and amplified:
//
//	m[u,v] = x[v] Wt_e + x[u] Wf_e + bf_e
//	a[v] = [mean(m), max(m), std(m)] over u -> v,  d[v] the number of edges
//	y[v] = sum over e of [x[v], a[v], a[v] log(d[v] + 1) / LogDegree] Wp_e + bp_e
//	out[v] = x[v] Wroot + b + y[v] Wo + bo
//
// A destination without edges has a = 0; a standard deviation of at most sqrt(1e-5)
// counts as 0. Since x[v] Wt is the same for all neighbours it is added to the mean and
// the maximum, and messages are never stored. Over a functional edge type the message is
// x[u] W_e. Parameters: In*Out + Out^2 per node type, 2*In^2 + 7*In*Out per edge type,
// In*Out per functional one.
type PNA struct {
	root
	logDegree float64
	to        []*nn.Param  // per edge type, In x In; nil where functional
	from      []*nn.Linear // the same
	post      []*nn.Linear // the same, 7*In x Out
	out       []*nn.Linear // per node type; nil where no such edge type arrives
}

var _ Layer = (*PNA)(nil)

// defaultLogDegree is the usual log(d + 1) that amplification is measured against: 16
// neighbours. It is fixed so that a row's result does not depend on others' degrees.
var defaultLogDegree = math.Log(17)

func newPNA(c Config, set *nn.Set) (*PNA, error) {
	if c.LogDegree < 0 || math.IsNaN(c.LogDegree) || math.IsInf(c.LogDegree, 0) {
		return nil, fmt.Errorf("a usual log degree of %g, want more than 0, or 0 for that of 16 neighbours", c.LogDegree)
	}
	n := len(c.Edges)
	p := &PNA{newRoot(c, set), cmp.Or(c.LogDegree, defaultLogDegree), make([]*nn.Param, n), make([]*nn.Linear, n), make([]*nn.Linear, n),
		make([]*nn.Linear, len(c.Types))}
	for i, e := range c.Edges {
		if e.Functional {
			continue
		}
		p.to[i] = c.param(set, "to", e.Name, c.In, c.In, nn.KaimingUniform)
		p.from[i] = c.linear(set, "from", e.Name, c.In, c.In)
		p.post[i] = c.linear(set, "post", e.Name, 7*c.In, c.Out)
		if p.out[e.Dst] == nil {
			p.out[e.Dst] = c.linear(set, "out", c.Types[e.Dst], c.Out, c.Out)
		}
	}
	return p, nil
}

// Forward implements [Layer].
func (p *PNA) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		posts := t.Vars(len(p.post))[:0]
		for i, e := range p.config.Edges {
			if e.Dst == typ && p.post[i] != nil {
				posts = append(posts, p.relation(t, i, b.Edges[i].CSR, own, p.config.copies(t, x, e.Src)))
			}
		}
		messages := t.Vars(1)
		if len(posts) > 0 {
			messages[0] = p.out[typ].Apply(t, t.Add(posts...), tensor.Identity)
		}
		out[typ] = p.sum(t, b, x, typ, messages)
	}
	return out
}

// relation is the term of edge type i in y.
func (p *PNA) relation(t *tensor.Tape, i int, csr tensor.CSR, own, sources *tensor.Var) *tensor.Var {
	m := p.from[i].Apply(t, sources, tensor.Identity)
	some, amplify := p.degrees(t, csr)
	shift := t.ScaleRowsBy(t.MatMul(own, p.to[i].Var(t)), some)
	mean := t.GatherReduce(m, csr, tensor.Mean)
	variance := t.Sub(t.GatherReduce(t.Mul(m, m), csr, tensor.Mean), t.Mul(mean, mean))
	all := t.ConcatCols(t.Add(mean, shift), t.Add(t.GatherReduce(m, csr, tensor.Max), shift), t.Activate(variance, tensor.Deviation))
	return p.post[i].Apply(t, t.ConcatCols(own, all, t.ScaleRowsBy(all, amplify)), tensor.Identity)
}

// degrees returns for each destination whether it has edges, as 0 and 1, and its
// amplification.
func (p *PNA) degrees(t *tensor.Tape, csr tensor.CSR) (some, amplify []tensor.Real) {
	n := csr.Rows()
	both := t.Alloc(2, n)
	some, amplify = both.Row(0), both.Row(1)
	for v := range n {
		d := csr.Ptr[v+1] - csr.Ptr[v]
		some[v] = tensor.Real(min(d, 1))
		amplify[v] = tensor.Real(math.Log1p(float64(d)) / p.logDegree)
	}
	return some, amplify
}

func (p *PNA) String() string { return fmt.Sprintf("pna(%d -> %d)", p.config.In, p.config.Out) }
