package scan

import (
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// plan says what reads what. It follows from the graph, the config and the paths that are
// kept as states; all of it in a fixed order.
type plan struct {
	paths  [][]path // per table, upwards
	states []path   // along which rows send messages that add up to states
	into   [][]int  // per table: the states that its rows have
	slots  []slot   // what a seed reads
	sends  [][]bool // per layer from 1, per table: its rows make messages of that layer
	made   [][]bool // per layer from 1, per table: its states of messages of that layer are read
	reach  []bool   // tables whose features are read
}

// slot is one row that a seed reads: its own (up and via nil), an ancestor of it, or a
// parent of its youngest visible row by a state.
type slot struct {
	table int
	via   int   // state whose youngest row it is a parent of; -1 for none
	up    *path // from the entity, or from that row; nil = the entity itself
}

// momentary is the share of rows below which a path keeps no state: nearly all rows of an
// ancestor come at one time (the lines of an order, the results of a race), so that
// whoever reads the ancestor before or after finds nothing, or a mean that never moves.
const momentary = 0.05

// lasting lists the paths over which ancestors gather rows in the course of time, judged
// by what is visible at an instant, by their names.
func lasting(g *graph.Graph, hops int, rule ingest.TimeRule, at int64) []string {
	var names []string
	for _, paths := range pathsOf(model.EdgeTypes(g), len(g.Snap.Tables), hops) {
		for _, p := range paths {
			c := chainOf(g, p)
			l := newList(&c, g.Snap.Tables[p.to].Rows, rule)
			if l.lasts(g.Snap.Tables[p.to], rule, at) {
				names = append(names, p.name)
			}
		}
	}
	return names
}

// lasts reports whether enough rows come later than the first one of their ancestor.
func (l *list) lasts(ancestors *ingest.Table, rule ingest.TimeRule, at int64) bool {
	all, later, m := 0, 0, rule.Moment(at)
	for p := range len(l.ptr) - 1 {
		if !ancestors.VisibleAt(rule, int32(p), at) {
			continue
		}
		lo, hi := l.ptr[p], l.ptr[p+1]
		n := m.Count(l.when[lo:hi])
		all += n
		for _, w := range l.when[lo : int(lo)+n] {
			if w != l.when[lo] || w == ingest.Always {
				later++
			}
		}
	}
	return float64(later) > momentary*float64(all)
}

// newPlan finds out what the seeds of an entity read over so many layers, given the names
// of the paths that keep states.
func newPlan(edges []conv.EdgeType, entity, hops, layers int, kept []string, enc []*encode.Table) *plan {
	p := &plan{paths: pathsOf(edges, len(enc), hops), into: make([][]int, len(enc)), reach: make([]bool, len(enc))}
	keep := map[string]bool{}
	for _, name := range kept {
		keep[name] = true
	}
	var all []path
	for _, paths := range p.paths {
		for _, q := range paths {
			if keep[q.name] && enc[q.from] != nil {
				all = append(all, q)
			}
		}
	}
	p.read(entity, all, enc)
	p.messages(layers, all)
	return p
}

// read lists the slots of a seed.
func (p *plan) read(entity int, all []path, enc []*encode.Table) {
	p.slots = []slot{{table: entity, via: -1}}
	for i := range p.paths[entity] {
		if up := &p.paths[entity][i]; enc[up.to] != nil {
			p.slots = append(p.slots, slot{table: up.to, via: -1, up: up})
		}
	}
	for _, s := range all {
		if s.to != entity {
			continue
		}
		for i := range p.paths[s.from] {
			up := &p.paths[s.from][i]
			if len(up.steps) == 1 && up.steps[0] != s.steps[0] && enc[up.to] != nil {
				p.slots = append(p.slots, slot{table: up.to, via: p.state(s), up: up})
			}
		}
	}
	for _, s := range p.slots {
		p.stateful(s.table, all)
	}
}

// state returns the number of a state, which it adds if it is new.
func (p *plan) state(s path) int {
	for i := range p.states {
		if p.states[i].name == s.name {
			return i
		}
	}
	p.states = append(p.states, s)
	p.into[s.to] = append(p.into[s.to], len(p.states)-1)
	p.reach[s.from] = true
	return len(p.states) - 1
}

// stateful gives the rows of a table all states that there are.
func (p *plan) stateful(table int, all []path) {
	p.reach[table] = true
	for _, s := range all {
		if s.to == table {
			p.state(s)
		}
	}
}

// messages goes down the layers: the states of the last are read by seeds, and a message
// reads those of the layer below.
func (p *plan) messages(layers int, all []path) {
	p.sends, p.made = make([][]bool, layers+1), make([][]bool, layers+1)
	read := make([]bool, len(p.into)) // tables whose states the layer makes
	for _, s := range p.slots {
		read[s.table] = true
	}
	for l := layers; l >= 1; l-- {
		p.sends[l], p.made[l] = make([]bool, len(p.into)), read
		for _, s := range p.states {
			if read[s.to] {
				p.sends[l][s.from] = true
			}
		}
		if l == 1 {
			break
		}
		below := make([]bool, len(p.into))
		for t, ok := range p.sends[l] {
			if !ok {
				continue
			}
			for _, up := range p.paths[t] {
				if len(up.steps) == 1 {
					below[up.to] = true
				}
			}
		}
		for t, ok := range below {
			if ok {
				p.stateful(t, all)
			}
		}
		read = below
	}
	for t := range p.into {
		for l := 1; l <= layers; l++ {
			if p.sends[l][t] {
				for _, up := range p.paths[t] {
					p.reach[up.to] = true
				}
			}
		}
	}
}
