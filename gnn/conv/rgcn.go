package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("rgcn", func(c Config, set *nn.Set) (Layer, error) { return newRGCN(c, set) })
}

// defaultBases is the most matrices that weights are mixed from unless told.
const defaultBases = 8

// RGCN is the relational graph convolution (Schlichtkrull et al., 2018), one relation
// per edge type e:
//
//	out[v] = x[v] Wroot + b + sum over e of agg_e(x[u] : u -> v) W_e,  W_e = sum over i of mix[e,i] V_i
//
// The relations share the bases V_i; with as many bases as relations each has a matrix
// of its own. Aggregators that change the width have bases of their own beside those of
// functional edge types. Parameters: In*Out per node type and basis, and the mix.
type RGCN struct {
	root   // without functional messages, which are relations here
	agg    Aggregator
	groups []basisGroup
	member []int // per edge type: its group
	row    []int // per edge type: its row in the group
}

// basisGroup is the weights of relations of one input width.
type basisGroup struct {
	in    int
	edges int       // relations
	mix   *nn.Param // edges x bases; nil: each relation has its own matrix
	bases *nn.Param // bases x in*Out, or edges x in*Out without mix
}

var _ Layer = (*RGCN)(nil)

func newRGCN(c Config, set *nn.Set) (*RGCN, error) {
	agg, err := c.aggregator()
	if err != nil {
		return nil, err
	}
	if c.Bases < 0 {
		return nil, fmt.Errorf("%d bases, want at least 0", c.Bases)
	}
	own := c
	own.Edges = nil
	r := &RGCN{root: newRoot(own, set), agg: agg}
	r.config = c
	for _, e := range c.Edges {
		in := agg.Width(c.In)
		if e.Functional {
			in = c.In
		}
		g := 0
		for g < len(r.groups) && r.groups[g].in != in {
			g++
		}
		if g == len(r.groups) {
			r.groups = append(r.groups, basisGroup{in: in})
		}
		r.member, r.row = append(r.member, g), append(r.row, r.groups[g].edges)
		r.groups[g].edges++
	}
	for i := range r.groups {
		r.groups[i].fill(c, set)
	}
	return r, nil
}

// fill adds the parameters of a group whose relations have been counted.
func (g *basisGroup) fill(c Config, set *nn.Set) {
	bases := c.Bases
	if bases == 0 {
		bases = min(defaultBases, g.edges)
	}
	of := fmt.Sprint("from ", g.in)
	init := nn.Uniform(glorot(g.in, c.Out))
	if bases >= g.edges && c.Bases == 0 {
		g.bases = c.param(set, "weights", of, g.edges, g.in*c.Out, init)
		return
	}
	g.bases = c.param(set, "bases", of, bases, g.in*c.Out, init)
	g.mix = c.param(set, "mix", of, g.edges, bases, nn.GlorotUniform)
}

// weights returns the matrices of the relations, one per row.
func (g *basisGroup) weights(t *tensor.Tape) *tensor.Var {
	if g.mix == nil {
		return g.bases.Var(t)
	}
	return t.MatMul(g.mix.Var(t), g.bases.Var(t))
}

// Forward implements [Layer].
func (r *RGCN) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out, all := t.Vars(len(x)), t.Vars(len(r.groups))
	for i := range r.groups {
		all[i] = r.groups[i].weights(t)
	}
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		rels := t.Relations(len(r.config.Edges) + 1)[:0]
		if w := r.root.weight[typ]; w != nil {
			rels = append(rels, tensor.Relation{X: x[typ], W: w.Var(t)})
		}
		for i, e := range r.config.Edges {
			if e.Dst == typ {
				rels = append(rels, r.relation(t, i, &b.Edges[i], r.config.copies(t, x, e.Src), all))
			}
		}
		if bias := r.bias[typ].Var(t); len(rels) > 0 {
			out[typ] = t.RelationSum(n, bias, rels)
		} else {
			out[typ] = t.AddBias(t.Const(t.Alloc(n, r.config.Out)), bias)
		}
	}
	return out
}

// relation is edge type i as a summand; an aggregator without a fused form goes first.
func (r *RGCN) relation(t *tensor.Tape, i int, e *Edge, from *tensor.Var, weights []*tensor.Var) tensor.Relation {
	g := &r.groups[r.member[i]]
	w := t.Reshape(t.SliceRows(weights[r.member[i]], r.row[i], r.row[i]+1), g.in, r.config.Out)
	rel := tensor.Relation{X: from, W: w, CSR: e.CSR}
	if r.config.Edges[i].Functional {
		return rel
	}
	switch r.agg {
	case linear{plain(tensor.Mean)}:
		rel.Mean = true
	case linear{plain(tensor.Sum)}:
	default:
		rel.X, rel.CSR = r.agg.Reduce(t, *e, from), tensor.CSR{}
	}
	return rel
}

func (r *RGCN) String() string {
	bases := "own weights"
	for _, g := range r.groups {
		if g.mix != nil {
			bases = fmt.Sprintf("%d bases", g.bases.Value.Rows)
		}
	}
	return fmt.Sprintf("rgcn(%s, %s, %d -> %d)", r.agg, bases, r.config.In, r.config.Out)
}
