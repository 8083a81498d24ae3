package rowlink

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Drift says how far what a version reads, and what it answers, has moved since its
// training ended: the rows of a window before the task's validation anchor beside those of a
// window of the same length before an anchor. Both are read from the present snapshot, each
// with what was visible then, so nothing needs to be kept from the training.
type Drift struct {
	Task    string      `json:"task"`
	Version int         `json:"version"`
	Anchor  int64       `json:"anchor"`          // microseconds UTC
	Since   int64       `json:"reference"`       // the anchor compared with
	Days    float64     `json:"days"`            // length of both windows
	Scores  *Moved      `json:"scores"`          // of who is eligible: the score, the predicted class, or the item ranked first; nil where nobody is
	Parts   []Moved     `json:"parts,omitempty"` // of several classes the probability of each, of rankings all items and the first one's score
	Rows    []RowsMoved `json:"rows"`            // by table, in the order of the schema
	Columns []Moved     `json:"columns"`         // what moved most first
	Skipped []string    `json:"skipped,omitempty"`
	Later   *Later      `json:"later,omitempty"` // how good the answers were once labels had closed; nil where none have since the test anchors
}

// Moved compares two sets of values.
type Moved struct {
	Name    string   `json:"name"`
	PSI     float64  `json:"psi"`          // population stability index over ten bins of the reference, or its twenty most frequent values
	KS      *float64 `json:"ks,omitempty"` // of numbers: largest distance of the distribution functions
	Before  int      `json:"reference_rows"`
	Now     int      `json:"rows"`
	Verdict string   `json:"verdict"`
}

// RowsMoved compares how many rows came.
type RowsMoved struct {
	Table  string  `json:"table"`
	Before float64 `json:"reference_per_day"`
	Now    float64 `json:"per_day"`
}

// Bounds of what is looked at and how it is judged; the limits of PSI are those in common
// use in credit scoring.
const (
	driftEntities  = 20_000
	driftValues    = 200_000
	driftBins      = 10
	driftFrequent  = 20
	driftFewRows   = 200
	driftModerate  = 0.1
	driftLarge     = 0.25
	driftLeastDays = 30
)

// Drift compares an anchor with the end of the training. days is the length of both windows;
// 0 = twice the horizon, and at least 30.
func (l *Loaded) Drift(ctx context.Context, at int64, days float64) (*Drift, error) {
	d, err := newDrift(l.Predictor, l.Version, at, days)
	if err != nil {
		return nil, err
	}
	if err := l.driftOfScores(ctx, d); err != nil {
		return nil, err
	}
	if d.Later, err = l.later(ctx); err != nil {
		return nil, err
	}
	return d, d.tables(ctx, l.Predictor)
}

// newDrift checks what is asked.
func newDrift(p *predict.Predictor, version *workspace.Model, at int64, days float64) (*Drift, error) {
	if err := p.CheckAnchor(at); err != nil {
		return nil, err
	}
	if days <= 0 {
		days = max(driftLeastDays, 2*p.Task.Horizon.ApproxDays())
	}
	d := &Drift{Task: version.Task, Version: version.Version, Anchor: at, Since: p.Task.Options.ValAnchor, Days: days, Rows: []RowsMoved{}, Columns: []Moved{}}
	if d.Since == 0 || p.Task.Static() {
		return nil, &ingest.UserError{Msg: "a task without anchors has no time to compare", Hint: "evaluate compares splits of it"}
	}
	if d.Since >= at {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("the anchor %s is not after the end of the training, %s", moment(at), moment(d.Since)), Hint: "name a later one, or leave it out for the end of the data"}
	}
	return d, nil
}

// tables compares what came into every table, what moved most first.
func (d *Drift) tables(ctx context.Context, p *predict.Predictor) error {
	for i, t := range p.Snap.Tables {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !t.Def.Ignore {
			d.table(p.Task, i, t)
		}
	}
	slices.SortStableFunc(d.Columns, func(a, b Moved) int { return cmp.Compare(b.PSI, a.PSI) })
	return nil
}

