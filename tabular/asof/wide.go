package asof

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Wide knows many more features than [Plan]: windows, lags, extremes and trends beside
// decayed means, ranks among rows of one time, rows two foreign keys below the entity, and
// what the rows that an entity is linked to have gathered themselves. Values are as they
// stand in the database, and NaN where there is none. It is immutable and safe for
// concurrent use.
type Wide struct {
	Names  []string
	Tables []string // whose rows each feature tells of

	opt    Options
	g      *graph.Graph
	own    *values
	dates  []int // columns of the entity table that are moments
	groups []*group
	form   form
	level  *level // nil = there is none
	memo   memo
	judged Judged // by the rows of the graph, or taken over
}

// group is one set of rows that is asked about: the entities, or the rows that they are
// linked to.
type group struct {
	name   string                           // how an entity is linked to the row; "" = it is the row
	way    []Hop                            // from the entity to the row
	find   func(row int32, cut int64) int32 // -1 = none
	fixed  *values                          // of the row itself; nil for entities, which have more
	parts  []*aggregate
	offset int // of the group's first feature
}

// Bounds of what is looked at.
const (
	mostGroups  = 12 // linked tables
	mostBelow   = 16 // tables two foreign keys below
	mostSamples = 2000
)

// NewWide plans the features over g, with enc the fitted encoder of each table (nil for
// tables that take no part).
func NewWide(g *graph.Graph, enc []*encode.Table, opt Options, pool *tensor.Pool) (*Wide, error) {
	w := &Wide{opt: opt, g: g, judged: Judged{map[string]bool{}, map[string]bool{}}}
	var err error
	if w.own, err = w.newValues(opt.Entity, enc, pool); err != nil {
		return nil, err
	}
	if opt.Own && opt.Rule.Strict { // rows of its own time are not visible to a row
		w.own.forgetRanks()
	}
	entity := g.Snap.Tables[opt.Entity]
	for _, c := range enc[opt.Entity].Columns {
		if at := entity.Def.Column(c.Name); at >= 0 && c.Sem == "timestamp" {
			w.dates = append(w.dates, at)
		}
	}
	b := &planner{Wide: w, enc: enc, pool: pool, values: map[string]*values{}}
	if err := b.entities(); err != nil {
		return nil, err
	}
	if err := b.links(); err != nil {
		return nil, err
	}
	if opt.Own {
		w.level = newLevel(g.Snap.Tables[len(g.Snap.Tables)-1], opt.HalfLives[1])
		if err := b.companions(); err != nil {
			return nil, err
		}
	}
	w.name()
	if opt.Own {
		w.compare(pool, len(g.Snap.Tables)-1)
	}
	return w, nil
}

// name lists the features of all groups.
func (w *Wide) name() {
	of := func(t *ingest.Table) {
		for len(w.Tables) < len(w.Names) {
			w.Tables = append(w.Tables, t.Def.FullName())
		}
	}
	own := w.own.names
	w.Names = append(w.Names, own...)
	w.Names = append(w.Names, w.own.chosen.Names...)
	entity := w.g.Snap.Tables[w.opt.Entity]
	for _, c := range w.dates {
		w.Names = append(w.Names, "days since "+entity.Def.Name+"."+entity.Def.Columns[c].Name)
	}
	w.Names = append(w.Names, "age of "+entity.Def.Name, "day of the year", "days from the rows' cut to the anchor")
	if w.level != nil {
		w.Names = append(w.Names, "mean label of all")
	}
	of(entity)
	for _, g := range w.groups {
		g.offset = len(w.Names)
		if g.fixed != nil {
			for _, n := range g.fixed.names {
				w.Names = append(w.Names, n+" of "+g.name)
			}
			of(g.fixed.table)
		}
		for _, a := range g.parts {
			w.Names = append(w.Names, a.names...)
			of(a.values.table)
		}
	}
	w.tellApart()
}

// tellApart numbers features that have one name: stored predictors find theirs by name.
func (w *Wide) tellApart() {
	seen := map[string]int{}
	for i, n := range w.Names {
		if seen[n]++; seen[n] > 1 {
			w.Names[i] = fmt.Sprintf("%s (%d)", n, seen[n])
		}
	}
}

