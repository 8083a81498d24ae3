package schema

func (a *applier) time(table int, tm TableMapping) {
	t, m := a.out.Tables[table], tm.Time
	if !m.Set {
		return
	}
	if m.None {
		if t.Time != nil {
			t.Time = nil
			t.TimeNote = reasonMapping
		}
		return
	}
	rt := RowTime{Via: -1, Until: -1, Zone: m.Zone.Text, Reason: reasonMapping}
	owner := t
	if m.Via.Text != "" {
		if rt.Via = a.via(t, m.Via); rt.Via < 0 {
			return
		}
		owner = a.out.Tables[t.Links[rt.Via].To]
		rt.Column = -1
	}
	if m.Column.Text != "" || rt.Via < 0 {
		if rt.Column = a.timeColumn(owner, m.Column); rt.Column < 0 {
			return
		}
	}
	if m.Until.Text != "" {
		if rt.Until = a.timeColumn(t, m.Until); rt.Until < 0 {
			return
		}
	}
	if !a.dayEnd(owner, m, &rt) {
		return
	}
	if t.Time != nil {
		same := *t.Time
		same.Reason = reasonMapping
		if same == rt {
			return
		}
	}
	t.Time, t.TimeNote = &rt, ""
}

// dayEnd reads when on its day a date counts; owner has the time column.
func (a *applier) dayEnd(owner *Table, m TimeMapping, rt *RowTime) bool {
	switch m.Day.Text {
	case "", "start":
		return true
	case "end":
	default:
		a.add(m.Day.Line, "write day: start or day: end", "day is %q", m.Day.Text)
		return false
	}
	if rt.Column < 0 || owner.Columns[rt.Column].DBType != "date" {
		a.add(m.Day.Line, "leave it out; it says from when on its day a date counts", "day: end belongs to a time column of type date")
		return false
	}
	rt.DayEnd = true
	return true
}

// timeColumn finds a column of dates or timestamps.
func (a *applier) timeColumn(t *Table, name Named) int {
	c := a.column(t, name)
	if c < 0 || t.Columns[c].Kind == Time {
		return c
	}
	var have []string
	for _, col := range t.Columns {
		if col.Kind == Time {
			have = append(have, col.Name)
		}
	}
	hint := "the table has no date or timestamp column; write time: none"
	if len(have) > 0 {
		hint = "dates and timestamps of the table: " + joinNames(have)
	}
	a.add(name.Line, hint, "column %q of table %q has type %s, want a date or timestamp", name.Text, t.Name, t.Columns[c].DBType)
	return -1
}

// via finds a link by label, by constraint name, or by a single column.
func (a *applier) via(t *Table, name Named) int {
	var names []string
	found, count := -1, 0
	for i, l := range t.Links {
		names = append(names, t.Label(l))
		if t.Label(l) == name.Text || l.Name == name.Text {
			found = i
			count++
		}
	}
	switch {
	case count == 1:
		return found
	case count > 1:
		a.add(name.Line, "name the constraint", "several foreign keys of %q are called %q", t.Name, name.Text)
		return -1
	}
	a.add(name.Line, suggest(name.Text, names, "foreign keys: "+joinNames(names)), "table %q has no foreign key %q", t.Name, name.Text)
	return -1
}