// table compares the rows of one table, and each of its columns that a model reads.
func (d *Drift) table(task *tasks.Task, table int, t *ingest.Table) {
	name := t.Def.FullName()
	if t.Times == nil {
		d.Skipped = append(d.Skipped, "table "+name+": it has no time")
		return
	}
	window := int64(d.Days * 24 * float64(time.Hour/time.Microsecond))
	var rows [2][]int32
	var counts [2]int
	for i, at := range []int64{d.Since, d.Anchor} {
		seen, past := task.Options.Rule.Moment(at), task.Options.Rule.Moment(at-window)
		for row := range int32(t.Rows) {
			if when := t.Times[row]; seen.Sees(when) && !past.Sees(when) {
				rows[i] = append(rows[i], row)
			}
		}
		counts[i] = len(rows[i])
		rows[i] = thinned(rows[i])
	}
	d.Rows = append(d.Rows, RowsMoved{name, float64(counts[0]) / d.Days, float64(counts[1]) / d.Days})
	if counts[0] == 0 || counts[1] == 0 {
		d.Skipped = append(d.Skipped, "columns of table "+name+": no rows in one of the windows")
		return
	}
	for c := range t.Columns {
		def := &t.Def.Columns[c]
		if task.Options.Hides(table, c) {
			continue
		}
		switch full := name + "." + def.Name; {
		case def.Sem == schema.SemNumerical && t.Columns[c].Kind != schema.Text:
			before, b := column(t, c, rows[0])
			now, n := column(t, c, rows[1])
			d.Columns = append(d.Columns, numbersMoved(full, before, now, b, n))
		case def.Sem == schema.SemCategorical || def.Sem == schema.SemBoolean:
			d.Columns = append(d.Columns, valuesMoved(full, texts(t, c, rows[0]), texts(t, c, rows[1])))
		}
	}
}

// thinned spreads over at most so many rows.
func thinned(rows []int32) []int32 {
	if len(rows) <= driftValues {
		return rows
	}
	out := make([]int32, driftValues)
	for i := range out {
		out[i] = rows[i*len(rows)/driftValues]
	}
	return out
}

// column reads numbers, and counts the NULLs.
func column(t *ingest.Table, c int, rows []int32) (values []float64, nulls int) {
	for _, row := range rows {
		if v, ok := t.Columns[c].Number(int(row)); ok && !math.IsNaN(v) {
			values = append(values, v)
		} else {
			nulls++
		}
	}
	return values, nulls
}

func texts(t *ingest.Table, c int, rows []int32) map[string]int {
	out := map[string]int{}
	for _, row := range rows {
		switch {
		case t.Columns[c].Null(int(row)):
			out["\x00"]++
		case t.Columns[c].Kind == schema.Text:
			out[t.Columns[c].Text(int(row))]++
		default:
			out[fmt.Sprint(t.Columns[c].Value(int(row)))]++
		}
	}
	return out
}

// numbersMoved compares numbers by bins that hold a tenth of the reference each; NULLs are a
// bin of their own.
func numbersMoved(name string, before, now []float64, nullsBefore, nullsNow int) Moved {
	slices.Sort(before)
	slices.Sort(now)
	var borders []float64
	for b := 1; b < driftBins && len(before) > 0; b++ {
		if v := before[b*len(before)/driftBins]; len(borders) == 0 || v > borders[len(borders)-1] {
			borders = append(borders, v)
		}
	}
	in := func(values []float64, nulls int) []int {
		counts := make([]int, len(borders)+2)
		for _, v := range values {
			counts[sort.Search(len(borders), func(i int) bool { return v < borders[i] })]++
		}
		counts[len(borders)+1] = nulls
		return counts
	}
	m := moved(name, in(before, nullsBefore), in(now, nullsNow))
	if ks := distance(before, now); len(before) > 0 && len(now) > 0 {
		m.KS = &ks
	}
	return m
}

// valuesMoved compares values by how often they occur: the most frequent of the reference,
// and all others together.
func valuesMoved(name string, before, now map[string]int) Moved {
	var order []string
	for v := range before {
		order = append(order, v)
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(before[b], before[a]), cmp.Compare(a, b)) })
	order = order[:min(len(order), driftFrequent)]
	in := func(counts map[string]int) []int {
		out := make([]int, len(order)+1)
		for v, n := range counts {
			at := slices.Index(order, v)
			if at < 0 {
				at = len(order)
			}
			out[at] += n
		}
		return out
	}
	return moved(name, in(before), in(now))
}

// moved is the population stability index of two histograms. An empty bin counts as half a
// row, so that it is finite.
func moved(name string, before, now []int) Moved {
	m := Moved{Name: name}
	for i := range before {
		m.Before += before[i]
		m.Now += now[i]
	}
	for i := range before {
		if before[i] == 0 && now[i] == 0 {
			continue
		}
		p := max(float64(before[i]), 0.5) / max(1, float64(m.Before))
		q := max(float64(now[i]), 0.5) / max(1, float64(m.Now))
		m.PSI += (q - p) * math.Log(q/p)
	}
	switch {
	case min(m.Before, m.Now) < driftFewRows:
		m.Verdict = "few rows"
	case m.PSI < driftModerate:
		m.Verdict = "stable"
	case m.PSI < driftLarge:
		m.Verdict = "moved"
	default:
		m.Verdict = "moved far"
	}
	return m
}

// distance is the two-sample statistic of Kolmogorov and Smirnov, of sorted values.
func distance(a, b []float64) float64 {
	i, j, most := 0, 0, 0.0
	for i < len(a) && j < len(b) {
		v := min(a[i], b[j])
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}
