package ingest

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones of the mapping are known on machines without a zone database

	"github.com/rowlink/rowlink/schema"
)

// computeTimes fills Times, Until and NoTime of every table with a time, taking over
// from base what is the same there.
func (s *Snapshot) computeTimes(base *Snapshot) error {
	state := make([]timeState, len(s.Tables))
	for i, t := range s.Tables {
		if t.Def.Time != nil && s.sameTimes(base, i, len(s.Tables)) {
			b := base.Tables[i]
			t.Times, t.Until, t.NoTime = b.Times, b.Until, b.NoTime
			state[i] = timeDone
		}
	}
	for i := range s.Tables {
		if err := s.timesOf(i, state); err != nil {
			return err
		}
	}
	return nil
}

// timeState says how far the times of a table are: rows may inherit from parents
// that inherit themselves.
type timeState uint8

const (
	timeOpen timeState = iota
	timeRunning
	timeDone
)

func (s *Snapshot) timesOf(i int, state []timeState) error {
	t := s.Tables[i]
	rt := t.Def.Time
	if rt == nil || state[i] == timeDone {
		return nil
	}
	if state[i] == timeRunning {
		return &UserError{Msg: fmt.Sprintf("the time of table %q is inherited in a circle", t.Def.FullName()), Hint: "give one of the tables a time column of its own in the mapping"}
	}
	state[i] = timeRunning
	zone, err := rowZone(t.Def)
	if err != nil {
		return err
	}
	if t.Times == nil { // else it is from the stored file
		if rt.Via < 0 {
			t.Times, err = s.instants(i, rt.Column, zone, timesName(i))
		} else {
			t.Times, err = s.inherited(i, zone, state)
		}
		if err != nil {
			return err
		}
		t.NoTime = 0
		if rt.Via >= 0 || !t.plainTime(rt.Column) {
			for _, v := range t.Times {
				if v == Never {
					t.NoTime++
				}
			}
		}
	}
	if rt.Until >= 0 && t.Until == nil {
		if t.Until, err = s.instants(i, rt.Until, zone, untilName(i)); err != nil {
			return err
		}
	}
	state[i] = timeDone
	return nil
}

// sameTimes reports whether table i has the times that it has in base. depth ends the
// search in circles, which are an error elsewhere.
func (s *Snapshot) sameTimes(base *Snapshot, i, depth int) bool {
	t, old := s.Tables[i], base.Tables[i]
	a, b := t.Def.Time, old.Def.Time
	if old.Times == nil || a == nil || b == nil || depth < 0 {
		return false
	}
	if a.Column != b.Column || a.Until != b.Until || a.Zone != b.Zone || a.DayEnd != b.DayEnd || (a.Via < 0) != (b.Via < 0) {
		return false
	}
	if a.Via < 0 {
		return true
	}
	if a.Via >= len(t.Def.Links) || old.sameLink(t.Def.Links[a.Via]) != b.Via {
		return false
	}
	return a.Column >= 0 || s.sameTimes(base, t.Def.Links[a.Via].To, depth-1)
}

