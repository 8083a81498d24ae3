package conv

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("relgnn", func(c Config, set *nn.Set) (Layer, error) { return newRelGNN(c, set) })
	routed.Add("relgnn", struct{}{})
}

// RelGNN is composite message passing along atomic routes (Chen et al., 2025): a fact row
// u with foreign keys to v and s carries what it says together with what s says to v in
// one step, so that v can choose among its facts by what else they are about. Per route
// r = (s -> u -> v):
//
//	k[u] | w[u] = x[u] Wu_r + x0[s] Ws_r + b_r,  q[v] = x[v] Wq_r + bq_r
//	m_r[v] = heads of sum(softmax over u -> v of q[v]_h . k[u]_h / sqrt(Out / heads)) w[u]_h)
//	out[v] = x[v] Wroot + b + sum over routes r into v of m_r[v]
//
// x0[s] is the far end's vector as the first layer gets it; see [Far]. The paper fuses u
// and s linearly before keys and values are made of the result, which is linear too: here
// both are one product. An edge type whose rows u have no other foreign key is a route
// without s. Over a functional edge type the message is x[u] W_e. Parameters: In*Out per
// node type, 5*In*Out per route, 3*In*Out per edge type without route, In*Out per
// functional one.
type RelGNN struct {
	root
	heads int
	ways  []way
}

// way is a route, or an edge type without one.
type way struct {
	edge  int
	route int        // position in Config.Routes; -1 for none
	send  *nn.Linear // In x 2*Out: keys and values of u
	fuse  *nn.Param  // In x 2*Out: what the far end adds; nil without a route
	ask   *nn.Linear // In x Out: queries
}

var _ Layer = (*RelGNN)(nil)

func newRelGNN(c Config, set *nn.Set) (*RelGNN, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	l := &RelGNN{root: newRoot(c, set), heads: heads}
	routed := make([]bool, len(c.Edges))
	for i, r := range c.Routes {
		routed[r.Edge] = true
		w := l.way(set, r.Edge, r.Name)
		w.route, w.fuse = i, c.param(set, "fuse", r.Name, c.In, 2*c.Out, nn.KaimingUniform)
		l.ways = append(l.ways, w)
	}
	for i, e := range c.Edges {
		if !e.Functional && !routed[i] {
			l.ways = append(l.ways, l.way(set, i, e.Name))
		}
	}
	return l, nil
}

func (l *RelGNN) way(set *nn.Set, edge int, name string) way {
	c := &l.config
	return way{edge: edge, route: -1, send: c.linear(set, "send", name, c.In, 2*c.Out), ask: c.linear(set, "ask", name, c.In, c.Out)}
}

// Forward implements [Layer].
func (l *RelGNN) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		messages := t.Vars(len(l.ways))
		for i := range l.ways {
			w := &l.ways[i]
			if e := l.config.Edges[w.edge]; e.Dst == typ && x[e.Src] != nil {
				messages[i] = l.attend(t, w, b, x[e.Src], own)
			}
		}
		out[typ] = l.sum(t, b, x, typ, messages)
	}
	return out
}

// attend is the term of one way.
func (l *RelGNN) attend(t *tensor.Tape, w *way, b *Block, from, own *tensor.Var) *tensor.Var {
	width := float64(l.config.Out / l.heads)
	lists := t.Attendeds(1)
	lists[0].KV, lists[0].CSR = w.send.Apply(t, from, tensor.Identity), b.Edges[w.edge].CSR
	if w.route >= 0 {
		lists[0].KV = w.fused(t, lists[0].KV, &b.Routes[w.route])
	}
	lists[0].Q = t.Scale(w.ask.Apply(t, own, tensor.Identity), tensor.Real(1/math.Sqrt(width)))
	return t.Attend(own.Rows(), l.heads, lists)
}

// fused adds to the keys and values of the copies what their far ends say. The product is
// made once per far end, whatever the number of copies that name it.
func (w *way) fused(t *tensor.Tape, kv *tensor.Var, f *Far) *tensor.Var {
	if f.X == nil {
		return kv
	}
	n, m := kv.Rows(), w.fuse.Var(t)
	needed, at := t.Unique(f.Of[:n], f.X.Rows())
	terms := append(t.Terms(3)[:0], tensor.GatherTerm{X: kv}, tensor.GatherTerm{X: t.MatMul(t.GatherRows(f.X, needed), m), Index: at})
	if f.Te != nil {
		terms = append(terms, tensor.GatherTerm{X: f.Te, Index: f.TeOf[:n], By: t.MatMul(f.T, m)})
	}
	return t.GatherSum(n, terms...)
}

func (l *RelGNN) String() string {
	return fmt.Sprintf("relgnn(%d routes, %d heads, %d -> %d)", len(l.config.Routes), l.heads, l.config.In, l.config.Out)
}
