package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("rgat", func(c Config, set *nn.Set) (Layer, error) { return newRGAT(c, set) })
}

// RGAT is the relational graph attention layer (Busbridge et al., 2019), additive and
// across relations: one softmax runs over all edges into a destination, of every edge
// type e:
//
//	y_e[u] = x[u] W_e,  s[u,h] = leaky(y_e[v] q_h + y_e[u] k_h)
//	out[v] = x[v] Wroot + b + sum over e and the heads of sum(softmax(s)[u,h] y_e[u]_h)
//
// The scores of a head look at the channels of all heads; q and k are shared by the edge
// types. Parameters: In*Out per node type and per edge type, 2*Out*heads.
type RGAT struct {
	root       // without functional messages, which take part in the softmax here
	heads      int
	weight     []*nn.Param // per edge type, In x Out
	query, key *nn.Param   // Out x heads
}

var _ Layer = (*RGAT)(nil)

func newRGAT(c Config, set *nn.Set) (*RGAT, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	own := c
	own.Edges = nil
	r := &RGAT{root: newRoot(own, set), heads: heads}
	r.config = c
	for _, e := range c.Edges {
		r.weight = append(r.weight, c.param(set, "edge", e.Name, c.In, c.Out, nn.GlorotUniform))
	}
	r.query = set.New(c.Name+".query", c.Out, heads, nn.GlorotUniform)
	r.key = set.New(c.Name+".key", c.Out, heads, nn.GlorotUniform)
	return r, nil
}

// Forward implements [Layer].
func (r *RGAT) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		messages := t.Vars(1)
		messages[0] = r.messages(t, b, x, typ)
		root := r.root
		root.config.Edges = nil
		out[typ] = root.sum(t, b, x, typ, messages)
	}
	return out
}

// messages is the attention into node type typ; nil where no edge type has sources.
func (r *RGAT) messages(t *tensor.Tape, b *Block, x []*tensor.Var, typ int) *tensor.Var {
	own := t.SliceRows(x[typ], 0, b.Dst[typ])
	sent, asked := t.Vars(len(r.weight))[:0], t.Vars(len(r.weight))[:0]
	m := relations{edges: t.Ints(len(r.weight))[:0], first: t.Ints(len(r.weight))[:0]}
	rows := 0
	for i, e := range r.config.Edges {
		if e.Dst != typ || x[e.Src] == nil {
			continue
		}
		w := r.weight[i].Var(t)
		m.edges, m.first = append(m.edges, int32(i)), append(m.first, int32(rows))
		sent, asked = append(sent, t.MatMul(x[e.Src], w)), append(asked, t.MatMul(own, w))
		rows += x[e.Src].Rows()
	}
	if len(sent) == 0 {
		return nil
	}
	csr, ask := m.merge(t, b, own.Rows())
	y := t.ConcatRows(sent...)
	terms := t.Terms(2)
	terms[0] = tensor.GatherTerm{X: t.MatMul(y, r.key.Var(t)), Index: csr.Src}
	terms[1] = tensor.GatherTerm{X: t.MatMul(t.ConcatRows(asked...), r.query.Var(t)), Index: ask}
	scores := t.Activate(t.GatherSum(csr.Edges(), terms...), tensor.LeakyReLU)
	return t.AttentionSum(y, t.SegmentSoftmax(scores, csr), csr)
}

func (r *RGAT) String() string {
	return fmt.Sprintf("rgat(%d heads, %d -> %d)", r.heads, r.config.In, r.config.Out)
}

// relations are edge types into one node type whose sources stand below one another.
type relations struct {
	edges []int32 // edge types
	first []int32 // of each: the row of its first source
}

// merge joins the edges of all relations into n destinations. For each edge it also
// returns the row of its destination where the destinations stand below one another
// once per relation. The memory is the tape's.
func (m *relations) merge(t *tensor.Tape, b *Block, n int) (csr tensor.CSR, destination []int32) {
	total := 0
	for _, i := range m.edges {
		total += b.Edges[i].CSR.Edges()
	}
	csr = tensor.CSR{Ptr: t.Ints(n + 1), Src: t.Ints(total)}
	destination = t.Ints(total)
	k := int32(0)
	csr.Ptr[0] = 0
	for v := range n {
		for j, i := range m.edges {
			edges := b.Edges[i].CSR
			for _, u := range edges.Src[edges.Ptr[v]:edges.Ptr[v+1]] {
				csr.Src[k], destination[k] = m.first[j]+u, int32(j*n+v)
				k++
			}
		}
		csr.Ptr[v+1] = k
	}
	return csr, destination
}
