package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("gread", func(c Config, set *nn.Set) (Layer, error) { return newGREAD(c, set) })
}

// GREAD is one explicit Euler step of a reaction-diffusion equation on the graph (Choi et
// al., 2023): neighbours draw a row towards their mean, and a reaction that acts on each
// channel alone keeps rows from all becoming the same:
//
//	h[u] = x[u] W_type(u) + b_type(u)
//	out[v] = h[v] + 1/K sum over edge types e into v with a neighbour of a_e * (mean(h[u] : u -> v) - h[v])
//	         + beta_type(v) * tanh(h[v] - h[v]^3)
//
// a_e = sigmoid(alpha_e) and beta are one number per channel; K is the number of edge types
// into v's node type, which bounds the step: with a_e below 1 diffusion alone never leaves
// the range of a row and its neighbours. The reaction is Allen and Cahn's, under the tanh that
// the authors' code offers, since rows of tables are not bounded. Their blurring and
// sharpening reaction takes a second hop, which a block does not have. Parameters: In*Out +
// 2*Out per node type, Out per edge type.
type GREAD struct {
	config Config
	embed  []*nn.Linear // per node type; nil where nothing starts
	alpha  []*nn.Param  // per edge type
	beta   []*nn.Param  // per node type; nil where there are no destinations
	step   []float64    // per node type: 1/K
}

var _ Layer = (*GREAD)(nil)

func newGREAD(c Config, set *nn.Set) (*GREAD, error) {
	g := &GREAD{config: c, embed: make([]*nn.Linear, len(c.Types)), beta: make([]*nn.Param, len(c.Types)), step: make([]float64, len(c.Types))}
	for i, name := range c.Types {
		sends, into := c.computes(i), 0
		for _, e := range c.Edges {
			sends = sends || e.Src == i
			if e.Dst == i {
				into++
			}
		}
		if sends {
			g.embed[i] = c.linear(set, "embed", name, c.In, c.Out)
		}
		if c.computes(i) {
			g.beta[i] = c.param(set, "beta", name, 1, c.Out, nn.Uniform(1))
			g.beta[i].Decay = false
			g.step[i] = 1 / float64(max(into, 1))
		}
	}
	for _, e := range c.Edges {
		g.alpha = append(g.alpha, c.bias(set, "alpha", e.Name, c.Out))
	}
	return g, nil
}

// Forward implements [Layer].
func (g *GREAD) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out, h := t.Vars(len(x)), t.Vars(len(x))
	for typ := range x {
		if x[typ] != nil && g.sends(typ, b) {
			h[typ] = g.embed[typ].Apply(t, x[typ], tensor.Identity)
		}
	}
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(h[typ], 0, n)
		terms := append(t.Vars(len(g.alpha) + 2)[:0], own, g.react(t, typ, own))
		for i, e := range g.config.Edges {
			if e.Dst == typ && h[e.Src] != nil {
				terms = append(terms, g.diffuse(t, i, b.Edges[i].CSR, h[e.Src], own))
			}
		}
		out[typ] = t.Add(terms...)
	}
	return out
}

// sends says whether copies of a node type have a part in the block.
func (g *GREAD) sends(typ int, b *Block) bool {
	sends := b.Dst[typ] > 0
	for _, e := range g.config.Edges {
		sends = sends || e.Src == typ && b.Dst[e.Dst] > 0
	}
	return sends
}

// react is the reaction term.
func (g *GREAD) react(t *tensor.Tape, typ int, own *tensor.Var) *tensor.Var {
	cube := t.Mul(own, t.Mul(own, own))
	return t.ScaleCols(t.Activate(t.Sub(own, cube), tensor.Tanh), g.beta[typ].Var(t))
}

// diffuse is the term of edge type i: 0 for a destination without neighbours.
func (g *GREAD) diffuse(t *tensor.Tape, i int, csr tensor.CSR, from, own *tensor.Var) *tensor.Var {
	has := t.Alloc(1, own.Rows()).Data
	for v := range has {
		has[v] = 0
		if csr.Ptr[v+1] > csr.Ptr[v] {
			has[v] = 1
		}
	}
	pull := t.Sub(t.GatherReduce(from, csr, tensor.Mean), t.ScaleRowsBy(own, has))
	a := t.Activate(g.alpha[i].Var(t), tensor.Sigmoid)
	return t.ScaleCols(pull, t.Scale(a, tensor.Real(g.step[g.config.Edges[i].Dst])))
}

func (g *GREAD) String() string {
	return fmt.Sprintf("gread(allen-cahn, %d -> %d)", g.config.In, g.config.Out)
}
