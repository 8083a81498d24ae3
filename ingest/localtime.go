package ingest

import "time"

// Microseconds of exact time.
const (
	microsPerSecond = int64(1e6)
	microsPerDay    = 24 * 60 * 60 * microsPerSecond
)

// LocalTime returns the instant, in microseconds UTC, at which the clocks of a zone show
// a reading, given as the instant at which those of UTC show it. A reading in a spring gap
// takes the offset before the change; one that occurs twice is the later instant, which is
// standard time, as PostgreSQL reads both (rule R19 of the task language; time.Date does
// not promise it). A nil zone is UTC.
func LocalTime(zone *time.Location, reading int64) int64 {
	if zone == nil || zone == time.UTC {
		return reading
	}
	// The nearest instant by some offset in force nearby: its zone period and the two
	// neighbours hold every candidate.
	start, end := time.UnixMicro(reading - offsetAt(reading, zone)).In(zone).ZoneBounds()
	best, found := int64(0), false
	gap := reading - offsetAt(reading, zone)
	for _, change := range []time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		at := change.UnixMicro()
		before, after := offsetAt(at-1, zone), offsetAt(at, zone)
		if reading-before >= at && reading-after < at {
			gap = reading - before
		}
		for _, offset := range [...]int64{before, after} {
			t := reading - offset
			if offsetAt(t, zone) == offset && (!found || t > best) {
				best, found = t, true
			}
		}
	}
	if found {
		return best
	}
	return gap
}

// offsetAt is the offset from UTC in force at an instant, in microseconds.
func offsetAt(at int64, zone *time.Location) int64 {
	_, seconds := time.UnixMicro(at).In(zone).Zone()
	return int64(seconds) * microsPerSecond
}
