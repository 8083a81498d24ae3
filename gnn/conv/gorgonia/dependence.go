package gorgonia

import G "gorgonia.org/gorgonia"

// dependence finds which inputs a result depends on in a way that can be
// differentiated: gorgonia refuses to derive a result by anything else.
type dependence struct {
	g    *Graph
	want map[int64]bool // nodes of inputs that want a gradient
	seen map[int64]bool // nodes on the way from the results that were asked for
	memo map[int64]bool
}

func newDependence(g *Graph) *dependence {
	d := &dependence{g: g, want: map[int64]bool{}, seen: map[int64]bool{}, memo: map[int64]bool{}}
	for _, in := range g.inputs {
		d.want[in.node.ID()] = in.of.Needs()
	}
	return d
}

// on says whether n depends on an input that wants a gradient.
func (d *dependence) on(n *G.Node) bool {
	id := n.ID()
	if d.seen[id] {
		return d.memo[id]
	}
	d.seen[id] = true
	depends := d.want[id]
	if op, ok := n.Op().(G.SDOp); ok {
		children := d.g.expr.From(id)
		wrt := op.DiffWRT(children.Len())
		for j := 0; children.Next(); j++ {
			if wrt[j] && d.on(children.Node().(*G.Node)) {
				depends = true
			}
		}
	}
	d.memo[id] = depends
	return depends
}