// inherited returns the times of rows that take them from the parent of link Via:
// from a column of it, or with Column -1 from the parent's own row time.
func (s *Snapshot) inherited(i int, zone *time.Location, state []timeState) ([]int64, error) {
	t := s.Tables[i]
	rt := t.Def.Time
	if rt.Via >= len(t.Def.Links) {
		return nil, fmt.Errorf("table %q inherits its time by link number %d, but has %d links", t.Def.FullName(), rt.Via, len(t.Def.Links))
	}
	to := t.Def.Links[rt.Via].To
	p := s.Tables[to]
	var own clock
	var err error
	if rt.Column >= 0 {
		own, err = p.clock(rt.Column, zone)
		own.dayEnd = err == nil && endsDay(rt, p.Def.Columns[rt.Column].DBType)
	} else if err = s.timesOf(to, state); err == nil && p.Times == nil {
		err = &UserError{Msg: fmt.Sprintf("table %q inherits its time from %q, which has none", t.Def.FullName(), p.Def.FullName()), Hint: "name the parent's time column in the mapping"}
	}
	if err != nil {
		return nil, err
	}
	out, err := s.int64s(timesName(i), t.Rows)
	if err != nil {
		return nil, err
	}
	for r, parent := range t.Parents[rt.Via] {
		switch {
		case parent < 0:
			out[r] = Never
		case rt.Column < 0:
			out[r] = p.Times[parent]
		default:
			if out[r], err = own.at(int(parent)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// instants returns the values of a time column of table i as row times. A column that
// needs no change is shared, not copied.
func (s *Snapshot) instants(i, col int, zone *time.Location, name string) ([]int64, error) {
	t := s.Tables[i]
	c, err := t.clock(col, zone)
	if err != nil {
		return nil, err
	}
	c.dayEnd = endsDay(t.Def.Time, t.Def.Columns[col].DBType)
	if t.plainTime(col) {
		for r, v := range c.column.Ints {
			if v == Always || v == Never {
				_, err := c.at(r)
				return nil, err
			}
		}
		return c.column.Ints, nil
	}
	out, err := s.int64s(name, t.Rows)
	if err != nil {
		return nil, err
	}
	for r := range out {
		if out[r], err = c.at(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plainTime reports whether the values of a column are row times as they stand.
func (t *Table) plainTime(col int) bool {
	if col < 0 || col >= len(t.Columns) || t.Rows == 0 {
		return false
	}
	zone := t.Def.Time.Zone
	return t.Columns[col].Kind == schema.Time && t.Columns[col].Valid == nil && !endsDay(t.Def.Time, t.Def.Columns[col].DBType) &&
		(zone == "" || zone == "UTC" || !zoned(t.Def.Columns[col].DBType))
}

// zoned reports whether values of a database type depend on the zone of the mapping.
func zoned(dbType string) bool { return dbType == "date" || isLocal(dbType) }

// endsDay reports whether a column's dates count from the end of their day on.
func endsDay(rt *schema.RowTime, dbType string) bool { return rt.DayEnd && dbType == "date" }

// clock reads a time column as row times: Never for NULL, and values without a zone
// moved from local time in zone to UTC.
type clock struct {
	table  *Table
	column *Column
	number int
	zone   *time.Location // nil: values stand as they are
	dayEnd bool           // dates are the last microsecond of their day
}

func (t *Table) clock(col int, zone *time.Location) (clock, error) {
	if col < 0 || col >= len(t.Columns) {
		return clock{}, fmt.Errorf("table %q has no column number %d for its time", t.Def.FullName(), col)
	}
	c, def := &t.Columns[col], t.Def.Columns[col]
	if c.Kind != schema.Time {
		return clock{}, &UserError{Msg: fmt.Sprintf("column %q of table %q is %s, which holds no time", def.Name, t.Def.FullName(), def.DBType),
			Hint: "name a column of type date or timestamp in the mapping, or none"}
	}
	if !zoned(def.DBType) {
		zone = nil
	}
	return clock{t, c, col, zone, false}, nil
}

func (c *clock) at(row int) (int64, error) {
	v, null := c.column.Ints[row], c.column.Null(row)
	switch {
	case null:
		v = Never
	case c.dayEnd:
		v = LocalTime(c.zone, v+microsPerDay) - 1
	default:
		v = LocalTime(c.zone, v)
	}
	if v == Always || v == Never && !null {
		return 0, fmt.Errorf("column %q of table %q holds a time outside the calendar in row %d", c.table.Def.Columns[c.number].Name, c.table.Def.FullName(), row)
	}
	return v, nil
}

// isLocal reports whether a database type is a timestamp without a zone, with or
// without a precision: "timestamp(3) without time zone".
func isLocal(dbType string) bool {
	const begin, end = "timestamp", " without time zone"
	return len(dbType) >= len(begin)+len(end) && dbType[:len(begin)] == begin && dbType[len(dbType)-len(end):] == end
}

// rowZone returns the zone of a table's local timestamps; nil means UTC.
func rowZone(def *schema.Table) (*time.Location, error) {
	name := def.Time.Zone
	if name == "" || name == "UTC" {
		return nil, nil
	}
	if name == "Local" { // would depend on the machine
		return nil, &UserError{Msg: fmt.Sprintf("table %q: time zone %q depends on the machine", def.FullName(), name), Hint: "write a name such as Europe/Berlin"}
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, &UserError{Msg: fmt.Sprintf("table %q: unknown time zone %q", def.FullName(), name), Hint: "write a name such as Europe/Berlin"}
	}
	return zone, nil
}

// ValueZone is the zone in which the values of a time column are read; nil where they are
// instants as they stand. Local times are read as those of the table's rows are.
func (t *Table) ValueZone(col int) *time.Location {
	if t.Def.Time == nil || t.Columns[col].Kind != schema.Time || !zoned(t.Def.Columns[col].DBType) {
		return nil
	}
	zone, _ := rowZone(t.Def) // a zone that is unknown was refused with the row times
	return zone
}
