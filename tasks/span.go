package tasks

import (
	"cmp"
	"fmt"
	"strings"
)

// Microseconds per unit of exact time.
const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = 24 * microsPerHour
)

// daysPerMonth is the mean length of a month of the Gregorian calendar.
const daysPerMonth = 365.2425 / 12

// IsZero reports whether s is no duration at all.
func (s Span) IsZero() bool { return s == Span{} }

// Times returns k times s.
func (s Span) Times(k int) Span {
	return Span{s.Months * k, s.Days * k, s.Micros * int64(k)}
}

// Plus returns s and o added part by part.
func (s Span) Plus(o Span) Span {
	return Span{s.Months + o.Months, s.Days + o.Days, s.Micros + o.Micros}
}

// Compare orders two spans. ok is false when the order depends on whether a month has
// 28 or 31 days (code TK111); then the order of 28-day months is returned.
func (s Span) Compare(o Span) (order int, ok bool) {
	order = cmp.Compare(s.micros(28), o.micros(28))
	return order, order == cmp.Compare(s.micros(31), o.micros(31))
}

// Positive reports whether s reaches forward whatever the length of a month.
func (s Span) Positive() bool {
	order, ok := s.Compare(Span{})
	return ok && order > 0
}

func (s Span) micros(monthDays int64) int64 {
	return (int64(s.Months)*monthDays+int64(s.Days))*microsPerDay + s.Micros
}

// ApproxDays is the mean length in days; a month counts as 30.44 days.
func (s Span) ApproxDays() float64 {
	return float64(s.Months)*daysPerMonth + float64(s.Days) + float64(s.Micros)/microsPerDay
}

// String prints the span in the units of the task language: "30 days",
// "1 year 2 months", "-12 hours".
func (s Span) String() string {
	if s.IsZero() {
		return "0 days"
	}
	var parts []string
	add := func(n int64, unit string) {
		if n != 0 {
			if n != 1 && n != -1 {
				unit += "s"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, unit))
		}
	}
	add(int64(s.Months/12), "year")
	add(int64(s.Months%12), "month")
	add(int64(s.Days), "day")
	add(s.Micros/microsPerHour, "hour")
	add(s.Micros%microsPerHour/microsPerMinute, "minute")
	if rest := s.Micros % microsPerMinute; rest%microsPerSecond == 0 {
		add(rest/microsPerSecond, "second")
	} else {
		parts = append(parts, fmt.Sprintf("%g seconds", float64(rest)/microsPerSecond))
	}
	return strings.Join(parts, " ")
}
