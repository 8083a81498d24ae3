package tql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// write writes the CTE of a source, after that of its routes where it has one.
func (s *source) write(b *strings.Builder) {
	if s.fan {
		s.writeFan(b)
		return
	}
	on, shared := s.shared()
	fmt.Fprintf(b, "%s AS (\n  SELECT g.a%s", s.name, named(s.keys, "k"))
	for i, v := range s.values {
		var when []string
		if !shared {
			when = v.when
		}
		fmt.Fprintf(b, ",\n    %s AS v%d", v.filtered(when), i+1)
	}
	fmt.Fprintf(b, "\n  FROM %s r", s.l.table(s.def.Table))
	lines(b, s.joins.inner)
	lines(b, []string{gridJoin(on)})
	lines(b, s.joins.left)
	writeWhere(b, "  ", s.l.shard.sources(s))
	b.WriteString("\n  GROUP BY g.a, " + strings.Join(s.keys, ", ") + ")")
}

// writeFan writes the CTE of routes, which holds each row of an anchor and entity once,
// and the aggregates over it.
func (s *source) writeFan(b *strings.Builder) {
	on, shared := s.shared()
	keys := "g.a" + named(s.keys, "k") + named(s.rowKey, "r")
	if shared && !s.timed {
		fmt.Fprintf(b, "%s_routes AS (\n  SELECT DISTINCT %s", s.name, keys)
	} else {
		fmt.Fprintf(b, "%s_routes AS (\n  SELECT %s", s.name, keys)
		s.writeRoutes(b, shared)
	}
	fmt.Fprintf(b, "\n  FROM %s r", s.l.table(s.def.Table))
	lines(b, s.joins.inner)
	lines(b, []string{gridJoin(on)})
	if !shared || s.timed {
		b.WriteString("\n  GROUP BY g.a, " + strings.Join(slices.Concat(s.keys, s.rowKey), ", "))
	}

	fmt.Fprintf(b, "),\n%s AS (\n  SELECT w.a%s", s.name, named(numbered("w.k", len(s.keys)), "k"))
	for i, v := range s.values {
		var when []string
		if !shared {
			when = []string{fmt.Sprintf("w.s%d", s.whenNumber(v.when))}
		}
		fmt.Fprintf(b, ",\n    %s AS v%d", v.filtered(when), i+1)
	}
	same := make([]string, len(s.rowKey))
	for i, k := range s.rowKey {
		same[i] = fmt.Sprintf("%s = w.r%d", k, i+1)
	}
	fmt.Fprintf(b, "\n  FROM %s_routes w\n  JOIN grid g ON g.a = w.a\n  JOIN %s r ON %s", s.name, s.l.table(s.def.Table), strings.Join(same, " AND "))
	lines(b, s.routes.inner)
	lines(b, s.routes.left)
	b.WriteString("\n  GROUP BY w.a, " + strings.Join(numbered("w.k", len(s.keys)), ", ") + ")")
}

// writeRoutes writes which conditions any route of a row meets and, where the order of
// rows is that of a time on the route, the first such time.
func (s *source) writeRoutes(b *strings.Builder, shared bool) {
	for i, w := range s.whens {
		filter := ""
		if !shared {
			fmt.Fprintf(b, ",\n    bool_or(%s) AS s%d", w, i+1)
			filter = " FILTER (WHERE " + w + ")"
		}
		if s.timed {
			fmt.Fprintf(b, ",\n    min(%s)%s AS t%d", s.since().value(), filter, i+1)
		}
	}
}

// shared returns the condition on which a row joins the grid: that of all columns if it
// is one, else the widest window, and FILTER does the rest.
func (s *source) shared() (on []string, shared bool) {
	first := s.values[0]
	at := s.since()
	if !slices.ContainsFunc(s.values, func(v sourceValue) bool { return !slices.Equal(v.when, first.when) }) {
		if s.l.disjoint(first.window) {
			return append([]string{s.l.bucket(first.window, at)}, first.when...), true
		}
		return first.when, true
	}
	if !slices.ContainsFunc(s.values, func(v sourceValue) bool { return v.window.OpenStart }) {
		on = at.compare(">", s.l.extreme("least", s.values, func(w tasks.Window) tasks.Span { return w.Start }))
	}
	return append(on, at.compare("<=", s.l.extreme("greatest", s.values, func(w tasks.Window) tasks.Span { return w.End }))...), false
}

// disjoint reports whether no row lies in the windows of two anchors, which is known only
// where the anchors are.
func (l *lowering) disjoint(w tasks.Window) bool {
	if w.Static || w.OpenStart || len(l.anchors) == 0 {
		return false
	}
	o := &l.task.Options
	for i, a := range l.anchors[1:] {
		if o.Add(l.anchors[i], w.End) > o.Add(a, w.Start) {
			return false
		}
	}
	return true
}

// bucket finds the only anchor in whose window a row can lie, in O(log anchors) instead
// of by trying all: that of the latest start before the row's time.
func (l *lowering) bucket(w tasks.Window, at instant) string {
	start := strings.TrimPrefix(l.bound(w.Start), "g.")
	return fmt.Sprintf("g.n = width_bucket(%s - interval '1 microsecond', (SELECT array_agg(%s ORDER BY n) FROM grid))", at.value(), start)
}

// extreme is the least or greatest end of the windows. Which one that is may depend on
// the length of a month; then SQL decides.
func (l *lowering) extreme(which string, values []sourceValue, end func(tasks.Window) tasks.Span) string {
	var ends []tasks.Span
	for _, v := range values {
		e := end(v.window)
		if slices.Contains(ends, e) {
			continue
		}
		if len(ends) == 1 {
			if order, sure := e.Compare(ends[0]); sure {
				if (order > 0) == (which == "greatest") {
					ends[0] = e
				}
				continue
			}
		}
		ends = append(ends, e)
	}
	if len(ends) == 1 {
		return l.bound(ends[0])
	}
	names := make([]string, len(ends))
	for i, e := range ends {
		names[i] = l.bound(e)
	}
	return which + "(" + strings.Join(names, ", ") + ")"
}

// filtered is the aggregate with its FILTER clause.
func (v sourceValue) filtered(when []string) string {
	conditions := slices.Clone(when)
	if v.filter != "" {
		conditions = append(conditions, v.filter)
	}
	clause := ""
	if len(conditions) > 0 {
		clause = " FILTER (WHERE " + strings.Join(conditions, " AND ") + ")"
	}
	return v.before + clause + v.after
}

func gridJoin(on []string) string {
	if len(on) == 0 {
		return "CROSS JOIN grid g"
	}
	return "JOIN grid g ON " + strings.Join(on, " AND ")
}

func lines(b *strings.Builder, joins []string) {
	for _, j := range joins {
		b.WriteString("\n  " + j)
	}
}

// named selects columns as k1, k2, ...
func named(columns []string, name string) string {
	out := ""
	for i, c := range columns {
		out += fmt.Sprintf(", %s AS %s%d", c, name, i+1)
	}
	return out
}

func numbered(name string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", name, i+1)
	}
	return out
}
