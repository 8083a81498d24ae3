package bench

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// LayerNames lists the layers of [LayerCase], as the peers' layers.py has them.
func LayerNames() []string { return []string{"sage", "gcn", "gatv2", "rgcn", "hgt"} }

// LayerCase returns one forward and backward pass of a layer over a random graph: the
// gradients of the inputs and of all parameters, given that of the results. Sources and
// destinations are random, and edges stand grouped by destination as a sampler delivers
// them. sage is of one edge type and takes means; gcn and gatv2 (4 heads) have one edge
// type and count every node among its own neighbours; rgcn has 8 relations of random
// edges and takes means; hgt has two node types of half the nodes, 4 edge types of a
// quarter of the edges each, and 4 heads. The bare layers have the parameters that
// PyTorch Geometric gives them.
func LayerCase(name string, nodes, edges, channels, threads int) (step func(), err error) {
	c, ok := layerCases[name]
	if !ok {
		return nil, fmt.Errorf("no layer case %q, want one of %q", name, LayerNames())
	}
	p := &layerPass{tape: tensor.NewTape(tensor.NewPool(threads)), set: nn.NewSet(1), block: &conv.Block{Whole: true}}
	config := conv.Config{Name: "layer", In: channels, Out: channels, Heads: c.heads, Bare: c.bare}
	n := nodes / c.types
	for i := range c.types {
		config.Types = append(config.Types, fmt.Sprint("t", i))
		p.block.Dst = append(p.block.Dst, n)
		p.in = append(p.in, normalMat(10+i, n, channels))
		p.grads = append(p.grads, tensor.NewMat(n, channels))
		p.up = append(p.up, normalMat(20+i, n, channels))
	}
	relations := c.types * c.types * c.relations
	for i := range relations {
		config.Edges = append(config.Edges, conv.EdgeType{Name: fmt.Sprint("r", i), Src: i / c.types % c.types, Dst: i % c.types})
	}
	p.block.Edges = randomEdges(relations, edges, n, c.loops)
	if p.layer, err = conv.New(name, config, p.set); err != nil {
		return nil, err
	}
	return p.run, nil
}

// layerCase says what is particular to one layer.
type layerCase struct {
	types, relations int // node types, relations per pair of them
	heads            int
	bare, loops      bool
}

var layerCases = map[string]layerCase{
	"sage":  {types: 1, relations: 1},
	"gcn":   {types: 1, relations: 1},
	"gat":   {types: 1, relations: 1, heads: 4, bare: true, loops: true},
	"gatv2": {types: 1, relations: 1, heads: 4, bare: true, loops: true},
	"rgcn":  {types: 1, relations: 8},
	"hgt":   {types: 2, relations: 1, heads: 4},

	"gorgonia-sage": {types: 1, relations: 1},
	"gorgonia-rgcn": {types: 1, relations: 8},
}

// layerPass is a layer with its inputs.
type layerPass struct {
	tape  *tensor.Tape
	layer conv.Layer
	set   *nn.Set
	block *conv.Block
	in    []tensor.Mat // per node type
	grads []tensor.Mat // of in
	up    []tensor.Mat // gradients of the results
}

func (p *layerPass) run() {
	p.tape.Reset()
	p.set.ZeroGrad()
	x := p.tape.Vars(len(p.in))
	for i, m := range p.in {
		clear(p.grads[i].Data)
		x[i] = p.tape.Leaf(m, p.grads[i])
	}
	p.tape.BackwardFrom(p.layer.Forward(p.tape, p.block, x), p.up)
}

// randomEdges deals edges between n sources and n destinations out to relations, with
// one more from every node to itself where loops says so.
func randomEdges(relations, edges, n int, loops bool) []conv.Edge {
	s := tensor.NewStream(5)
	type pair struct{ src, dst int32 }
	lists := make([][]pair, relations)
	for range edges {
		r := s.IntN(relations)
		lists[r] = append(lists[r], pair{int32(s.IntN(n)), int32(s.IntN(n))})
	}
	out := make([]conv.Edge, relations)
	for r, list := range lists {
		if loops {
			for v := range n {
				list = append(list, pair{int32(v), int32(v)})
			}
		}
		ptr, next := make([]int32, n+1), make([]int32, n)
		for _, e := range list {
			ptr[e.dst+1]++
		}
		for v := range n {
			ptr[v+1] += ptr[v]
		}
		copy(next, ptr)
		src := make([]int32, len(list))
		for _, e := range list {
			src[next[e.dst]] = e.src
			next[e.dst]++
		}
		out[r].CSR = tensor.CSR{Ptr: ptr, Src: src}
	}
	return out
}

func normalMat(key, rows, cols int) tensor.Mat {
	m := tensor.NewMat(rows, cols)
	for i := range m.Data {
		m.Data[i] = tensor.Real(tensor.Normal(uint64(key), uint64(i)))
	}
	return m
}
