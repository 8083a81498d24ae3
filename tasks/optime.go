package tasks

import (
	"strings"
	"time"
)

// dateParts are the fields of date_part, with the meaning that Postgres gives them.
var dateParts = map[string]func(t time.Time) float64{
	"year":    func(t time.Time) float64 { return float64(t.Year()) },
	"quarter": func(t time.Time) float64 { return float64((t.Month() + 2) / 3) },
	"month":   func(t time.Time) float64 { return float64(t.Month()) },
	"week": func(t time.Time) float64 {
		_, week := t.ISOWeek()
		return float64(week)
	},
	"isoyear": func(t time.Time) float64 {
		year, _ := t.ISOWeek()
		return float64(year)
	},
	"day":    func(t time.Time) float64 { return float64(t.Day()) },
	"doy":    func(t time.Time) float64 { return float64(t.YearDay()) },
	"dow":    func(t time.Time) float64 { return float64(t.Weekday()) },
	"isodow": func(t time.Time) float64 { return float64((t.Weekday()+6)%7 + 1) },
	"hour":   func(t time.Time) float64 { return float64(t.Hour()) },
	"minute": func(t time.Time) float64 { return float64(t.Minute()) },
	"second": func(t time.Time) float64 { return float64(t.Second()) + float64(t.Nanosecond())/1e9 },
	"epoch":  func(t time.Time) float64 { return float64(t.UnixMicro()) / microsPerSecond },
}

// datePart reads a field of a time in the task zone (rule R19).
func datePart(c *opContext, a []Value) Value {
	if a[0].Null || a[1].Null || a[0].Kind != KindText || a[1].Kind != KindTime {
		return null
	}
	part, ok := dateParts[strings.ToLower(a[0].Text)]
	if !ok {
		return null
	}
	zone := c.options.Zone
	if zone == nil {
		zone = time.UTC
	}
	return number(part(time.UnixMicro(a[1].Int).In(zone)))
}
