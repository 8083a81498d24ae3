package conv

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("gcn", func(c Config, set *nn.Set) (Layer, error) { return newGCN(c, set) })
}

// GCN is the graph convolution (Kipf and Welling, 2017) with weights per node type of
// the source:
//
//	out[v] = b + sum over u -> v of every edge type, and u = v once, of x[u] W_type(u) / sqrt(d[u] d[v])
//
// d[v] is 1 plus the number of edges into v. In a whole graph an edge from a row to
// itself is left out, because the row counts anyway. In a sampled block the degree of a
// source is not known, and d[v] stands for it: the mean. Parameters: In*Out per node type.
type GCN struct {
	config Config
	weight []*nn.Param // per node type; nil where nothing starts
	bias   []*nn.Param // per node type; nil where there are no destinations
}

var _ Layer = (*GCN)(nil)

func newGCN(c Config, set *nn.Set) (*GCN, error) {
	g := &GCN{config: c, weight: make([]*nn.Param, len(c.Types)), bias: make([]*nn.Param, len(c.Types))}
	for i, name := range c.Types {
		sends := c.computes(i)
		for _, e := range c.Edges {
			sends = sends || e.Src == i
		}
		if sends {
			g.weight[i] = c.param(set, "weight", name, c.In, c.Out, nn.GlorotUniform)
		}
		if c.computes(i) {
			g.bias[i] = c.bias(set, "bias", name, c.Out)
		}
	}
	return g, nil
}

// Forward implements [Layer].
func (g *GCN) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	m := g.degrees(t, b)
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		rels := t.Relations(len(x))[:0]
		for src := range x {
			if x[src] == nil {
				continue
			}
			if csr, w := m.merge(t, src, typ); csr.Edges() > 0 {
				rels = append(rels, tensor.Relation{X: x[src], W: g.weight[src].Var(t), CSR: csr, Weight: w})
			}
		}
		out[typ] = t.RelationSum(n, g.bias[typ].Var(t), rels)
	}
	return out
}

func (g *GCN) String() string { return fmt.Sprintf("gcn(%d -> %d)", g.config.In, g.config.Out) }

// mergedEdges joins the edge types between two node types, with the weights of a graph
// convolution. Its memory is the tape's.
type mergedEdges struct {
	edges []EdgeType
	block *Block
	first []int32       // per node type: its first place in root
	root  []tensor.Real // per destination of every node type: 1/sqrt(d)
}

func (g *GCN) degrees(t *tensor.Tape, b *Block) mergedEdges {
	m := mergedEdges{g.config.Edges, b, t.Ints(len(b.Dst)), nil}
	total := 0
	for typ, n := range b.Dst {
		m.first[typ] = int32(total)
		total += n
	}
	m.root = t.Alloc(1, total).Data
	for v := range m.root {
		m.root[v] = 1
	}
	for i, e := range m.edges {
		if b.Dst[e.Dst] > 0 {
			m.count(i, m.root[m.first[e.Dst]:])
		}
	}
	for v, d := range m.root {
		m.root[v] = tensor.Real(1 / math.Sqrt(float64(d)))
	}
	return m
}

// count adds the edges of type i to the degrees of their destinations.
func (m *mergedEdges) count(i int, degree []tensor.Real) {
	csr, loops := m.block.Edges[i].CSR, m.block.Whole && m.edges[i].Src == m.edges[i].Dst
	for v := range csr.Rows() {
		from, to := csr.Ptr[v], csr.Ptr[v+1]
		n := to - from
		if loops {
			for _, u := range csr.Src[from:to] {
				if int(u) == v {
					n--
				}
			}
		}
		degree[v] += tensor.Real(n)
	}
}

// merge returns the edges from node type src to typ, each destination's own row first.
func (m *mergedEdges) merge(t *tensor.Tape, src, typ int) (tensor.CSR, []tensor.Real) {
	n, most := m.block.Dst[typ], 0
	for i, e := range m.edges {
		if e.Src == src && e.Dst == typ {
			most += m.block.Edges[i].CSR.Edges()
		}
	}
	if src == typ {
		most += n
	}
	csr := tensor.CSR{Ptr: t.Ints(n + 1), Src: t.Ints(most)}
	w := t.Alloc(1, most).Data
	root, from := m.root[m.first[typ]:], m.root[m.first[src]:]
	k := 0
	csr.Ptr[0] = 0
	for v := range n {
		own := root[v]
		if src == typ {
			csr.Src[k], w[k] = int32(v), own*own
			k++
		}
		for i, e := range m.edges {
			if e.Src != src || e.Dst != typ {
				continue
			}
			edges := m.block.Edges[i].CSR
			for _, u := range edges.Src[edges.Ptr[v]:edges.Ptr[v+1]] {
				switch {
				case m.block.Whole && src == typ && int(u) == v:
					continue
				case m.block.Whole:
					w[k] = own * from[u]
				default:
					w[k] = own * own
				}
				csr.Src[k] = u
				k++
			}
		}
		csr.Ptr[v+1] = int32(k)
	}
	csr.Src = csr.Src[:k]
	return csr, w[:k]
}
