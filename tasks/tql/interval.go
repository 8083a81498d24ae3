package tql

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Interval is a calendar duration: months first (clamped to the last day of the
// month), then days by the wall clock, then exact microseconds. All parts have the
// same sign.
type Interval struct {
	Months, Days int
	Micros       int64
}

// Neg returns the interval in the other direction.
func (iv Interval) Neg() Interval { return Interval{-iv.Months, -iv.Days, -iv.Micros} }

// String prints the interval in the form [ParseInterval] reads: "1 month 2 days",
// "-7 days", "12 hours 1.5 seconds"; nothing is "0 days".
func (iv Interval) String() string {
	var parts []string
	put := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if n == 1 || n == -1 {
			unit = strings.TrimSuffix(unit, "s")
		}
		parts = append(parts, strconv.FormatInt(n, 10)+" "+unit)
	}
	put(int64(iv.Months), "months")
	put(int64(iv.Days), "days")
	put(iv.Micros/3600e6, "hours")
	put(iv.Micros%3600e6/60e6, "minutes")
	if s := iv.Micros % 60e6; s%1e6 == 0 {
		put(s/1e6, "seconds")
	} else {
		sign := ""
		if s < 0 {
			sign, s = "-", -s
		}
		text := strings.TrimRight(fmt.Sprintf("%d.%06d", s/1e6, s%1e6), "0")
		parts = append(parts, sign+text+" seconds")
	}
	if parts == nil {
		return "0 days"
	}
	return strings.Join(parts, " ")
}

var (
	intervalPair  = regexp.MustCompile(`^(-?)([0-9]+)(\.[0-9]{1,6})?[ \t]*([A-Za-z]+)`)
	intervalClock = regexp.MustCompile(`^(-?)([0-9]+):([0-5][0-9])(?::([0-5][0-9])(\.[0-9]{1,6})?)?`)
)

// ParseInterval reads an interval string: number and unit pairs and a clock part
// hh:mm[:ss], all of one sign, as in "1 month 2 days" and "-12:00:00". Only hours,
// minutes and seconds may have a fraction.
func ParseInterval(text string) (Interval, error) {
	var sum Interval
	rest := strings.TrimSpace(text)
	if rest == "" {
		return sum, errors.New("an interval needs a number and a unit")
	}
	for rest != "" {
		part, size, err := intervalPart(rest)
		if err != nil {
			return Interval{}, err
		}
		if sum, err = sum.plus(part); err != nil {
			return Interval{}, err
		}
		if next := rest[size:]; next != "" && !strings.ContainsAny(next[:1], " \t") {
			return Interval{}, fmt.Errorf("%q is no interval, want a number and a unit", rest)
		}
		rest = strings.TrimSpace(rest[size:])
	}
	return sum, nil
}

// intervalPart reads the first pair or clock of s and returns its size in bytes.
func intervalPart(s string) (Interval, int, error) {
	if m := intervalClock.FindStringSubmatch(s); m != nil {
		h, err1 := strconv.ParseInt(m[2], 10, 64)
		minute, _ := strconv.ParseInt(m[3], 10, 64)
		second, _ := strconv.ParseInt("0"+m[4], 10, 64)
		iv, err2 := Hour.Times(h)
		if err1 != nil || err2 != nil {
			return Interval{}, 0, fmt.Errorf("%q is out of range, want at most %d years", m[0], maxYears)
		}
		iv.Micros += minute*60e6 + second*1e6 + fraction(m[5], 1e6)
		return signed(iv, m[1]), len(m[0]), nil
	}
	m := intervalPair.FindStringSubmatch(s)
	if m == nil {
		return Interval{}, 0, fmt.Errorf("%q is no interval, want a number and a unit", s)
	}
	unit, ok := parseUnit(m[4])
	if !ok {
		if unit, ok = shortUnits[strings.ToLower(m[4])]; !ok {
			return Interval{}, 0, &unknownUnit{m[4]}
		}
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return Interval{}, 0, fmt.Errorf("%s %s is out of range, want at most %d years", m[2], unit, maxYears)
	}
	iv, err := unit.Times(n)
	if err != nil {
		return Interval{}, 0, err
	}
	if m[3] != "" {
		if unit > Hour {
			return Interval{}, 0, fmt.Errorf("%s%s %s is not a whole number of %s, want a smaller unit", m[2], m[3], unit, unit)
		}
		iv.Micros += fraction(m[3], unitSizes[unit].Micros)
	}
	return signed(iv, m[1]), len(m[0]), nil
}

// unknownUnit is the error of an interval with an unknown unit (TK110).
type unknownUnit struct{ word string }

func (e *unknownUnit) Error() string { return fmt.Sprintf("unknown unit %q", e.word) }

// fraction returns ".5" and the like times scale.
func fraction(digits string, scale int64) int64 {
	if digits == "" {
		return 0
	}
	n, _ := strconv.ParseInt((digits[1:] + "000000")[:6], 10, 64)
	return n * (scale / 1e6)
}

func signed(iv Interval, sign string) Interval {
	if sign == "-" {
		return iv.Neg()
	}
	return iv
}

// plus adds intervals of one sign.
func (iv Interval) plus(o Interval) (Interval, error) {
	if (iv.positive() && o.negative()) || (iv.negative() && o.positive()) {
		return iv, errors.New("the parts of an interval have different signs")
	}
	sum := Interval{iv.Months + o.Months, iv.Days + o.Days, iv.Micros + o.Micros}
	for _, part := range []struct {
		u Unit
		n int64
	}{{Month, int64(sum.Months)}, {Day, int64(sum.Days)}, {Second, sum.Micros / 1e6}} {
		if _, err := part.u.Times(part.n); err != nil {
			return iv, err
		}
	}
	return sum, nil
}

func (iv Interval) positive() bool { return iv.Months > 0 || iv.Days > 0 || iv.Micros > 0 }
func (iv Interval) negative() bool { return iv.Months < 0 || iv.Days < 0 || iv.Micros < 0 }
