package schema

import "slices"

// inherited settles the times that tables take from their parents, when the mapping
// has been laid over all of them: lines whose order got another time or zone follow
// it, unless the file names theirs.
func (a *applier) inherited(s *Schema, entries map[int]TableMapping) {
	for i, t := range a.out.Tables {
		rt := t.Time
		if rt == nil || rt.Via < 0 {
			continue
		}
		to := t.Links[rt.Via].To
		if rt.Column < 0 {
			a.parentsOwn(i, entries[i].Time)
			continue
		}
		was, now := s.Tables[to].Time, a.out.Tables[to].Time
		if now == nil || now.Via >= 0 {
			continue
		}
		if !entries[i].Time.Set && was != nil && was.Via < 0 && was.Column == rt.Column && now.Column != rt.Column {
			rt.Column, rt.Reason = now.Column, "follows "+a.out.Tables[to].Name+", whose time the mapping names"
		}
		if rt.Zone == "" && rt.Column == now.Column {
			rt.Zone = now.Zone
		}
		if entries[i].Time.Day.Text == "" && rt.Column == now.Column {
			rt.DayEnd = now.DayEnd
		}
	}
}

// parentsOwn checks a table that takes whatever time its parent has. Where the file
// says so the parent must have one; what was only inferred is lost with a note.
func (a *applier) parentsOwn(table int, m TimeMapping) {
	var seen []int
	for i := table; ; {
		t := a.out.Tables[i]
		if t.Time == nil {
			if m.Set {
				a.add(m.Via.Line, "give it one, or name a column", "table %q has no time for %q to take", t.Name, a.out.Tables[table].Name)
				return
			}
			a.out.Tables[table].loseTime("the parent that gave the time has none in the mapping")
			return
		}
		if t.Time.Via < 0 || t.Time.Column >= 0 {
			return
		}
		if slices.Contains(seen, i) {
			if m.Set {
				a.add(m.Via.Line, "name a column of one of the tables", "the time of table %q is inherited in a circle", a.out.Tables[table].Name)
			}
			return
		}
		seen = append(seen, i)
		i = t.Links[t.Time.Via].To
	}
}

// loseTime takes the time of t away, and says so loudly.
func (t *Table) loseTime(why string) {
	t.Time, t.TimeNote = nil, lostNote+why
}
