package tql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// source is one CTE: all aggregates over one table along one path, in one scan. It has a
// row per anchor and entity that have at least one row of the table.
//
// Where a path goes down and then up again, several routes may lead from a row to an
// entity. Then a CTE of routes comes first, with one row per anchor, entity and row.
type source struct {
	l        *lowering
	name     string // x1, x2, ...
	def      *tasks.Aggregate
	joins    *joins
	times    []rowTime // per table on the path, the aggregated one first, without the entity's
	fan      bool      // several routes are possible
	values   []sourceValue
	keys     []string        // columns k1, k2, ... that name the entity
	entity   []int           // the columns of the entity table they are equal to
	keyed    []schema.Column // what the keys are
	required bool            // no example without a row of it
	rowKey   []string        // columns of the aggregated row that tell rows apart
	routes   *joins          // with fan: what the second scan joins
	whens    []string        // distinct conditions on routes: columns s1, s2, ... of a fan
	timed    bool            // a fan keeps per condition the first time of the routes: t1, t2, ...
}

// sourceValue is one column of a source: v1, v2, ...
type sourceValue struct {
	before, after string // around the FILTER clause
	window        tasks.Window
	when          []string // window and visibility of the route
	filter        string   // further condition; empty = none
}

// source returns the source of an aggregate's table and path.
func (l *lowering) source(a *tasks.Aggregate) *source {
	for _, s := range l.sources {
		if s.def.Table == a.Table && slices.Equal(s.def.Path, a.Path) && s.def.TimeStep == a.TimeStep && s.def.Window.Static == a.Window.Static {
			return s
		}
	}
	s := &source{l: l, name: fmt.Sprintf("x%d", len(l.sources)+1), def: a, joins: newJoins(l)}
	l.sources = append(l.sources, s)
	s.walk()
	s.rows()
	return s
}

// walk joins the tables along the path up to the one whose columns name the entity.
func (s *source) walk() {
	l, at, down := s.l, "r", false
	s.times = []rowTime{s.joins.row(s.def.Table, at)}
	for i, step := range s.def.Path {
		s.fan = s.fan || down && !step.Down
		down = down || step.Down
		last := i+1 == len(s.def.Path)
		child := l.sc.Tables[step.Table]
		link := child.Links[step.Link]
		if last && !step.Down && s.def.TimeStep <= i { // the foreign key itself names the entity
			for k, c := range link.Columns {
				s.keys, s.entity = append(s.keys, column(at, child.Columns[c].Name)), append(s.entity, link.Ref[k])
				s.keyed = append(s.keyed, child.Columns[c])
			}
			return
		}
		if step.Down {
			at = s.joins.children(at, step.Table, step.Link)
		} else {
			at = s.joins.parent(at, step.Table, step.Link)
		}
		switch to := graph.Step(step).To(l.sc); {
		case !last:
			s.times = append(s.times, s.joins.row(to, at))
		case s.def.TimeStep == i+1: // rule R3, not the path, asks whether the entity is visible
			s.times = append(s.times, rowTime{since: s.joins.row(to, at).since})
		}
	}
	for _, c := range l.sc.Tables[l.task.Entity].Key {
		s.keys, s.entity = append(s.keys, column(at, l.sc.Tables[l.task.Entity].Columns[c].Name)), append(s.entity, c)
		s.keyed = append(s.keyed, l.sc.Tables[l.task.Entity].Columns[c])
	}
}

// rows finds the columns that tell rows of the aggregated table apart.
func (s *source) rows() {
	if !s.fan {
		return
	}
	t := s.l.sc.Tables[s.def.Table]
	for _, c := range t.Key {
		s.rowKey = append(s.rowKey, column("r", t.Columns[c].Name))
	}
	if s.rowKey == nil { // the place of the row; tableoid tells partitions apart
		s.rowKey = []string{"r.tableoid", "r.ctid"}
	}
	s.routes = newJoins(s.l)
	s.routes.n = 100 // aliases of its own, for readers
}

// entityAlias joins the entity row inside the source, for its columns in filters.
func (s *source) entityAlias() string {
	j := s.place().joins
	if have := j.known["entity"]; have != "" {
		return have
	}
	j.known["entity"] = "e"
	on := make([]string, len(s.keys))
	for i, c := range s.entity {
		key := s.keys[i]
		if s.fan {
			key = fmt.Sprintf("w.k%d", i+1)
		}
		on[i] = column("e", s.l.sc.Tables[s.l.task.Entity].Columns[c].Name) + " = " + key
	}
	j.inner = append(j.inner, fmt.Sprintf("JOIN %s e ON %s", s.l.table(s.l.task.Entity), strings.Join(on, " AND ")))
	return "e"
}

// place is the scope of the aggregated row.
func (s *source) place() place {
	j := s.joins
	if s.fan {
		j = s.routes
	}
	return place{joins: j, table: s.def.Table, row: "r", source: s}
}

// when lists the conditions on a route for an aggregate: its time lies in the window,
// and each row on it is visible as of the window's end (rule R21).
func (s *source) when(a *tasks.Aggregate) (conditions []string, asOf string, strict bool) {
	w := a.Window
	asOf, strict = "g.a", s.l.task.Options.Rule.Strict
	if w.Future() {
		asOf, strict = s.l.bound(w.End), false
	}
	end := "<="
	if strict {
		end = "<"
	}
	for i, at := range s.times {
		if w.Static || i != a.TimeStep {
			conditions = append(conditions, at.visible(asOf, strict)...)
			continue
		}
		if !w.OpenStart {
			conditions = append(conditions, at.since.compare(">", s.l.bound(w.Start))...)
		}
		conditions = append(conditions, at.since.compare(end, s.l.bound(w.End))...)
		conditions = append(conditions, at.valid(asOf)...)
	}
	for i := 0; i < len(conditions); i++ { // a row may have its time from the next one on the path
		if slices.Contains(conditions[:i], conditions[i]) {
			conditions = slices.Delete(conditions, i, i+1)
			i--
		}
	}
	return conditions, asOf, strict
}

// whenNumber numbers the condition on routes from 1 on.
func (s *source) whenNumber(when []string) int {
	text := strings.Join(when, " AND ")
	at := slices.Index(s.whens, text)
	if at < 0 {
		at = len(s.whens)
		s.whens = append(s.whens, text)
	}
	return at + 1
}

// since is the time by which windows select rows.
func (s *source) since() instant { return s.times[s.def.TimeStep].since }

// add registers a column and returns its name.
func (s *source) add(v sourceValue) string {
	s.whenNumber(v.when)
	at := slices.IndexFunc(s.values, func(o sourceValue) bool {
		return o.before == v.before && o.filter == v.filter && slices.Equal(o.when, v.when)
	})
	if at < 0 {
		at = len(s.values)
		s.values = append(s.values, v)
	}
	return fmt.Sprintf("%s.v%d", s.name, at+1)
}

// join joins the source to grid g and entity d.
func (s *source) join() string {
	kind := "LEFT JOIN"
	if s.required {
		kind = "JOIN"
	}
	on := fmt.Sprintf("%s %s ON %s.a = g.a", kind, s.name, s.name)
	for i, c := range s.entity {
		on += fmt.Sprintf(" AND %s.k%d = %s", s.name, i+1, column("d", s.l.sc.Tables[s.l.task.Entity].Columns[c].Name))
	}
	return on
}
