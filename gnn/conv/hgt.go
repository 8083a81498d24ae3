package conv

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("hgt", func(c Config, set *nn.Set) (Layer, error) { return newHGT(c, set) })
}

// HGT is the heterogeneous graph transformer (Hu et al., 2020). Keys, queries and values
// are linear per node type; every edge type e has a matrix per head for keys, one for
// values, and a prior p per head; ONE softmax runs over all edges into a destination, of
// every edge type:
//
//	s[u,h] = p_e,h / sqrt(width) (q[v]_h A_e,h) . k[u]_h
//	y[v]_h = sum over e of (sum over u -> v of softmax(s)[u,h] v[u]_h) M_e,h
//	out[v] = gelu(y[v]) Wout + b,  where In = Out blended with x[v] by a learned gate
//
// Both matrices of an edge type stand on the side of the destinations, which gives the
// same as on that of the sources and costs less the more edge types share a source.
// Parameters: 4*In*Out per node type and 2*Out^2/heads per edge type.
type HGT struct {
	config Config
	heads  int
	sends  []*nn.Linear // per node type, In x 2*Out: keys and values; nil where nothing starts
	asks   []*nn.Linear // per node type, In x Out: queries; nil where there is no choice
	out    []*nn.Linear // per node type, Out x Out; nil where nothing arrives
	idle   []*nn.Param  // per node type that is computed but never reached, 1 x Out
	gate   []*nn.Param  // per node type, 1 x 1; nil unless In = Out
	key    []*nn.Param  // per edge type, Out x width: A of each head, below one another; nil where there is no choice
	value  []*nn.Param  // per edge type, Out x width: M of each head
	prior  []*nn.Param  // per edge type, heads x 1; nil like key
	headOf []int32      // channel -> head
}

var _ Layer = (*HGT)(nil)

func newHGT(c Config, set *nn.Set) (*HGT, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	n := len(c.Types)
	h := &HGT{config: c, heads: heads, sends: make([]*nn.Linear, n), asks: make([]*nn.Linear, n), out: make([]*nn.Linear, n),
		idle: make([]*nn.Param, n), gate: make([]*nn.Param, n), headOf: make([]int32, c.Out)}
	width := c.Out / heads
	for j := range h.headOf {
		h.headOf[j] = int32(j / width)
	}
	h.key, h.prior = make([]*nn.Param, len(c.Edges)), make([]*nn.Param, len(c.Edges))
	for i, e := range c.Edges {
		h.value = append(h.value, c.param(set, "value", e.Name, c.Out, width, nn.Uniform(glorot(width, width))))
		if h.chooses(e.Dst) {
			h.key[i] = c.param(set, "key", e.Name, c.Out, width, nn.Uniform(glorot(width, width)))
			h.prior[i] = c.param(set, "prior", e.Name, heads, 1, nn.Ones)
		}
	}
	for i := range c.Types {
		h.addType(set, i)
	}
	return h, nil
}

// chooses says whether destinations of a node type can have more than one neighbour; a
// softmax over one is 1 and has nothing to learn.
func (h *HGT) chooses(typ int) bool {
	neighbours := 0
	for _, e := range h.config.Edges {
		switch {
		case e.Dst != typ:
		case e.Functional:
			neighbours++
		default:
			return true
		}
	}
	return neighbours > 1
}

// addType adds the parameters of one node type.
func (h *HGT) addType(set *nn.Set, typ int) {
	c, name := &h.config, h.config.Types[typ]
	sends, reached := false, false
	for _, e := range c.Edges {
		sends = sends || e.Src == typ
		reached = reached || e.Dst == typ
	}
	if sends {
		h.sends[typ] = c.linear(set, "send", name, c.In, 2*c.Out)
	}
	if !c.computes(typ) {
		return
	}
	if !reached {
		h.idle[typ] = c.bias(set, "idle", name, c.Out)
		return
	}
	h.out[typ] = c.linear(set, "out", name, c.Out, c.Out)
	if h.chooses(typ) {
		h.asks[typ] = c.linear(set, "ask", name, c.In, c.Out)
	}
	if c.In == c.Out {
		h.gate[typ] = c.param(set, "gate", name, 1, 1, nn.Ones)
		h.gate[typ].Decay = false
	}
}

// glorot is the bound of Glorot's even distribution.
func glorot(in, out int) float64 { return math.Sqrt(6 / float64(in+out)) }

// Forward implements [Layer].
func (h *HGT) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out, sent := t.Vars(len(x)), t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		if h.out[typ] == nil {
			out[typ] = t.AddBias(t.Const(t.Alloc(n, h.config.Out)), h.idle[typ].Var(t))
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		y := t.Activate(h.messages(t, b, x, typ, own, sent), tensor.GELU)
		out[typ] = h.out[typ].Apply(t, y, tensor.Identity)
		if h.gate[typ] != nil {
			out[typ] = t.Blend(out[typ], own, h.gate[typ].Var(t))
		}
	}
	return out
}

// messages returns y of node type typ. sent holds the keys and values of the node types
// that were needed so far.
func (h *HGT) messages(t *tensor.Tape, b *Block, x []*tensor.Var, typ int, own *tensor.Var, sent []*tensor.Var) *tensor.Var {
	var q *tensor.Var
	if h.asks[typ] != nil {
		q = h.asks[typ].Apply(t, own, tensor.Identity)
	}
	lists, values := t.Attendeds(len(h.key))[:0], t.Vars(len(h.key))[:0]
	for i, e := range h.config.Edges {
		if e.Dst != typ {
			continue
		}
		if sent[e.Src] == nil {
			sent[e.Src] = h.sends[e.Src].Apply(t, h.config.copies(t, x, e.Src), tensor.Identity)
		}
		l := tensor.Attended{KV: sent[e.Src], CSR: b.Edges[i].CSR}
		if q != nil {
			l.Q = t.HeadLinear(q, h.heads, h.scaledKey(t, i))
		}
		lists, values = append(lists, l), append(values, h.value[i].Var(t))
	}
	if q == nil { // the value of the one parent
		only := t.SliceCols(lists[0].KV, h.config.Out, 2*h.config.Out)
		return t.HeadLinear(t.GatherReduce(only, lists[0].CSR, tensor.Sum), h.heads, values...)
	}
	return t.HeadLinear(t.Attend(own.Rows(), h.heads, lists), h.heads, values...)
}

// scaledKey returns A of edge type i times the prior and 1/sqrt(width).
func (h *HGT) scaledKey(t *tensor.Tape, i int) *tensor.Var {
	width := float64(h.config.Out / h.heads)
	scale := t.Scale(t.GatherRows(h.prior[i].Var(t), h.headOf), tensor.Real(1/math.Sqrt(width)))
	return t.ScaleRows(h.key[i].Var(t), scale)
}

func (h *HGT) String() string {
	return fmt.Sprintf("hgt(%d heads, %d -> %d)", h.heads, h.config.In, h.config.Out)
}
