// Package piece owns how a database is cut into pieces by entity: which rows a piece
// needs (the plan), how rows are written for the way from one worker to another, and how
// the rows that arrived become a snapshot again, over which the code of a single machine
// runs. It knows no engine: package beam moves the bytes.
package piece

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/schema"
)

// Plan says which rows belong to the piece of an entity: the entity itself, and from
// there along edges, each of which begins at the entity or where another one ends. A row
// that an edge reaches is in the piece, so a plan may reach further than is read, never less.
type Plan struct {
	Entity int    `json:"entity"` // table number
	Edges  []Edge `json:"edges"`  // an edge stands behind the one that it begins at
}

// Edge walks one link of a table: down from a parent to the children that hold the link,
// or up from the child to its parent.
type Edge struct {
	From  int  `json:"from"`  // number of the edge at whose end it begins; -1 = the entity
	Table int  `json:"table"` // holds the link
	Link  int  `json:"link"`
	Up    bool `json:"up"`
	Level int  `json:"level"` // edges from the entity to its end, from 1
}

// NewPlan begins a plan of a table's rows, whose times it includes.
func NewPlan(sc *schema.Schema, entity int) *Plan {
	p := &Plan{Entity: entity}
	p.times(sc, -1)
	return p
}

// To is the table that an edge leads to.
func (p *Plan) To(sc *schema.Schema, edge int) int {
	if edge < 0 {
		return p.Entity
	}
	if e := p.Edges[edge]; e.Up {
		return sc.Tables[e.Table].Links[e.Link].To
	}
	return p.Edges[edge].Table
}

// Walk adds the edge that begins at the end of another one, if the plan has it not yet, and
// returns its number.
func (p *Plan) Walk(sc *schema.Schema, from, table, link int, up bool) int {
	e := Edge{From: from, Table: table, Link: link, Up: up, Level: 1}
	if from >= 0 {
		e.Level = p.Edges[from].Level + 1
	}
	if at := slices.Index(p.Edges, e); at >= 0 {
		return at
	}
	p.Edges = append(p.Edges, e)
	at := len(p.Edges) - 1
	p.times(sc, at)
	return at
}

// times adds the parents from which the rows at the end of an edge inherit their time.
func (p *Plan) times(sc *schema.Schema, edge int) {
	table := p.To(sc, edge)
	if t := sc.Tables[table].Time; t != nil && t.Via >= 0 && t.Via < len(sc.Tables[table].Links) {
		p.Walk(sc, edge, table, t.Via, true)
	}
}

// Levels is the length of the longest way from the entity.
func (p *Plan) Levels() int {
	n := 0
	for _, e := range p.Edges {
		n = max(n, e.Level)
	}
	return n
}

// At lists the edges of a level.
func (p *Plan) At(level int) []int {
	var out []int
	for i, e := range p.Edges {
		if e.Level == level {
			out = append(out, i)
		}
	}
	return out
}

// Behind lists the edges that begin at the end of another one; -1 is the entity.
func (p *Plan) Behind(edge int) []int {
	var out []int
	for i, e := range p.Edges {
		if e.From == edge {
			out = append(out, i)
		}
	}
	return out
}

// Direct reports whether the rows at the end of an edge know their entity by themselves:
// they refer to its key.
func (p *Plan) Direct(sc *schema.Schema, edge int) bool {
	e := p.Edges[edge]
	return e.From < 0 && !e.Up && slices.Equal(sc.Tables[e.Table].Links[e.Link].Ref, sc.Tables[p.Entity].Key)
}

// Near returns the columns by which the rows before an edge are matched, Far those of the
// rows behind it.
func (p *Plan) Near(sc *schema.Schema, edge int) []int { return p.side(sc, edge, true) }

// Far is the other side of [Plan.Near].
func (p *Plan) Far(sc *schema.Schema, edge int) []int { return p.side(sc, edge, false) }

func (p *Plan) side(sc *schema.Schema, edge int, near bool) []int {
	e := p.Edges[edge]
	l := sc.Tables[e.Table].Links[e.Link]
	if e.Up == near {
		return l.Columns
	}
	return l.Ref
}

// Text describes a plan for people, one edge per line.
func (p *Plan) Text(sc *schema.Schema) []string {
	out := []string{sc.Tables[p.Entity].FullName()}
	for i, e := range p.Edges {
		way := "children"
		if e.Up {
			way = "parents"
		}
		l := sc.Tables[e.Table].Links[e.Link]
		out = append(out, fmt.Sprintf("%d: %s of %s by %s: %s", i, way, sc.Tables[p.To(sc, e.From)].Name, sc.Tables[e.Table].Label(l), sc.Tables[p.To(sc, i)].Name))
	}
	return out
}
