package schema

import (
	"fmt"
	"slices"
	"strings"
)

// futureNote begins the TimeNote of a table that has no time but should have one.
const futureNote = "known at all times: rows may tell the future"

// lostNote begins the TimeNote of a table whose inherited time the mapping took away.
const lostNote = futureNote + "; its time is lost: "

// Warnings lists what in s may let a model see the future, as lines "TK220: ..." in
// the order of the tables: first tables without time, or with a time that was one of
// several (TK220), then columns that look written later than their row (TK218). What
// the mapping ignores or decides is not in it.
func (s *Schema) Warnings() []string {
	var out []string
	for i, t := range s.Tables {
		if t.Ignore {
			continue
		}
		if s.untimed(i) {
			line := fmt.Sprintf("TK220: table %s has no time, so its rows are known at all times and may tell the future", printable(s.fileName(t)))
			if lead := s.leads(i); lead != "" {
				line += "; " + printable(lead)
			}
			out = append(out, line+"; name the time in the mapping")
		}
		if why := s.doubtful(i); why != "" {
			out = append(out, fmt.Sprintf("TK220: table %s: %s", printable(s.fileName(t)), printable(why)))
		}
	}
	for _, l := range s.WrittenLater() {
		t := s.Tables[l.Table]
		out = append(out, fmt.Sprintf("TK218: column %s.%s looks written later than its row (%s): if it is, ignore it in the mapping",
			printable(s.fileName(t)), printable(t.Columns[l.Column].Name), printable(l.Why)))
	}
	return out
}

// Late is a column that looks written later than its row, and why.
type Late struct {
	Table, Column int
	Why           string
}

// WrittenLater lists the columns that look written later than their row: features could
// learn from what was not known yet. Those that the mapping ignores are not among them.
func (s *Schema) WrittenLater() []Late {
	var out []Late
	for i, t := range s.Tables {
		if t.Ignore {
			continue
		}
		for c := range t.Columns {
			if why := s.writtenLater(i, c); why != "" {
				out = append(out, Late{i, c, why})
			}
		}
	}
	return out
}

// untimed reports whether a table without time looks as if its rows had one: it links
// to a table with time, it has dates or the like that are no birthdays, or it has lost
// its time.
func (s *Schema) untimed(table int) bool {
	t := s.Tables[table]
	if t.Time != nil || t.TimeNote == reasonMapping {
		return false
	}
	return strings.HasPrefix(t.TimeNote, lostNote) || s.leads(table) != ""
}

// warn puts [futureNote] and what else is to say before the note of t.
func (t *Table) warn(leads ...string) {
	parts := []string{futureNote}
	for _, p := range append(leads, t.TimeNote) {
		if p != "" {
			parts = append(parts, p)
		}
	}
	t.TimeNote = strings.Join(parts, "; ")
}

// leads says where the time of a table without one could come from, or "".
func (s *Schema) leads(table int) string {
	t := s.Tables[table]
	var dates []string
	for c, col := range t.Columns {
		if col.Kind == Time && col.Sem == SemTimestamp && !t.IsKey(c) && !ofLife(col.Name) {
			dates = append(dates, col.Name)
		}
	}
	var list []string
	if lead := s.parentLeads(table); lead != "" {
		list = append(list, lead)
	}
	if len(dates) > 0 {
		list = append(list, "it has dates: "+joinNames(dates))
	}
	if like := t.timeLike(); like != "" {
		list = append(list, like)
	}
	return strings.Join(list, "; ")
}

// ofLife reports whether a name is of a birth or a death.
func ofLife(name string) bool {
	return wordOf(split(name), lifeWords, []string{"birth", "death"}) != ""
}

// timeLike names the columns that tell a time in a type that is no date, or "".
func (t *Table) timeLike() string {
	var list []string
	for _, col := range t.Columns {
		w := split(col.Name)
		if col.Kind == Time || col.Kind == Bool || col.Sem == SemIgnore || len(w) == 0 || ofLife(col.Name) {
			continue
		}
		if slices.Contains([]string{"date", "timestamp", "datetime", "ts", "at", "epoch", "week", "month", "quarter"}, w[len(w)-1]) {
			list = append(list, col.Name+" ("+col.DBType+")")
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "named like times, but no dates: " + joinNames(list)
}

// parentLeads lists the parents with a time of a table without one, or "".
func (s *Schema) parentLeads(table int) string {
	t := s.Tables[table]
	var list []string
	for _, l := range t.Links {
		if p := s.Tables[l.To]; l.To == table || p.Time == nil || p.Ignore {
			continue
		}
		lead := s.parentTime(t, l)
		if !t.declaredSet(l) {
			lead += ", which may be NULL"
		}
		list = append(list, lead)
	}
	if len(list) == 0 {
		return ""
	}
	return "the time could be that of " + strings.Join(list, ", or of ")
}

// doubtful says what speaks against an inherited time that the mapping did not decide.
func (s *Schema) doubtful(table int) string {
	t := s.Tables[table]
	if t.Time == nil || t.Time.Via < 0 || t.Time.Reason == reasonMapping {
		return ""
	}
	via := t.Links[t.Time.Via]
	p := s.Tables[via.To]
	if t.Time.Column >= 0 && p.Time != nil && p.Time.Via < 0 && p.Time.Column != t.Time.Column {
		return fmt.Sprintf("its time is %s.%s, but %s itself counts from %s: name the same one in the mapping",
			p.Name, p.Columns[t.Time.Column].Name, p.Name, p.Columns[p.Time.Column].Name)
	}
	var others []string
	for i, l := range t.Links {
		o := s.Tables[l.To]
		if i == t.Time.Via || l.To == table || o.Time == nil || o.Ignore || !t.declaredSet(l) || l.To != via.To && s.above(via.To, l.To, nil) {
			continue
		}
		others = append(others, s.parentTime(t, l))
	}
	if len(others) == 0 || p.Time == nil {
		return ""
	}
	return fmt.Sprintf("its time is that of %s, but it could also be that of %s: if its rows are known later, name their time in the mapping",
		s.parentTime(t, via), joinNames(others))
}

// declaredSet reports whether the database keeps link l from being NULL; a primary key
// counts, which SQLite alone lets be NULL.
func (t *Table) declaredSet(l Link) bool {
	return !slices.ContainsFunc(l.Columns, func(c int) bool { return !t.Columns[c].NotNull && !slices.Contains(t.Key, c) })
}

// above reports whether declared links lead from one table to another in every row.
func (s *Schema) above(from, to int, seen []int) bool {
	if from == to {
		return true
	}
	if slices.Contains(seen, from) {
		return false
	}
	seen = append(seen, from)
	t := s.Tables[from]
	return slices.ContainsFunc(t.Links, func(l Link) bool { return t.declaredSet(l) && s.above(l.To, to, seen) })
}
