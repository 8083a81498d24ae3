package piece

import (
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// AddLabels adds to a plan the rows that the labels of a task read: the aggregated tables
// along their paths, the parents whose columns are read, and the rows that are ranked.
func (p *Plan) AddLabels(sc *schema.Schema, task *tasks.Task) {
	for _, e := range []tasks.Expr{task.Target, task.Where, task.Assuming} {
		p.reads(sc, e, -1)
	}
}

// reads adds what an expression reads from a row at the end of an edge.
func (p *Plan) reads(sc *schema.Schema, e tasks.Expr, at int) {
	switch e := e.(type) {
	case *tasks.Call:
		for _, a := range e.Args {
			p.reads(sc, a, at)
		}
	case *tasks.ColumnExpr:
		if e.OfEntity || e.Table != p.To(sc, at) {
			at = -1
		}
		table := e.Table
		for _, l := range e.Links {
			at = p.Walk(sc, at, table, l, true)
			table = sc.Tables[table].Links[l].To
		}
	case *tasks.Aggregate:
		end := p.path(sc, e.Path)
		for l := range sc.Tables[e.Table].Links { // of the target of a ranking, whose values are rows
			if c, ok := e.Arg.(*tasks.ColumnExpr); ok && e.Fn == "list_distinct" && len(c.Links) == 0 &&
				len(sc.Tables[e.Table].Links[l].Columns) == 1 && sc.Tables[e.Table].Links[l].Columns[0] == c.Column {
				p.Walk(sc, end, e.Table, l, true)
			}
		}
		p.reads(sc, e.Arg, end)
		p.reads(sc, e.Filter, end)
	}
}

// path adds the edges from the entity to an aggregated table, against the steps of its path.
func (p *Plan) path(sc *schema.Schema, steps []tasks.Step) int {
	at := -1
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		at = p.Walk(sc, at, s.Table, s.Link, s.Down)
	}
	return at
}

// AddHops adds all rows within so many links of the entity, up and down, of the tables that
// take part.
func (p *Plan) AddHops(sc *schema.Schema, hops int) {
	from := []int{-1}
	for range hops {
		var next []int
		for _, at := range from {
			next = append(next, p.neighbours(sc, at)...)
		}
		from = next
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
