package tql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// DateTime is a moment as written: a wall clock, with an offset from UTC if HasZone.
// Without one it is read in the task zone.
type DateTime struct {
	Year, Month, Day     int
	Hour, Minute, Second int
	Micros               int
	HasTime, HasZone     bool
	Offset               int // seconds east of UTC
}

var dateTime = regexp.MustCompile(`^([0-9]{4})([-/.])([0-9]{2})([-/.])([0-9]{2})` +
	`(?:[ Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?)?` +
	`(?:([Zz])|([+-])([0-9]{2})(?::([0-9]{2}))?)?$`)

// ParseDateTime reads 2020-01-31 (also with / or .), optionally followed by a blank
// or T and hh:mm[:ss[.ffffff]], and by Z or an offset +hh[:mm].
func ParseDateTime(text string) (DateTime, error) {
	m := dateTime.FindStringSubmatch(text)
	if m == nil || m[2] != m[4] {
		return DateTime{}, fmt.Errorf("%q is no date, want a form like 2020-01-31 or 2020-01-31 14:30:00", text)
	}
	num := func(i int) int {
		n, _ := strconv.Atoi("0" + m[i])
		return n
	}
	d := DateTime{
		Year: num(1), Month: num(3), Day: num(5), Hour: num(6), Minute: num(7), Second: num(8),
		Micros: int(fraction(m[9], 1e6)), HasTime: m[6] != "", HasZone: m[10]+m[11] != "",
		Offset: num(12)*3600 + num(13)*60,
	}
	if m[11] == "-" {
		d.Offset = -d.Offset
	}
	return d, d.check(text, num(12), num(13))
}

func (d DateTime) check(text string, zoneHour, zoneMinute int) error {
	day := time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
	switch {
	case d.Year < 1:
		return fmt.Errorf("%q has year 0, want 1 to 9999", text)
	case d.Month < 1 || d.Month > 12:
		return fmt.Errorf("%q has month %d, want 1 to 12", text, d.Month)
	case d.Day < 1 || day.Day() != d.Day:
		return fmt.Errorf("%q has day %d, which that month has not", text, d.Day)
	case d.Hour > 23 || d.Minute > 59 || d.Second > 59:
		return fmt.Errorf("%q has no time of day, want 00:00:00 to 23:59:59", text)
	case zoneHour > 15 || zoneMinute > 59:
		return fmt.Errorf("%q is too far from UTC, want at most 15:59", text)
	}
	return nil
}

// String prints the one normal form: 2020-01-31 14:30:00.5+02:00, without offset if
// none was written; a date is midnight.
func (d DateTime) String() string {
	s := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", d.Year, d.Month, d.Day, d.Hour, d.Minute, d.Second)
	if d.Micros != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%06d", d.Micros), "0")
	}
	if d.HasZone {
		sign, o := '+', d.Offset
		if o < 0 {
			sign, o = '-', -o
		}
		s += fmt.Sprintf("%c%02d:%02d", sign, o/3600, o/60%60)
	}
	return s
}
