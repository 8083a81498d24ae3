package tasks

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
)

// Shares from which the label report warns.
const (
	warnEmpty     = 0.50 // TK205, TK224
	warnRareShare = 0.01 // TK206
	warnRareCount = 20   // TK206
	warnMeanShift = 0.10 // TK217, share of positives
	warnMeanSD    = 0.50 // TK217, in standard deviations of the training labels
)

// count fills in the figures per split.
func (l *LabelTable) count() {
	r := &l.Report
	last := [3]int64{math.MinInt64, math.MinInt64, math.MinInt64}
	var sum, labels [3]float64
	for i, s := range l.Split {
		r.Examples[s]++
		if l.Anchor[i] != last[s] {
			r.WithRows[s]++
			last[s] = l.Anchor[i]
		}
		for _, y := range l.Truth(i) {
			sum[s] += y
			labels[s]++
		}
	}
	for s, n := range r.Examples {
		if n > 0 && l.Classes == nil {
			r.Mean[s] = sum[s] / labels[s]
		}
	}
}

// report completes the counts of a label table and warns of what looks wrong.
func (l *LabelTable) report(x *Executor, g *Grid) {
	r := &l.Report
	r.Incomplete, r.Overlap = g.Incomplete, g.Overlap
	for s, a := range g.Anchors {
		r.Anchors[s] = len(a)
		if len(a) > 0 {
			r.First[s], r.Last[s] = a[0], a[len(a)-1]
		}
	}
	r.NoTime, r.Dangling = x.missing()
	l.count()
	l.warnEmptiness(x)
	l.warnRare()
	warn := func(bad bool, format string, args ...any) {
		if bad {
			r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
		}
	}
	static := x.task.Static()
	said := slices.ContainsFunc(x.task.Warnings, func(w string) bool { return strings.HasPrefix(w, "TK207") })
	warn(static && !said && x.entity.Times == nil, "TK207: table %s has no time: its rows are split at random, and values known only later may leak", r.Entities)
	warn(r.NoTime > 0, "TK208: %d rows without time count nowhere", r.NoTime)
	warn(r.Unknown > 0, "TK184: %d labels are of keys that the snapshot does not hold: rowlink ingest takes a new one", r.Unknown)
	late := x.late()
	warn(late > 0, "TK219: %d rows of the aggregated tables are later than data_until: no label reads them", late)
	warn(r.Dangling > 0, "TK209: %s NULL or dangling on the paths of the task", references(r.Dangling))
	empty := sum3(r.Anchors) - sum3(r.WithRows)
	warn(!static && r.Incomplete+r.Overlap+empty > 0, "TK211: anchors left out: %d incomplete, %d overlapping the next split, %d without examples", r.Incomplete, r.Overlap, empty)
	l.warnUnmentioned(x)
	l.warnShift()
	warn(r.FrozenOut > 0, "TK225: %d pairs dropped because the entity does not exist at the frozen cut", r.FrozenOut)
}

// late counts the rows of the tables that target and ASSUMING aggregate that are later
// than data_until.
func (x *Executor) late() int {
	n := 0
	if x.task.Static() || x.task.Raw != nil {
		return 0
	}
	end := ingest.TimeRule{}.Moment(x.task.Options.DataUntil)
	for _, i := range x.task.timedTables(x.snap) {
		for _, at := range x.snap.Tables[i].Times {
			if at != ingest.Never && !end.Sees(at) {
				n++
			}
		}
	}
	return n
}

func sum3(n [3]int) int { return n[0] + n[1] + n[2] }

// missing counts rows without time in the entity table and the aggregated ones, and
// references on the paths that lead nowhere, each table and link once.
func (x *Executor) missing() (noTime, dangling int) {
	tables := []int{x.task.Entity}
	noTime = x.entity.NoTime
	var links []Step
	for _, a := range x.aggregates {
		if t := tableNumber(x.snap, a.def, a.def.TimeStep); !slices.Contains(tables, t) {
			tables = append(tables, t)
			noTime += x.snap.Tables[t].NoTime
		}
		for _, s := range a.def.Path {
			s.Down = false
			if slices.Contains(links, s) {
				continue
			}
			links = append(links, s)
			for _, p := range x.snap.Tables[s.Table].Parents[s.Link] {
				if p < 0 {
					dangling++
				}
			}
		}
	}
	return noTime, dangling
}

