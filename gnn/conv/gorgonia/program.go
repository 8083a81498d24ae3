package gorgonia

import (
	"fmt"
	"sync"

	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// building is held while a graph is written, differentiated and compiled: gorgonia keeps
// pools and counters in package variables and promises nothing about graphs that are
// built at the same time. Graphs of several goroutines run at the same time.
var building sync.Mutex

// program is a compiled graph on its way.
type program struct {
	layer   *layer
	tape    *tensor.Tape
	machine G.VM
	turn    *turn
	vars    []*tensor.Var // of the tape that the results depend on
	grads   []*G.Node     // of vars
}

// attempts is how often a graph is written anew when two of its nodes share a hash.
// Compilation takes such nodes for the same; in a graph of 300 nodes that happens once in
// 100,000 times.
const attempts = 5

// compile writes the graph of a layer for one block. A wrong expression panics, as a
// wrong shape does everywhere in the engine.
func (l *layer) compile(t *tensor.Tape, b *conv.Block, x []*tensor.Var) *program {
	building.Lock()
	defer building.Unlock()
	for salt := range attempts {
		g := &Graph{expr: G.NewGraph(), tape: t, block: b, in: l.config.In, x: x, salt: salt,
			copies: make([]*G.Node, len(x)), params: map[*nn.Param]*G.Node{}}
		out := l.expr.Build(g)
		if err := l.check(b, out); err != nil {
			panic(fmt.Sprintf("gorgonia: %s: %v", l, err))
		}
		p := &program{layer: l, tape: t}
		if err := p.differentiate(g, out); err != nil {
			panic(fmt.Sprintf("gorgonia: %s: %v", l, err))
		}
		if unique(g.expr) {
			p.machine = G.NewTapeMachine(g.expr)
			return p
		}
	}
	panic(fmt.Sprintf("gorgonia: %s: two nodes of its graph have one hash, in %d attempts", l, attempts))
}

// unique says whether no two nodes share a hash.
func unique(g *G.ExprGraph) bool {
	seen := map[uint32]bool{}
	for _, n := range g.AllNodes() {
		if h := n.Hashcode(); seen[h] {
			return false
		} else {
			seen[h] = true
		}
	}
	return true
}

// differentiate adds the turning point behind the results, and behind that the
// gradients of all variables that want one.
func (p *program) differentiate(g *Graph, byType []*G.Node) error {
	var out, up G.Nodes
	p.turn = &turn{}
	for _, n := range byType {
		if n != nil {
			out = append(out, n)
			p.turn.shapes = append(p.turn.shapes, n.Shape().Clone())
		}
	}
	for i := range out {
		up = append(up, g.apply(&upstreamOp{g.named("upstream"), p.turn, i}, out...))
	}
	d := newDependence(g)
	var of, upOf, wrt G.Nodes
	for i, n := range out {
		if d.on(n) {
			of, upOf = append(of, n), append(upOf, up[i])
		}
	}
	for _, in := range g.inputs {
		if in.of.Needs() && d.seen[in.node.ID()] {
			wrt, p.vars = append(wrt, in.node), append(p.vars, in.of)
		}
	}
	if len(wrt) == 0 {
		return nil
	}
	var err error
	p.grads, err = G.Backpropagate(of, upOf, wrt)
	return err
}

// forward runs the graph to its turning point and returns all results, one below the
// other, in all.
func (p *program) forward(all tensor.Mat) tensor.Mat {
	p.turn.all = all
	if err := p.machine.RunAll(); !p.turn.reached {
		panic(fmt.Sprintf("gorgonia: %s: %v", p.layer, err))
	}
	return all
}

// backward runs the graph on from its turning point and adds the gradients to those of
// the tape.
func (p *program) backward(grad tensor.Mat) {
	p.turn.grad = grad
	if err := p.machine.RunAll(); err != nil {
		panic(fmt.Sprintf("gorgonia: gradient of %s: %v", p.layer, err))
	}
	for i, v := range p.vars {
		g, err := matrixOf(p.grads[i].Value(), v.Rows(), v.Cols())
		if err != nil {
			panic(fmt.Sprintf("gorgonia: gradient of %s: %v", p.layer, err))
		}
		add(p.tape.GradOf(v).Data, g.Data, 1)
	}
}
