package asof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// A companion of an entity row is the youngest row of another table that points to the
// same parents, two of them at least: the qualifying result of the same driver in the
// same race. Children of one parent are gathered by [aggregate]; what two parents have
// together says more about the row than what each gathered alone.
type companion struct {
	table *ingest.Table
	rule  ingest.TimeRule
	own   [][]int32         // parents of each entity row, by shared link
	rows  map[joint][]int32 // by parents, ascending by time
}

// joint is a combination of parents; unused places are 0.
type joint [mostShared]int32

// mostShared bounds the parents that are compared.
const mostShared = 4

// shared is a pair of links, of the entity table and of another, to one table.
type shared struct{ ours, theirs int }

// sharedLinks pairs the links that lead to the same tables. Where a table is reached by
// several, names decide.
func sharedLinks(ours, theirs *ingest.Table) []shared {
	var out []shared
	for i, l := range ours.Def.Links {
		var same []int
		for j, k := range theirs.Def.Links {
			if k.To == l.To {
				same = append(same, j)
			}
		}
		if len(same) != 1 || several(ours, l.To) {
			same = slices.DeleteFunc(same, func(j int) bool { return theirs.Def.Label(theirs.Def.Links[j]) != ours.Def.Label(l) })
		}
		if len(same) == 1 && len(out) < mostShared {
			out = append(out, shared{i, same[0]})
		}
	}
	return out
}

func several(t *ingest.Table, to int) bool {
	n := 0
	for _, l := range t.Def.Links {
		if l.To == to {
			n++
		}
	}
	return n > 1
}

// companions plans a group for every table that shares parents with the entity table.
func (b *planner) companions() error {
	ours := b.g.Snap.Tables[b.opt.Entity]
	for i, t := range b.g.Snap.Tables {
		if i == b.opt.Entity || b.enc[i] == nil {
			continue
		}
		links := sharedLinks(ours, t)
		if len(links) < 2 {
			continue
		}
		values, err := b.newValues(i, b.enc, b.pool, b.everyParent(i)...)
		if err != nil {
			return err
		}
		if len(values.ranks) > 0 {
			for _, c := range values.cols {
				values.add("place of "+t.Def.Name+"."+t.Def.Columns[c].Name, ranksAmong(t, t.Columns[c].Number, place))
			}
		}
		for _, l := range links {
			b.addSteps(values, i, l.theirs)
		}
		name := ""
		for _, l := range links {
			name += ", " + ours.Def.Label(ours.Def.Links[l.ours])
		}
		c := newCompanion(ours, t, links, b.opt.Rule)
		b.groups = append(b.groups, &group{name: t.Def.Name + " of the same " + name[2:], find: c.find, fixed: values})
	}
	return nil
}

// everyParent lists the edge types from the parents of a table.
func (b *planner) everyParent(table int) []int {
	var out []int
	for e, edge := range b.g.Edges {
		if !edge.Rev && edge.Dst == table || edge.Rev && edge.Dst == table {
			out = append(out, e)
		}
	}
	return out
}

func newCompanion(ours, theirs *ingest.Table, links []shared, rule ingest.TimeRule) *companion {
	c := &companion{table: theirs, rule: rule, rows: map[joint][]int32{}}
	for _, l := range links {
		c.own = append(c.own, ours.Parents[l.ours])
	}
	for row := range int32(theirs.Rows) {
		var key joint
		known := theirs.TimeOf(row) != ingest.Never
		for k, l := range links {
			key[k] = theirs.Parents[l.theirs][row]
			known = known && key[k] >= 0
		}
		if known {
			c.rows[key] = append(c.rows[key], row)
		}
	}
	for _, rows := range c.rows {
		slices.SortStableFunc(rows, func(x, y int32) int { return cmp.Compare(theirs.TimeOf(x), theirs.TimeOf(y)) })
	}
	return c
}

// find is the youngest companion that a cut sees, -1 for none.
func (c *companion) find(row int32, cut int64) int32 {
	var key joint
	for k, parents := range c.own {
		if key[k] = parents[row]; key[k] < 0 {
			return -1
		}
	}
	rows := c.rows[key]
	for i := len(rows) - 1; i >= 0; i-- {
		if c.table.VisibleAt(c.rule, rows[i], cut) {
			return rows[i]
		}
	}
	return -1
}

// addSteps adds to the numbers of a table how much each changed since the row before it of
// the same parent, and the rank of that among the rows of its time: of a running total the
// step is what the row itself brought. Only earlier rows are read.
func (b *planner) addSteps(v *values, table, link int) {
	t := v.table
	if t.Times == nil || t.Until != nil {
		return
	}
	edge := -1
	for e, x := range b.g.Edges {
		if !x.Rev && x.Table == table && x.Link == link {
			edge = e
		}
	}
	if edge < 0 {
		return
	}
	p := children(b.g, edge)
	if !p.lasts(b.opt.Rule, b.opt.At) {
		return
	}
	before := p.before()
	for _, c := range v.cols {
		step := steps(t, c, before, b.opt)
		name := fmt.Sprintf("step of %s.%s by %s", t.Def.Name, t.Def.Columns[c].Name, p.name)
		v.add(name, single(step))
		if len(v.ranks) > 0 {
			v.addPlaces(name, func(row int) (float64, bool) { return step[row], step[row] == step[row] })
		}
	}
}

// fewFalls is the share of steps down up to which a column counts as a running total.
const fewFalls = 0.25

// steps is for every row how much a column changed since another row, NaN where that is not
// known. A running total that fell has begun anew (a season, a meter), and what it holds is
// the step; whether a column is one is judged by the rows that are visible at an instant.
func steps(t *ingest.Table, column int, before []int32, opt Options) []float64 {
	out, values := make([]float64, t.Rows), &t.Columns[column]
	falls, all := 0, 0
	for row := range out {
		out[row] = math.NaN()
		if row >= len(before) || before[row] < 0 {
			continue
		}
		now, ok := values.Number(row)
		then, had := values.Number(int(before[row]))
		if !ok || !had {
			continue
		}
		out[row] = now - then
		if t.VisibleAt(opt.Rule, int32(row), opt.At) {
			all++
			if now < then {
				falls++
			}
		}
	}
	if float64(falls) > fewFalls*float64(all) {
		return out
	}
	for row, s := range out {
		if s < 0 {
			out[row], _ = values.Number(row)
		}
	}
	return out
}

// addPlaces adds rank and place of a number among the rows of its time.
func (v *values) addPlaces(name string, number func(row int) (float64, bool)) {
	v.add("rank of "+name, ranksAmong(v.table, number, share))
	v.add("place of "+name, ranksAmong(v.table, number, place))
}

// before is the row of the same parent just before each row, strictly earlier; -1 for none.
func (p *path) before() []int32 {
	most := int32(-1)
	for _, r := range p.rows {
		most = max(most, r)
	}
	out := slices.Repeat([]int32{-1}, int(most)+1)
	for top := range len(p.ptr) - 1 {
		rows, when := p.of(int32(top))
		last := -1 // of the stretch of earlier rows
		for i := range rows {
			if i > 0 && when[i] != when[i-1] {
				last = i - 1
			}
			if last >= 0 {
				out[rows[i]] = rows[last]
			}
		}
	}
	return out
}

func single(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
