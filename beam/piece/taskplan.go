package piece

import (
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// AddLabels adds to a plan the rows that the labels of a task read: the aggregated tables
// along their paths, the parents whose columns are read, and the rows that are ranked.
func (p *Plan) AddLabels(sc *schema.Schema, task *tasks.Task) { p.addLabels(sc, task, -1) }

// addLabels adds the rows that the labels of the entity rows at the end of an edge read.
func (p *Plan) addLabels(sc *schema.Schema, task *tasks.Task, of int) {
	for _, e := range []tasks.Expr{task.Target, task.Where, task.Assuming} {
		p.reads(sc, e, of, of)
	}
}

// reads adds what an expression about the entity at the end of edge of reads from a row at
// the end of edge at.
func (p *Plan) reads(sc *schema.Schema, e tasks.Expr, of, at int) {
	switch e := e.(type) {
	case *tasks.Call:
		for _, a := range e.Args {
			p.reads(sc, a, of, at)
		}
	case *tasks.ColumnExpr:
		if e.OfEntity || e.Table != p.To(sc, at) {
			at = of
		}
		table := e.Table
		for _, l := range e.Links {
			at = p.Walk(sc, at, table, l, true)
			table = sc.Tables[table].Links[l].To
		}
	case *tasks.Aggregate:
		end := p.path(sc, e.Path, of)
		for l := range sc.Tables[e.Table].Links { // of the target of a ranking, whose values are rows
			if c, ok := e.Arg.(*tasks.ColumnExpr); ok && e.Fn == "list_distinct" && len(c.Links) == 0 &&
				len(sc.Tables[e.Table].Links[l].Columns) == 1 && sc.Tables[e.Table].Links[l].Columns[0] == c.Column {
				p.Walk(sc, end, e.Table, l, true)
			}
		}
		p.reads(sc, e.Arg, of, end)
		p.reads(sc, e.Filter, of, end)
	}
}

// path adds the edges from an entity to an aggregated table, against the steps of its path.
func (p *Plan) path(sc *schema.Schema, steps []tasks.Step, at int) int {
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		at = p.Walk(sc, at, s.Table, s.Link, s.Down)
	}
	return at
}

// AddHops adds all rows within so many links of the entity, up and down, of the tables that
// take part, and what the labels of other entities among them read, where those are within
// reach too.
func (p *Plan) AddHops(sc *schema.Schema, hops int, task *tasks.Task) {
	from := []int{-1}
	for n := range hops {
		var next []int
		for _, at := range from {
			if at >= 0 && n < hops && p.To(sc, at) == p.Entity {
				p.addLabels(sc, task, at)
			}
			next = append(next, p.neighbours(sc, at)...)
		}
		from = next
	}
}

// AddSample adds the rows within so many links of the entity from which a model learns: all
// that AddHops adds, but for other entities, of which a sample would hold a part of the rows.
func (p *Plan) AddSample(sc *schema.Schema, hops int) {
	from := []int{-1}
	for range hops {
		var next []int
		for _, at := range from {
			for _, n := range p.neighbours(sc, at) {
				if p.To(sc, n) != p.Entity {
					next = append(next, n)
				}
			}
		}
		from = next
	}
	p.drop(func(e int) bool { return p.To(sc, e) == p.Entity })
}

// drop takes edges out, and those behind them.
func (p *Plan) drop(which func(edge int) bool) {
	to := make([]int, len(p.Edges))
	var kept []Edge
	for i, e := range p.Edges {
		to[i] = -1
		if e.From >= 0 && to[e.From] < 0 || which(i) {
			continue
		}
		if e.From >= 0 {
			e.From = to[e.From]
		}
		to[i] = len(kept)
		kept = append(kept, e)
	}
	p.Edges = kept
}

// Hop is one link of a way: up to the parent, or down to the children that hold it.
type Hop struct {
	Table, Link int
	Up          bool
}

// AddPath adds the rows on a way from the entity of the plan, and returns the edge to its end. A
// table that is none of the database is the target history of the entities that it is reached
// from: what their labels read is added.
func (p *Plan) AddPath(sc *schema.Schema, way []Hop, task *tasks.Task) int {
	at := -1
	for _, h := range way {
		switch {
		case h.Table < len(sc.Tables):
			at = p.Walk(sc, at, h.Table, h.Link, h.Up)
		case !h.Up:
			p.addLabels(sc, task, at)
		}
	}
	return at
}

// AddWay is [Plan.AddPath] with the parents of the rows at the end.
func (p *Plan) AddWay(sc *schema.Schema, way []Hop, task *tasks.Task) {
	at := p.AddPath(sc, way, task)
	here := p.To(sc, at)
	for l, link := range sc.Tables[here].Links {
		back := at >= 0 && p.Edges[at] == Edge{From: p.Edges[at].From, Table: here, Link: l, Level: p.Edges[at].Level}
		if !back && !sc.Tables[link.To].Ignore {
			p.Walk(sc, at, here, l, true)
		}
	}
}

// neighbours adds the edges that begin at the end of another one and returns them.
func (p *Plan) neighbours(sc *schema.Schema, at int) []int {
	var out []int
	here := p.To(sc, at)
	for t, def := range sc.Tables {
		for l, link := range def.Links {
			if def.Ignore || sc.Tables[link.To].Ignore {
				continue
			}
			back := at >= 0 && p.Edges[at] == Edge{From: p.Edges[at].From, Table: t, Link: l, Level: p.Edges[at].Level}
			if t == here && !back { // the parent of a child by the same link is where one comes from
				out = append(out, p.Walk(sc, at, t, l, true))
			}
			if link.To == here {
				out = append(out, p.Walk(sc, at, t, l, false))
			}
		}
	}
	return out
}
