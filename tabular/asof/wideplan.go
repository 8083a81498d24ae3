package asof

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// planner builds a plan.
type planner struct {
	*Wide
	enc    []*encode.Table
	pool   *tensor.Pool
	values map[string]*values // by table and foreign key that is left out
	parts  int                // aggregates planned so far
}

// numbers are the values of a table whose parents over an edge say nothing new.
func (b *planner) numbers(t, skip int) (*values, error) {
	key := fmt.Sprint(t, skip)
	if v := b.values[key]; v != nil {
		return v, nil
	}
	v, err := b.newValues(t, b.enc, b.pool, skip)
	b.values[key] = v
	return v, err
}

// into lists the edge types by which a table reads its children, of those that take part.
func (b *planner) into(table int) []int {
	var out []int
	for _, e := range b.g.Into[table] {
		if edge := b.g.Edges[e]; !edge.Rev && b.enc[edge.Src] != nil {
			out = append(out, e)
		}
	}
	return out
}

// aggregate adds the aggregate of a path to a group.
func (b *planner) aggregate(to *group, p *path, s scope) error {
	e := p.edges[len(p.edges)-1]
	v, err := b.numbers(p.from, e+1)
	if err != nil {
		return err
	}
	if p.when == nil { // without time there is nothing to decay
		s.halfLives, s.windows, s.lags = s.halfLives[:1], nil, 0
	}
	a := &aggregate{scope: s, g: b.g, path: p, values: v, rule: b.opt.Rule, part: b.parts, memo: &b.memo}
	b.parts++
	var others []string
	if s.moments {
		for f, edge := range b.g.Edges {
			if edge.Rev && edge.Dst == p.from && f != e+1 {
				a.others = append(a.others, b.g.Parents(f))
				others = append(others, label(b.g, f))
			}
		}
	}
	about := fmt.Sprintf(" (%s by %s)", b.g.Snap.Tables[p.from].Def.Name, p.name)
	if to.name != "" {
		about = fmt.Sprintf(" (%s by %s) of %s", b.g.Snap.Tables[p.from].Def.Name, p.name, to.name)
	}
	a.nameAll(about, others)
	to.parts = append(to.parts, a)
	return nil
}

// entities plans what lies below an entity: its children, and theirs.
func (b *planner) entities() error {
	h := b.opt.HalfLives
	full := scope{halfLives: h, windows: []float64{h[0], h[1]}, lags: 3, moments: true}
	less := scope{halfLives: h, windows: []float64{h[0], h[1]}}
	all := &group{find: func(row int32, _ int64) int32 { return row }}
	b.groups = append(b.groups, all)
	direct := map[int]bool{b.opt.Entity: true}
	for _, e := range b.into(b.opt.Entity) {
		direct[b.g.Edges[e].Src] = true
	}
	below := 0
	for _, e := range b.into(b.opt.Entity) {
		p := children(b.g, e)
		if err := b.aggregate(all, p, full); err != nil {
			return err
		}
		for _, f := range b.into(p.from) {
			if direct[b.g.Edges[f].Src] || below == mostBelow {
				continue
			}
			below++
			if err := b.aggregate(all, p.below(b.g, f), less); err != nil {
				return err
			}
		}
	}
	return nil
}

// links plans what the rows gathered that an entity, or the youngest of its child rows, is
// linked to: a driver's team, which is that of his last race.
func (b *planner) links() error {
	for _, f := range b.g.Into[b.opt.Entity] {
		if b.g.Edges[f].Rev {
			err := b.link(f, []Hop{b.hop(f)}, label(b.g, f), func(row int32, cut int64) int32 { return b.g.Parent(f, row, b.opt.Rule, cut) })
			if err != nil {
				return err
			}
		}
	}
	for _, e := range b.into(b.opt.Entity) {
		p := children(b.g, e)
		if p.when == nil {
			continue // none is the youngest
		}
		for _, f := range b.g.Into[p.from] {
			if !b.g.Edges[f].Rev || f == e+1 {
				continue
			}
			name := fmt.Sprintf("%s of the last %s", label(b.g, f), b.g.Snap.Tables[p.from].Def.Name)
			if b.several(p.from) {
				name += " by " + p.name
			}
			err := b.link(f, []Hop{b.hop(e), b.hop(f)}, name, func(row int32, cut int64) int32 {
				if last := p.youngest(b.g, row, b.opt.Rule, cut); last >= 0 {
					return b.g.Parent(f, last, b.opt.Rule, cut)
				}
				return -1
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// several is true for a table that refers to the entity by more than one foreign key.
func (b *planner) several(table int) bool {
	n := 0
	for _, e := range b.into(b.opt.Entity) {
		if b.g.Edges[e].Src == table {
			n++
		}
	}
	return n > 1
}

// link plans the rows of a parent table, found by find.
func (b *planner) link(f int, way []Hop, name string, find func(row int32, cut int64) int32) error {
	parent := b.g.Edges[f].Src
	if b.enc[parent] == nil || len(b.groups) > mostGroups {
		return nil
	}
	to := &group{name: name, way: way, find: find}
	var err error
	if to.fixed, err = b.numbers(parent, -1); err != nil {
		return err
	}
	h := b.opt.HalfLives
	for _, e := range b.into(parent) {
		p := children(b.g, e)
		if p.when == nil || !b.lasts(e, p) {
			continue
		}
		about := scope{halfLives: h[len(h)-2:]}
		if b.opt.Own && p.from == len(b.g.Snap.Tables)-1 { // the target history
			about = scope{halfLives: h, lags: 3}
		}
		if err := b.aggregate(to, p, about); err != nil {
			return err
		}
	}
	b.groups = append(b.groups, to)
	return nil
}

// lasts reports whether the rows below a row come at different times as a rule, of those
// that are visible at an instant. The results of a race come at once, and say nothing more
// once it is over.
func (p *path) lasts(rule ingest.TimeRule, at int64) bool {
	several, spread := 0, 0
	for top := 0; top < len(p.ptr)-1 && several < mostSamples; top++ {
		_, when := p.of(int32(top))
		when = when[:rule.Cut(when, at)]
		if len(when) < 2 {
			continue
		}
		several++
		if when[0] != when[len(when)-1] {
			spread++
		}
	}
	return spread*2 > several
}