// warnEmptiness warns when most labels, or most dropped pairs, only say that there was
// no row in the window.
func (l *LabelTable) warnEmptiness(x *Executor) {
	r := &l.Report
	if share := ratio(r.EmptyLabel, len(l.Label)); share > warnEmpty {
		r.Warnings = append(r.Warnings, fmt.Sprintf("TK205: %s of the labels are what an empty window gives: the entity has no row in it; restrict WHERE to active entities, or write ON EMPTY", percent(share)))
	}
	seen := r.Pairs - r.NotVisible - r.FrozenOut - r.WhereFalse - r.Unassumed
	if share := ratio(r.EmptyNull+r.Skipped, seen); share > warnEmpty {
		r.Warnings = append(r.Warnings, fmt.Sprintf("TK224: %s of the pairs are dropped because the entity has no row in the window", percent(share)))
	}
}

// warnRare warns of classes too rare to learn or to measure.
func (l *LabelTable) warnRare() {
	if Quantity(l.Task.Type) || l.Task.Type == Multilabel || l.Task.Ranking != nil {
		return
	}
	classes := l.Classes
	if classes == nil {
		classes = []string{"negative", "positive"}
	}
	counts := make([][3]int, len(classes))
	for i, s := range l.Split {
		counts[int(l.Label[i])][s]++
	}
	r := &l.Report
	for s := Train; s <= Test; s++ {
		n := r.Examples[s]
		rare, worst, present := 0, 0, 0
		for c := range counts {
			if counts[c][s] > 0 {
				present++
			}
			if counts[c][s] < warnRareCount || ratio(counts[c][s], n) < warnRareShare {
				if rare == 0 || counts[c][s] < counts[worst][s] {
					worst = c
				}
				rare++
			}
		}
		switch {
		case n > 0 && present == 1:
			r.Warnings = append(r.Warnings, fmt.Sprintf("TK206: all %d %s labels are of one class", n, s))
		case n > 0 && rare > 0:
			r.Warnings = append(r.Warnings, fmt.Sprintf("TK206: rare class: %q has %d of %d %s labels", classes[worst], counts[worst][s], n, s))
		}
	}
}

// warnShift warns when the labels of training and evaluation differ in mean.
func (l *LabelTable) warnShift() {
	r := &l.Report
	if l.Classes != nil || r.Examples[Train] == 0 {
		return
	}
	limit := warnMeanShift
	if l.Task.Type != Binary {
		limit = warnMeanSD * l.deviation()
	}
	for _, s := range []Split{Test, Val} {
		if r.Examples[s] == 0 || math.Abs(r.Mean[s]-r.Mean[Train]) <= limit {
			continue
		}
		verb := "falls"
		if r.Mean[s] > r.Mean[Train] {
			verb = "rises"
		}
		what, from, to := "share of positives", percent(r.Mean[Train]), percent(r.Mean[s])
		if l.Task.Type != Binary {
			what, from, to = map[bool]string{true: "number of items", false: "label mean"}[l.Task.Ranking != nil], decimal(r.Mean[Train], 4), decimal(r.Mean[s], 4)
		}
		r.Warnings = append(r.Warnings, fmt.Sprintf("TK217: %s %s from %s (train) to %s (%s)", what, verb, from, to, s))
		return
	}
}

// deviation is the standard deviation (n-1) of the training labels.
func (l *LabelTable) deviation() float64 {
	return deviation(l.truths(Train))
}

func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// warnUnmentioned tells of examples of a raw SQL task whose entity no row at or before the
// anchor mentions: its ENTITIES, or its one body, may have looked ahead.
func (l *LabelTable) warnUnmentioned(x *Executor) {
	if x.task.Raw == nil {
		return
	}
	since := mentioned(x.snap, x.task)
	var late [3]int
	for i, row := range l.Entity {
		if since[row] > l.Anchor[i] {
			late[l.Split[i]]++
		}
	}
	if sum3(late) == 0 {
		return
	}
	share := func(s Split) string {
		if l.Report.Examples[s] == 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f %%", 100*float64(late[s])/float64(l.Report.Examples[s]))
	}
	l.Report.Warnings = append(l.Report.Warnings, fmt.Sprintf("TK210: the SQL names entities that no row at or before the anchor mentions: %s of train, %s of val, %s of test; who is asked about was perhaps chosen by looking ahead",
		share(Train), share(Val), share(Test)))
}

func references(n int) string {
	if n == 1 {
		return "1 reference is"
	}
	return Grouped(n) + " references are"
}
