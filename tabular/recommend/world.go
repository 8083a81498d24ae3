package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

const dayMicros = 86_400_000_000

// halfLives of decayed counts, in horizons of the task.
var halfLives = [...]float64{0.5, 2, 8}

// world is what all features of a task are computed from: read-only once it is built.
type world struct {
	snap     *ingest.Snapshot
	task     *tasks.Task
	threads  int
	items    *ingest.Table
	channels []*channel
	horizon  float64 // days
	likeness []attribute
	numbers  []*ingest.Column
	names    []string // of the features
}

// attribute is a column of the items whose values several of them share.
type attribute struct {
	name string
	code []int32       // of each item; -1 = NULL
	n    int           // codes
	of   *ingest.Table // whose rows the codes are; nil where they number values
}

// at is the code of an item as of a cut; -1 where there is none.
func (a *attribute) at(item int32, rule ingest.TimeRule, cut int64) int32 {
	code := a.code[item]
	if code >= 0 && a.of != nil && !a.of.VisibleAt(rule, code, cut) {
		return -1
	}
	return code
}

func newWorld(snap *ingest.Snapshot, task *tasks.Task, threads int) (*world, error) {
	if task.Ranking == nil {
		return nil, fmt.Errorf("task %s ranks nothing", task.Name)
	}
	w := &world{snap: snap, task: task, threads: threads, items: snap.Tables[task.Ranking.Items], horizon: task.Horizon.ApproxDays()}
	var err error
	if w.channels, err = channels(snap, task, threads); err != nil {
		return nil, err
	}
	w.columns()
	w.names = w.featureNames()
	return w, nil
}

const (
	mostAttributes = 6
	mostNumbers    = 6
	mostCodes      = 1000 // of an attribute; a column with more is a name
)

// columns finds attributes and numbers among the columns of the items. Which there are is
// judged by the rows that are visible at the validation anchor: later ones change nothing.
func (w *world) columns() {
	def := w.items.Def
	for l, link := range def.Links {
		to := w.snap.Tables[link.To]
		if n := w.visible(to); len(w.likeness) < mostAttributes && n <= mostCodes && n > 1 && !hidden(w.task, w.task.Ranking.Items, link) {
			w.likeness = append(w.likeness, attribute{link.Name, w.items.Parents[l], to.Rows, to})
		}
	}
	for c := range def.Columns {
		col, d := &w.items.Columns[c], &def.Columns[c]
		if d.Sem == schema.SemIgnore || w.masked(c) || slices.Contains(def.Key, c) || slices.ContainsFunc(def.Links, func(l schema.Link) bool { return slices.Contains(l.Columns, c) }) {
			continue
		}
		switch d.Sem {
		case schema.SemCategorical, schema.SemBoolean:
			if a, ok := w.coded(d.Name, col); ok && len(w.likeness) < mostAttributes {
				w.likeness = append(w.likeness, a)
			}
		case schema.SemNumerical:
			if len(w.numbers) < mostNumbers && (d.Kind == schema.Int || d.Kind == schema.Float) {
				w.numbers = append(w.numbers, col)
			}
		}
	}
}

// masked reports whether the task hides a column of the items.
func (w *world) masked(c int) bool { return w.task.Options.Hides(w.task.Ranking.Items, c) }

// hidden reports whether the task hides a column of a foreign key: then it is not walked.
func hidden(task *tasks.Task, table int, link schema.Link) bool {
	return slices.ContainsFunc(link.Columns, func(c int) bool { return task.Options.Hides(table, c) })
}

// visible counts the rows of a table that are visible at the validation anchor.
func (w *world) visible(t *ingest.Table) int {
	n := 0
	for row := range int32(t.Rows) {
		if t.VisibleAt(w.task.Options.Rule, row, w.task.Options.ValAnchor) {
			n++
		}
	}
	return n
}

// coded numbers the values of a column in the order of rows; ok is false where, among the
// items that are visible at the validation anchor, all are one, or nearly all different.
func (w *world) coded(name string, c *ingest.Column) (attribute, bool) {
	a := attribute{name: name, code: make([]int32, w.items.Rows)}
	seen, early := map[string]int32{}, map[int32]bool{}
	rows := 0
	for r := range a.code {
		if a.code[r] = -1; c.Null(r) {
			continue
		}
		v := cell(c, r)
		at, ok := seen[v]
		if !ok {
			at = int32(len(seen))
			seen[v] = at
		}
		a.code[r] = at
		if w.items.VisibleAt(w.task.Options.Rule, int32(r), w.task.Options.ValAnchor) {
			early[at] = true
			rows++
		}
	}
	a.n = len(seen)
	return a, len(early) > 1 && len(early) <= min(mostCodes, max(2, rows/2))
}

