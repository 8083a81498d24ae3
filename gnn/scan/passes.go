package scan

import (
	"fmt"
	"slices"
)

// Step is one foreign key by its edge type from child to parent: up to the parent, or down.
type Step struct {
	Edge int
	Up   bool
}

// Pass is a table whose states of one layer are read, with the ways from its rows to all that
// they are made of. Passes over parts of a database come in the order of their layers.
type Pass struct {
	Layer  int
	Table  int
	Last   bool     // queries read the states; else rows do, for their messages of the next layer
	States []string // names, of the last layer
	Ways   [][]Step
	Reads  []Reading // what the pass gives to rows
}

// Reading is what rows of a table read of one state of a parent.
type Reading struct {
	Layer       int // of the message that it is for
	Table       int
	Path, State string
}

// Passes lists what must be done one after the other to answer queries in parts.
func (m *Model) Passes() []Pass {
	var out []Pass
	for l := 1; l <= m.Config.Layers; l++ {
		for t := range m.Types {
			if !m.plan.made[l][t] || len(m.plan.into[t]) == 0 {
				continue
			}
			p := Pass{Layer: l, Table: t, Last: l == m.Config.Layers}
			for _, k := range m.plan.into[t] {
				down := reversed(&m.plan.states[k])
				p.Ways = append(p.Ways, down)
				for _, up := range m.senders[l][m.plan.states[k].from].ups {
					p.Ways = append(p.Ways, append(slices.Clone(down), upwards(up.path)...))
				}
				if p.Last {
					p.States = append(p.States, m.plan.states[k].name)
				}
			}
			if !p.Last {
				p.Reads = m.readsOf(l+1, func(r reading) bool { return r.path.to == t })
				for _, r := range p.Reads {
					for i := range m.plan.paths[r.Table] {
						if up := &m.plan.paths[r.Table][i]; up.name == r.Path {
							p.Ways = append(p.Ways, reversed(up))
						}
					}
				}
			}
			out = append(out, p)
		}
	}
	return out
}

// readsOf lists what rows read for their messages of a layer.
func (m *Model) readsOf(layer int, which func(reading) bool) (out []Reading) {
	if layer > m.Config.Layers {
		return nil
	}
	for t, s := range m.senders[layer] {
		if s == nil {
			continue
		}
		for _, r := range s.reads {
			if which(r) {
				out = append(out, Reading{layer, t, r.path.name, m.plan.states[r.state].name})
			}
		}
	}
	return out
}

// SeedWays lists the ways from an entity to the rows that a query looks at.
func (m *Model) SeedWays() (out [][]Step) {
	for _, s := range m.plan.slots {
		var way []Step
		if s.via >= 0 {
			way = reversed(&m.plan.states[s.via])
		}
		if s.up != nil {
			way = append(way, upwards(s.up)...)
		}
		if len(way) > 0 {
			out = append(out, way)
		}
	}
	return out
}

// reversed goes down a path.
func reversed(p *path) (way []Step) {
	for i := len(p.steps) - 1; i >= 0; i-- {
		way = append(way, Step{p.steps[i] - 1, false})
	}
	return way
}

func upwards(p *path) (way []Step) {
	for _, e := range p.steps {
		way = append(way, Step{e - 1, true})
	}
	return way
}

// ReadNames names the numbers that are read of a state.
func (m *Model) ReadNames(state string) (names []string) {
	k := slices.IndexFunc(m.plan.states, func(p path) bool { return p.name == state })
	if k < 0 {
		return nil
	}
	features := m.feature[m.plan.states[k].from].names()
	for _, h := range m.Config.HalfLives {
		for _, f := range features {
			names = append(names, fmt.Sprintf("mean %s, half-life %g d (%s)", f, h, state))
		}
		names = append(names, fmt.Sprintf("log count, half-life %g d (%s)", h, state))
	}
	names = append(names, fmt.Sprintf("log of days since last, a quarter (%s)", state))
	for _, h := range m.Config.HalfLives {
		for c := range m.Config.Width {
			names = append(names, fmt.Sprintf("mean message %d, half-life %g d (%s)", c, h, state))
		}
	}
	return names
}

// names are those of the features, in their order.
func (f *features) names() (names []string) {
	of := map[int]string{}
	for _, c := range f.enc.Columns {
		dense, _ := c.Encoder.Shape()
		for i := range dense {
			of[c.DenseFrom+i] = fmt.Sprintf("%s.%s[%d]", f.enc.Name, c.Name, i)
		}
	}
	for _, d := range f.dense {
		names = append(names, of[d])
	}
	names = append(names, f.chosen.Names...)
	for _, d := range f.ranked {
		names = append(names, "rank of "+of[d])
	}
	return names
}
