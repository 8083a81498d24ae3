package schema

import (
	"cmp"
	"fmt"
	"slices"
)

// clearRows is how many times the rows of another parent a parent must have to count
// as the one whose rows are the events.
const clearRows = 2

// inheritTimes gives tables without a time of their own that of a parent: a row that
// always has a parent cannot be known before it. Such a time can be too early for the
// row, but never as much as none, with which rows are known at all times. A table may
// have it from a parent that inherits too, so this goes on until nothing changes.
func (in *inference) inheritTimes() {
	for again := true; again; {
		again = false
		done := make([]bool, len(in.schema.Tables))
		for i := range in.schema.Tables {
			again = in.inherit(i, done) || again
		}
	}
}

// inherit gives table a time, its parents first, and reports whether anything changed.
func (in *inference) inherit(table int, done []bool) (changed bool) {
	t := in.schema.Tables[table]
	if done[table] || t.Time != nil || t.TimeDeclared {
		return false
	}
	done[table] = true
	for _, l := range t.Links {
		changed = in.inherit(l.To, done) || changed
	}
	parents := in.timedParents(table)
	if len(parents) == 0 {
		return changed
	}
	best, why := in.latest(parents)
	rt := &RowTime{Column: -1, Via: best.link, Until: -1, Reason: why}
	if p := in.schema.Tables[best.table].Time; p.Via < 0 {
		rt.Column = p.Column
	}
	t.Time, in.score[table] = rt, best.score
	return true
}

// timedParent is a parent that could give a table its time.
type timedParent struct {
	link, table int
	name        string // "orders.placed_at through order_id"
	rows        int64  // -1 = unknown
	score       int    // of the choice of the parent's own time
}

// timedParents lists the parents with a time that every row of table has.
func (in *inference) timedParents(table int) []timedParent {
	s := in.schema
	t := s.Tables[table]
	var out []timedParent
	for i, l := range t.Links {
		p := s.Tables[l.To]
		if l.To == table || p.Time == nil || !in.alwaysSet(table, l) || s.referred(table) && !t.declaredSet(l) {
			continue
		}
		out = append(out, timedParent{i, l.To, s.parentTime(t, l), in.rows(l.To), in.score[l.To]})
	}
	return out
}

// parentTime names the time that rows of t would have through link l: a column of the
// parent, or the parent alone where that inherits too.
func (s *Schema) parentTime(t *Table, l Link) string {
	p := s.Tables[l.To]
	if p.Time.Column < 0 || p.Time.Via >= 0 {
		return fmt.Sprintf("%s through %s", s.fileName(p), t.Label(l))
	}
	return fmt.Sprintf("%s.%s through %s", s.fileName(p), p.Columns[p.Time.Column].Name, t.Label(l))
}

// latest chooses the parent whose times are the latest: one that itself belongs to the
// others, else the one with the most rows, which is the most like an event. Where that
// is unclear the choice of the parent's own time decides: the surest one.
func (in *inference) latest(all []timedParent) (timedParent, string) {
	if len(all) == 1 {
		return all[0], "no time of its own; " + all[0].name + ", the only parent with a time, and never NULL"
	}
	list := slices.DeleteFunc(slices.Clone(all), func(p timedParent) bool { return in.earlier(p, all) })
	slices.SortStableFunc(list, func(a, b timedParent) int { return cmp.Compare(b.rows, a.rows) })
	best, rule := list[0], "as the one that belongs to the others"
	if len(list) > 1 {
		rule = fmt.Sprintf("as the one with the most rows (%d)", best.rows)
		unclear := slices.DeleteFunc(slices.Clone(list), func(p timedParent) bool { return p.rows >= 0 && clearRows*p.rows <= best.rows })
		if len(unclear) > 1 {
			slices.SortStableFunc(unclear, func(a, b timedParent) int { return b.score - a.score })
			best, rule = unclear[0], "as the one whose time is the surest"
			if unclear[1].score == best.score {
				rule = "by the order of the links, which is a guess"
			}
		}
	}
	var others []string
	for _, p := range all {
		if p.link != best.link {
			others = append(others, p.name)
		}
	}
	return best, fmt.Sprintf("no time of its own; %s, chosen among %d parents with a time %s; other: %s; if rows are known later, name their time here",
		best.name, len(all), rule, joinNames(others))
}

// earlier reports whether another of the parents always has p as its own ancestor: its
// rows are later than those of p.
func (in *inference) earlier(p timedParent, all []timedParent) bool {
	return slices.ContainsFunc(all, func(o timedParent) bool {
		return o.table != p.table && in.reaches(o.table, p.table, nil) && !in.reaches(p.table, o.table, nil)
	})
}

// reaches reports whether links that are never NULL lead from one table to another.
func (in *inference) reaches(from, to int, seen []int) bool {
	if from == to {
		return true
	}
	if slices.Contains(seen, from) {
		return false
	}
	seen = append(seen, from)
	return slices.ContainsFunc(in.schema.Tables[from].Links, func(l Link) bool {
		return in.alwaysSet(from, l) && in.reaches(l.To, to, seen)
	})
}

// alwaysSet reports whether every row of table has a parent through link l.
func (in *inference) alwaysSet(table int, l Link) bool {
	t := in.schema.Tables[table]
	return !slices.ContainsFunc(l.Columns, func(c int) bool {
		st := in.at(table, c)
		return !t.Columns[c].NotNull && (st.Rows == 0 || st.Nulls > 0)
	})
}

// referred reports whether another table has a link to table. Then it may be a thing
// on its own, and a link that happens to be never NULL (a customer's agent) is no
// proof that it came after its parent.
func (s *Schema) referred(table int) bool {
	for i, t := range s.Tables {
		if i != table && slices.ContainsFunc(t.Links, func(l Link) bool { return l.To == table }) {
			return true
		}
	}
	return false
}