// Features returns queries x len(keep), row-major, with keep the positions in Names that
// are wanted; nil = all. Cost: one walk over the rows below every row that is asked about,
// whatever the number of queries about it.
func (w *Wide) Features(pool *tensor.Pool, queries []Query, keep []int) []float64 {
	slots, width := w.slots(keep)
	out := make([]float64, len(queries)*width)
	if n := len(w.form.columns); n > 0 {
		for j, at := range slots[len(slots)-n:] {
			for i := range queries {
				if at >= 0 {
					out[i*width+at] = float64(w.form.columns[j][queries[i].Row])
				}
			}
		}
	}
	pool.Run(len(queries), queryGrain, func(lo, hi int) {
		scratch := make([]float64, len(w.Names))
		var code encode.Row
		for i := lo; i < hi; i++ {
			w.entity(queries[i], scratch, &code)
			for j, at := range slots[:w.groups[0].offset] {
				if at >= 0 {
					out[i*width+at] = scratch[j]
				}
			}
		}
	})
	for _, g := range w.groups {
		w.group(pool, g, queries, out, width, slots[g.offset:])
	}
	return out
}

// slots is where each feature goes, -1 for nowhere, and how many places there are.
func (w *Wide) slots(keep []int) (slots []int, width int) {
	slots = make([]int, len(w.Names))
	for j := range slots {
		slots[j] = j
		if keep != nil {
			slots[j] = -1
		}
	}
	for at, j := range keep {
		slots[j] = at
	}
	if keep == nil {
		return slots, len(slots)
	}
	return slots, len(keep)
}

// entity fills in the features of the entity's own row.
func (w *Wide) entity(q Query, out []float64, code *encode.Row) {
	w.own.read(w.g, q.Row, out)
	at := len(w.own.names)
	w.own.feat.Read(q.Row, code)
	shares := out[at : at+len(w.own.chosen.Names)]
	clear(shares)
	addCodes(&w.own.chosen, code, 1, shares)
	at += len(shares)
	table := w.g.Snap.Tables[w.opt.Entity]
	for _, c := range w.dates {
		out[at] = noNumber
		if v, ok := table.Columns[c].Number(int(q.Row)); ok {
			out[at] = days(q.Cut - int64(v))
		}
		at++
	}
	out[at] = noNumber
	if t := table.TimeOf(q.Row); t != ingest.Always && w.opt.Rule.Visible(t, q.Cut) {
		out[at] = days(q.Cut - t)
	}
	anchor := max(q.Anchor, q.Cut)
	out[at+1] = float64(time.UnixMicro(anchor).UTC().YearDay())
	out[at+2] = days(anchor - q.Cut)
	if w.level != nil {
		out[at+3] = w.level.at(w.opt.Rule, q.Cut)
	}
}

// group fills in the features of one group.
func (w *Wide) group(pool *tensor.Pool, g *group, queries []Query, out []float64, width int, slots []int) {
	requests := make([]request, len(queries))
	pool.Run(len(queries), queryGrain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			requests[i] = request{g.find(queries[i].Row, queries[i].Cut), queries[i].Cut, i}
		}
	})
	at := 0
	if g.fixed != nil {
		at = len(g.fixed.names)
		row := make([]float64, at)
		for _, r := range requests {
			for j := range row {
				row[j] = math.NaN()
			}
			if r.row >= 0 {
				g.fixed.read(w.g, r.row, row)
			}
			for j, s := range slots[:at] {
				if s >= 0 {
					out[r.i*width+s] = row[j]
				}
			}
		}
	}
	missing := slices.Collect(func(yield func(request) bool) {
		for _, r := range requests {
			if r.row < 0 && !yield(r) {
				return
			}
		}
	})
	requests = slices.DeleteFunc(requests, func(r request) bool { return r.row < 0 })
	for _, a := range g.parts {
		part := slots[at : at+len(a.names)]
		at += len(a.names)
		if !slices.ContainsFunc(part, func(s int) bool { return s >= 0 }) {
			continue
		}
		for _, r := range missing {
			for _, s := range part {
				if s >= 0 {
					out[r.i*width+s] = math.NaN()
				}
			}
		}
		a.fill(pool, requests, out, width, part)
	}
}
