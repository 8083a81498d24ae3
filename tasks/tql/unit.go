package tql

import (
	"fmt"
	"strings"
)

// Unit is a unit of time.
type Unit uint8

// The units. A week is 7 days, a quarter 3 months, a year 12 months.
const (
	NoUnit Unit = iota
	Second
	Minute
	Hour
	Day
	Week
	Month
	Quarter
	Year
)

var unitNames = [...]string{"", "seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years"}

// String returns the plural name in lower case, as printed in windows.
func (u Unit) String() string { return unitNames[u] }

// one unit of each kind
var unitSizes = [...]Interval{
	Second: {Micros: 1e6}, Minute: {Micros: 60e6}, Hour: {Micros: 3600e6},
	Day: {Days: 1}, Week: {Days: 7}, Month: {Months: 1}, Quarter: {Months: 3}, Year: {Months: 12},
}

// parseUnit reads a unit name, singular or plural, in any case.
func parseUnit(word string) (Unit, bool) {
	word = strings.ToLower(word)
	for u := Second; u <= Year; u++ {
		if word == unitNames[u] || word == unitNames[u][:len(unitNames[u])-1] {
			return u, true
		}
	}
	return NoUnit, false
}

// short spellings that only interval strings know
var shortUnits = map[string]Unit{
	"mon": Month, "mons": Month, "min": Minute, "mins": Minute,
	"hr": Hour, "hrs": Hour, "sec": Second, "secs": Second,
}

// the longest interval in years; calendar arithmetic on instants stays far from
// overflow below it
const maxYears = 10000

// Times returns n units, an error beyond 10000 years.
func (u Unit) Times(n int64) (Interval, error) {
	one := unitSizes[u]
	limits := [...]int64{maxYears * 12, maxYears * 366, maxYears * 366 * 86400e6}
	for i, size := range [...]int64{int64(one.Months), int64(one.Days), one.Micros} {
		if size != 0 && (n > limits[i]/size || n < -limits[i]/size) {
			return Interval{}, fmt.Errorf("%d %s is out of range, want at most %d years", n, u, maxYears)
		}
	}
	return Interval{Months: one.Months * int(n), Days: one.Days * int(n), Micros: one.Micros * n}, nil
}

// unitHint is the hint of TK110 for an unknown unit.
func unitHint(word string) string {
	hint := "the units are " + strings.Join(unitNames[Second:], ", ") + "; a window may also be written OVER (NEXT '14 days')."
	if near, ok := Nearest(word, unitNames[Second:]); ok {
		hint = fmt.Sprintf("did you mean %q? ", near) + strings.ToUpper(hint[:1]) + hint[1:]
	}
	return hint
}
