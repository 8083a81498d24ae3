package graph

import (
	"fmt"

	"github.com/rowlink/rowlink/schema"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/encoding"
	"gonum.org/v1/gonum/graph/encoding/dot"
	"gonum.org/v1/gonum/graph/multi"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/traverse"
)

// Distances returns for each table the fewest links to walk, in either direction,
// from table from; -1 for tables out of reach and ignored ones.
func Distances(sc *schema.Schema, from int) []int {
	out := make([]int, len(sc.Tables))
	g := simple.NewUndirectedGraph()
	for t := range sc.Tables {
		out[t] = -1
		g.AddNode(simple.Node(t))
	}
	if sc.Tables[from].Ignore {
		return out
	}
	for t, links := range usable(sc) {
		for _, l := range links {
			if to := sc.Tables[t].Links[l].To; to != t {
				g.SetEdge(simple.Edge{F: simple.Node(t), T: simple.Node(to)})
			}
		}
	}
	var bfs traverse.BreadthFirst
	bfs.Walk(g, simple.Node(from), func(n graph.Node, d int) bool {
		out[n.ID()] = d
		return false
	})
	return out
}

// DOT draws the schema graph in the DOT language: a box per table, an arrow per
// foreign key from child to parent. Ignored tables are left out.
func DOT(sc *schema.Schema) ([]byte, error) {
	return draw(sc, func(t int) string { return "" }, func(t, l int) string { return "" })
}

// DOT draws the schema graph with the rows of each table and the links of each
// foreign key.
func (g *Graph) DOT() ([]byte, error) {
	return draw(g.Snap.Schema,
		func(t int) string { return fmt.Sprintf("\n%d rows", g.Snap.Tables[t].Rows) },
		func(t, l int) string {
			n := 0
			for _, p := range g.Snap.Tables[t].Parents[l] {
				if p >= 0 {
					n++
				}
			}
			return fmt.Sprintf("\n%d links", n)
		})
}

func draw(sc *schema.Schema, tableNote func(t int) string, linkNote func(t, l int) string) ([]byte, error) {
	g := multi.NewDirectedGraph()
	for t, table := range sc.Tables {
		if table.Ignore {
			continue
		}
		label := table.FullName() + tableNote(t)
		if table.Time != nil {
			label += "\ntime: " + timeLabel(table)
		}
		g.AddNode(box{simple.Node(t), table.FullName(), label})
	}
	var id int64
	for t, links := range usable(sc) {
		for _, l := range links {
			link := sc.Tables[t].Links[l]
			g.SetLine(arrow{g.Node(int64(t)), g.Node(int64(link.To)), id, sc.Tables[t].Label(link) + linkNote(t, l)})
			id++
		}
	}
	return dot.MarshalMulti(g, "schema", "", "\t")
}

func timeLabel(t *schema.Table) string {
	if t.Time.Via >= 0 {
		return "through " + t.Label(t.Links[t.Time.Via])
	}
	return t.Columns[t.Time.Column].Name
}

// box is a table as gonum draws it.
type box struct {
	simple.Node
	name, label string
}

func (b box) DOTID() string { return b.name }
func (b box) Attributes() []encoding.Attribute {
	return []encoding.Attribute{{Key: "shape", Value: "box"}, {Key: "label", Value: b.label}}
}

// arrow is a foreign key as gonum draws it.
type arrow struct {
	from, to graph.Node
	id       int64
	label    string
}

func (a arrow) From() graph.Node         { return a.from }
func (a arrow) To() graph.Node           { return a.to }
func (a arrow) ReversedLine() graph.Line { a.from, a.to = a.to, a.from; return a }
func (a arrow) ID() int64                { return a.id }
func (a arrow) Attributes() []encoding.Attribute {
	return []encoding.Attribute{{Key: "label", Value: a.label}}
}
