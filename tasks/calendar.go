package tasks

import (
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// AddTo returns at + s in the calendar of a zone (rules R4 and R19): months first,
// clamped to the last day of the month; then days, which keep the wall clock; then
// exact time. Both steps that move the date read the wall clock anew, as Postgres does
// for timestamptz + interval. at is in microseconds UTC; a nil zone is UTC.
func (s Span) AddTo(at int64, zone *time.Location) int64 {
	if s.Months != 0 {
		w := wallOf(at, zone)
		w.date = addMonths(w.date, s.Months)
		at = w.instant(zone)
	}
	if s.Days != 0 {
		if zone == nil || zone == time.UTC {
			at += int64(s.Days) * microsPerDay
		} else {
			w := wallOf(at, zone)
			w.date = w.date.AddDate(0, 0, s.Days)
			at = w.instant(zone)
		}
	}
	return at + s.Micros
}

// Midnight returns the start of the day of at in a zone.
func Midnight(at int64, zone *time.Location) int64 {
	w := wallOf(at, zone)
	w.clock = 0
	return w.instant(zone)
}

// wall is a reading of calendar and clock: a date (midnight UTC of that day) and the
// microseconds that the clock shows since midnight.
type wall struct {
	date  time.Time
	clock int64
}

func wallOf(at int64, zone *time.Location) wall {
	if zone == nil {
		zone = time.UTC
	}
	t := time.UnixMicro(at).In(zone)
	y, m, d := t.Date()
	hour, minute, second := t.Clock()
	clock := int64(hour)*microsPerHour + int64(minute)*microsPerMinute + int64(second)*microsPerSecond + int64(t.Nanosecond()/1000)
	return wall{time.Date(y, m, d, 0, 0, 0, 0, time.UTC), clock}
}

// addMonths keeps the day of the month, clamped to the last day that the new month has.
func addMonths(date time.Time, months int) time.Time {
	y, m, d := date.Date()
	last := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(y, m+time.Month(months), min(d, last), 0, 0, 0, 0, time.UTC)
}

// instant returns the instant at which the clocks of a zone show w (rule R19).
func (w wall) instant(zone *time.Location) int64 {
	return ingest.LocalTime(zone, w.date.UnixMicro()+w.clock)
}