// cell is a value as text.
func cell(c *ingest.Column, r int) string {
	switch c.Kind {
	case schema.Text:
		return c.Text(r)
	case schema.Bool:
		return strconv.FormatBool(c.Bool(r))
	case schema.Float:
		return strconv.FormatFloat(c.Floats[r], 'g', -1, 64)
	}
	return strconv.FormatInt(c.Ints[r], 10)
}

// featureNames lists the features in the order in which [query.fill] writes them.
func (w *world) featureNames() []string {
	var out []string
	for _, c := range w.channels {
		for _, h := range halfLives {
			out = append(out, c.name+": of the pair, half-life "+w.days(h))
		}
		out = append(out, c.name+": of the pair, all", c.name+": days since the pair's last", c.name+": of the pair, last horizon", c.name+": of the pair, horizon before",
			c.name+": of the pair, the same days a year ago")
		for _, h := range halfLives {
			out = append(out, c.name+": of the item, half-life "+w.days(h))
		}
		out = append(out, c.name+": of the item, all", c.name+": days since the item's last", c.name+": of the item, last horizon", c.name+": of the item, horizon before",
			c.name+": of the item, the same days a year ago", c.name+": of the entity, all", c.name+": of the entity, last horizon")
	}
	out = append(out, "common entities", "common entities, share of the most", "rank by the pair's count", "rank by the item's count", "rank by common entities", "days since the item is known")
	for _, a := range w.likeness {
		out = append(out, "share of the entity's events with the item's "+a.name)
	}
	for i := range w.numbers {
		out = append(out, fmt.Sprintf("number %d of the item", i+1))
	}
	return out
}

const (
	perChannelPair = len(halfLives) + 5
	perChannel     = perChannelPair + len(halfLives) + 7
)

// popularity is what all entities together did up to a moment, per item: it moves forward
// in time only. Sums are carried from event to event, so that they do not depend on which
// moments were asked about before.
type popularity struct {
	c    *channel
	next int // of the events in time order
	cut  int64
	sum  [len(halfLives)][]float64 // as of the item's last event
	last []int64
	top  []int32 // the most popular items of each half-life
}

func newPopularity(c *channel, items int) *popularity {
	p := &popularity{c: c, last: slices.Repeat([]int64{ingest.Always}, items)}
	for h := range p.sum {
		p.sum[h] = make([]float64, items)
	}
	return p
}

// advance moves on to a cut; with few items all of them are candidates, and none is listed.
func (p *popularity) advance(cut int64, m ingest.Moment, horizon float64, few bool) {
	p.cut = cut
	for ; p.next < len(p.c.time) && m.Sees(p.c.time[p.next]); p.next++ {
		item, at := p.c.item[p.next], p.c.time[p.next]
		for h, of := range p.sum {
			of[item] = of[item]*decay(age(at, p.last[item]), halfLives[h]*horizon) + 1
		}
		p.last[item] = at
	}
	p.top = p.top[:0]
	if !few {
		p.choose(horizon)
	}
}

// decayed is the item's count at a half-life, as of the cut.
func (p *popularity) decayed(h int, item int32, horizon float64) float64 {
	if p.sum[h][item] == 0 {
		return 0
	}
	return p.sum[h][item] * decay(age(p.cut, p.last[item]), halfLives[h]*horizon)
}

// choose lists the most popular items, each once per half-life.
func (p *popularity) choose(horizon float64) {
	now := make([]float64, len(p.last))
	for h := range halfLives {
		var order []int32
		for i := range int32(len(now)) {
			if now[i] = p.decayed(h, i, horizon); now[i] > 0 {
				order = append(order, i)
			}
		}
		slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(now[b], now[a]), cmp.Compare(a, b)) })
		p.top = append(p.top, order[:min(popularItems, len(order))]...)
	}
}

// decay is the weight of what is so old, for a half-life in days.
func decay(micros int64, halfLife float64) float64 {
	return math.Exp2(-float64(micros) / dayMicros / halfLife)
}

// age is the distance of a time before a cut; what was always known is as old as can be.
func age(cut, time int64) int64 {
	if time == ingest.Always {
		return math.MaxInt64 / 2
	}
	return cut - time
}
