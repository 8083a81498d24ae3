package labeltest

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// call applies an operator. What it does not know is a bug of the test that asks.
func (n Naive) call(op string, a []any) any {
	null := slices.Contains(a, any(nil))
	switch op {
	case "and":
		if slices.Contains(a, any(false)) {
			return false
		}
		return orUnknown(null, true)
	case "or":
		if slices.Contains(a, any(true)) {
			return true
		}
		return orUnknown(null, false)
	case "is", "is not":
		same := a[0] == nil && a[1] == nil
		if !null {
			same = orderOf(a[0], a[1]) == 0
		}
		return same == (op == "is")
	case "coalesce":
		for _, v := range a {
			if v != nil {
				return v
			}
		}
		return nil
	case "least", "greatest":
		known := slices.DeleteFunc(slices.Clone(a), func(v any) bool { return v == nil })
		if len(known) == 0 {
			return nil
		}
		if op == "least" {
			return slices.MinFunc(known, orderOf)
		}
		return slices.MaxFunc(known, orderOf)
	case "in":
		if a[0] == nil {
			return nil
		}
		for _, v := range a[1:] {
			if v != nil && orderOf(a[0], v) == 0 {
				return true
			}
		}
		return orUnknown(slices.Contains(a[1:], any(nil)), false)
	}
	if null {
		return nil
	}
	if text, ok := a[0].(string); ok {
		if v, known := n.onText(op, text, a[1:]); known {
			return v
		}
	}
	switch op {
	case "not":
		return a[0] == false
	case "=", "<>", "<", "<=", ">", ">=":
		c := orderOf(a[0], a[1])
		return map[string]bool{"=": c == 0, "<>": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]
	case "contains":
		return slices.ContainsFunc(a[0].([]any), func(v any) bool { return orderOf(v, a[1]) == 0 })
	}
	return arithmetic(op, a)
}

// arithmetic works on numbers, times and seconds; out of domain is NULL.
func arithmetic(op string, a []any) any {
	t, moves := a[0].(Instant)
	var x, y float64
	if x = Number(a[0]); len(a) > 1 {
		y = Number(a[1])
	}
	known := func(v float64) any {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	switch op {
	case "-":
		if u, both := a[1].(Instant); both {
			return float64(t-u) / 1e6
		}
		if moves {
			return t - Instant(math.Round(y*1e6))
		}
		return known(x - y)
	case "+":
		if u, second := a[1].(Instant); second {
			t, y, moves = u, x, true
		}
		if moves {
			return t + Instant(math.Round(y*1e6))
		}
		return known(x + y)
	case "*":
		return known(x * y)
	case "/":
		return known(x / y)
	case "neg":
		return -x
	case "abs":
		return math.Abs(x)
	case "ln":
		return known(math.Log(x))
	case "log":
		return known(math.Log10(x))
	case "round":
		scale := math.Pow(10, y)
		return known(math.Round(x*scale) / scale)
	}
	panic("labeltest: " + op)
}

// onText applies the operators whose first argument is text, but for comparisons.
func (n Naive) onText(op, text string, rest []any) (v any, known bool) {
	second := ""
	if len(rest) > 0 {
		second, _ = rest[0].(string)
	}
	switch op {
	case "contains":
		return strings.Contains(text, second), true
	case "starts":
		return strings.HasPrefix(text, second), true
	case "ends":
		return strings.HasSuffix(text, second), true
	case "like":
		return pattern(second).MatchString(text), true
	case "ilike":
		return pattern(strings.ToLower(second)).MatchString(strings.ToLower(text)), true
	case "lower":
		return strings.ToLower(text), true
	case "upper":
		return strings.ToUpper(text), true
	case "length":
		return float64(utf8.RuneCountInString(text)), true
	case "date_part":
		return n.datePart(text, time.UnixMicro(int64(rest[0].(Instant))).In(n.zone())), true
	}
	return nil, false
}

func (n Naive) zone() *time.Location {
	if n.Task.Options.Zone == nil {
		return time.UTC
	}
	return n.Task.Options.Zone
}

// pattern writes an SQL pattern as a regular expression.
func pattern(like string) *regexp.Regexp {
	out, escaped := "(?s)^", false
	for _, r := range like {
		switch {
		case escaped:
			out, escaped = out+regexp.QuoteMeta(string(r)), false
		case r == '\\':
			escaped = true
		case r == '%':
			out += ".*"
		case r == '_':
			out += "."
		default:
			out += regexp.QuoteMeta(string(r))
		}
	}
	if escaped { // at the end it stands for itself
		out += `\\`
	}
	return regexp.MustCompile(out + "$")
}

func (Naive) datePart(part string, at time.Time) any {
	isoYear, isoWeek := at.ISOWeek()
	days := (int(at.Weekday()) + 6) % 7
	fields := map[string]float64{"year": float64(at.Year()), "quarter": float64((int(at.Month())-1)/3 + 1), "month": float64(at.Month()),
		"week": float64(isoWeek), "isoyear": float64(isoYear), "day": float64(at.Day()), "doy": float64(at.YearDay()),
		"dow": float64(at.Weekday()), "isodow": float64(days + 1), "hour": float64(at.Hour()), "minute": float64(at.Minute()),
		"second": float64(at.Second()) + float64(at.Nanosecond())/1e9, "epoch": float64(at.UnixMicro()) / 1e6}
	if v, ok := fields[strings.ToLower(part)]; ok {
		return v
	}
	return nil
}

func orUnknown(unknown, otherwise bool) any {
	if unknown {
		return nil
	}
	return otherwise
}
