package conv

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("transformer", func(c Config, set *nn.Set) (Layer, error) { return newTransformer(c, set, false) })
	Register("transformer-gated", func(c Config, set *nn.Set) (Layer, error) { return newTransformer(c, set, true) })
}

// Transformer is dot-product attention over edges (Shi et al., 2021), one relation and
// one softmax per edge type e:
//
//	k[u] = x[u] Wk_e + bk_e,  v[u] = x[u] Wv_e + bv_e,  q[v] = x[v] Wq_e + bq_e
//	w[u,h] = softmax over u -> v of q[v]_h . k[u]_h / sqrt(Out / heads)
//	y[v] = sum over e of the heads of sum(w[u,h] v[u]_h),  r[v] = x[v] Wroot + b
//	out[v] = y[v] + r[v]
//
// The layer transformer-gated blends the two, g r[v] + (1 - g) y[v], by a gate per
// destination: g = sigmoid([y[v], r[v], y[v] - r[v]] Wg). Over a functional edge type
// the message is x[u] W_e and part of r. Parameters: In*Out per node type, 3*In*Out per
// edge type, In*Out per functional one.
type Transformer struct {
	root
	gated bool
	heads int
	sends []*nn.Linear // per edge type, In x 2*Out: keys and values; nil where functional
	asks  []*nn.Linear // the same, In x Out: queries
	gate  []*nn.Param  // per node type, 3*Out x 1; nil without gate or destinations
}

var _ Layer = (*Transformer)(nil)

func newTransformer(c Config, set *nn.Set, gated bool) (*Transformer, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	n := len(c.Edges)
	l := &Transformer{newRoot(c, set), gated, heads, make([]*nn.Linear, n), make([]*nn.Linear, n), make([]*nn.Param, len(c.Types))}
	for i, e := range c.Edges {
		if !e.Functional {
			l.sends[i] = c.linear(set, "send", e.Name, c.In, 2*c.Out)
			l.asks[i] = c.linear(set, "ask", e.Name, c.In, c.Out)
		}
	}
	for i, name := range c.Types {
		if gated && c.computes(i) {
			l.gate[i] = c.param(set, "gate", name, 3*c.Out, 1, nn.KaimingUniform)
		}
	}
	return l, nil
}

// Forward implements [Layer].
func (l *Transformer) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		messages := t.Vars(len(l.sends))
		for i, e := range l.config.Edges {
			if e.Dst == typ && l.sends[i] != nil && x[e.Src] != nil {
				messages[i] = l.attend(t, i, b.Edges[i].CSR, x[e.Src], own)
			}
		}
		if l.gate[typ] == nil {
			out[typ] = l.sum(t, b, x, typ, messages)
			continue
		}
		out[typ] = l.blend(t, l.sum(t, b, x, typ, nil), messages, l.gate[typ].Var(t))
	}
	return out
}

// attend is the term of edge type i.
func (l *Transformer) attend(t *tensor.Tape, i int, csr tensor.CSR, from, own *tensor.Var) *tensor.Var {
	width := float64(l.config.Out / l.heads)
	lists := t.Attendeds(1)
	lists[0].KV, lists[0].CSR = l.sends[i].Apply(t, from, tensor.Identity), csr
	lists[0].Q = t.Scale(l.asks[i].Apply(t, own, tensor.Identity), tensor.Real(1/math.Sqrt(width)))
	return t.Attend(own.Rows(), l.heads, lists)
}

// blend mixes the root term r with the messages; none count as 0.
func (l *Transformer) blend(t *tensor.Tape, r *tensor.Var, messages []*tensor.Var, gate *tensor.Var) *tensor.Var {
	terms := t.Vars(len(messages) + 1)[:0]
	for _, m := range messages {
		if m != nil {
			terms = append(terms, m)
		}
	}
	if len(terms) == 0 {
		terms = append(terms, t.Const(t.Alloc(r.Rows(), r.Cols())))
	}
	y := t.Add(terms...)
	difference := t.Sub(y, r)
	g := t.Linear(t.ConcatCols(y, r, difference), gate, nil, tensor.Sigmoid)
	return t.Sub(y, t.ScaleRows(difference, g))
}

func (l *Transformer) String() string {
	name := "transformer"
	if l.gated {
		name = "transformer-gated"
	}
	return fmt.Sprintf("%s(%d heads, %d -> %d)", name, l.heads, l.config.In, l.config.Out)
}
