package tasks

import "time"

// LocalTime returns the instant, in microseconds UTC, at which the clocks of a zone show
// the date and time of day of reading, whose own zone is disregarded. Readings in a
// spring gap and repeated ones follow rule R19.
func LocalTime(zone *time.Location, reading time.Time) int64 {
	w := wallOf(time.Date(reading.Year(), reading.Month(), reading.Day(), reading.Hour(), reading.Minute(),
		reading.Second(), reading.Nanosecond(), time.UTC).UnixMicro(), time.UTC)
	return w.instant(zone)
}
