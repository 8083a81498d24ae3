package ingest

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones of the mapping are known on machines without a zone database

	"github.com/rowlink/rowlink/schema"
)

// computeTimes fills Times, Until and NoTime of every table with a time.
func (s *Snapshot) computeTimes() error {
	state := make([]timeState, len(s.Tables))
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
	if rt.Via < 0 {
		t.Times, err = t.instants(rt.Column, zone)
	} else {
		t.Times, err = s.inherited(t, zone, state)
	}
	if err != nil {
		return err
	}
	for _, v := range t.Times {
		if v == Never {
			t.NoTime++
		}
	}
	if rt.Until >= 0 {
		if t.Until, err = t.instants(rt.Until, zone); err != nil {
			return err
		}
	}
	state[i] = timeDone
	return nil
}

// inherited returns the times of rows that take them from the parent of link Via:
// from a column of it, or with Column -1 from the parent's own row time.
func (s *Snapshot) inherited(t *Table, zone *time.Location, state []timeState) ([]int64, error) {
	rt := t.Def.Time
	if rt.Via >= len(t.Def.Links) {
		return nil, fmt.Errorf("table %q inherits its time by link number %d, but has %d links", t.Def.FullName(), rt.Via, len(t.Def.Links))
	}
	to := t.Def.Links[rt.Via].To
	p := s.Tables[to]
	var times []int64
	var err error
	if rt.Column >= 0 {
		times, err = p.instants(rt.Column, zone)
	} else {
		err = s.timesOf(to, state)
		times = p.Times
		if err == nil && times == nil {
			err = &UserError{Msg: fmt.Sprintf("table %q inherits its time from %q, which has none", t.Def.FullName(), p.Def.FullName()), Hint: "name the parent's time column in the mapping"}
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]int64, t.Rows)
	for r, parent := range t.Parents[rt.Via] {
		out[r] = Never
		if parent >= 0 {
			out[r] = times[parent]
		}
	}
	return out, nil
}

// instants returns the values of a time column as row times: Never for NULL, and
// values without a zone moved from local time in zone to UTC.
func (t *Table) instants(col int, zone *time.Location) ([]int64, error) {
	if col < 0 || col >= len(t.Columns) {
		return nil, fmt.Errorf("table %q has no column number %d for its time", t.Def.FullName(), col)
	}
	c, def := &t.Columns[col], t.Def.Columns[col]
	if c.Kind != schema.Time {
		return nil, &UserError{Msg: fmt.Sprintf("column %q of table %q is %s, which holds no time", def.Name, t.Def.FullName(), def.DBType),
			Hint: "name a column of type date or timestamp in the mapping, or none"}
	}
	local := zone != nil && (def.DBType == "date" || isLocal(def.DBType))
	out := make([]int64, t.Rows)
	for r, v := range c.Ints {
		switch {
		case c.Null(r):
			v = Never
		case local:
			v = toUTC(v, zone)
		}
		if v == Always || v == Never && !c.Null(r) {
			return nil, fmt.Errorf("column %q of table %q holds a time outside the calendar in row %d", def.Name, t.Def.FullName(), r)
		}
		out[r] = v
	}
	return out, nil
}

// isLocal reports whether a database type is a timestamp without a zone, with or
// without a precision: "timestamp(3) without time zone".
func isLocal(dbType string) bool {
	const begin, end = "timestamp", " without time zone"
	return len(dbType) >= len(begin)+len(end) && dbType[:len(begin)] == begin && dbType[len(dbType)-len(end):] == end
}

// toUTC reads the clock that v shows in UTC as local time in zone. A time that the
// clock skips or shows twice is taken as [time.Date] takes it.
func toUTC(v int64, zone *time.Location) int64 {
	t := time.UnixMicro(v).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMicro()
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
