package tasks

import "math"

func arithmetic(f func(x, y float64) float64) op {
	return op{2, 2, func(_ *opContext, a []Value) Value {
		if a[0].Null || a[1].Null || !a[0].numeric() || !a[1].numeric() {
			return null
		}
		return number(f(a[0].Num, a[1].Num))
	}}
}

var plus = arithmetic(func(x, y float64) float64 { return x + y }).apply
var minus = arithmetic(func(x, y float64) float64 { return x - y }).apply

// add also moves a time by seconds.
func add(c *opContext, a []Value) Value {
	for i, t := range a {
		s := a[1-i]
		if t.Kind == KindTime && s.numeric() && !t.Null && !s.Null {
			return timeValue(t.Int + int64(math.Round(s.Num*microsPerSecond)))
		}
	}
	return plus(c, a)
}

// subtract gives the seconds between two times, and moves a time back by seconds.
func subtract(c *opContext, a []Value) Value {
	t, s := a[0], a[1]
	if t.Null || s.Null || t.Kind != KindTime {
		return minus(c, a)
	}
	switch {
	case s.Kind == KindTime:
		return number(float64(t.Int-s.Int) / microsPerSecond)
	case s.numeric():
		return timeValue(t.Int - int64(math.Round(s.Num*microsPerSecond)))
	}
	return null
}

// divide is real division; x/0 is NULL (rule R7).
func divide(_ *opContext, a []Value) Value {
	if a[0].Null || a[1].Null || !a[0].numeric() || !a[1].numeric() || a[1].Num == 0 {
		return null
	}
	return number(a[0].Num / a[1].Num)
}

func negate(_ *opContext, a []Value) Value {
	switch v := a[0]; {
	case v.Null || !v.numeric():
		return null
	case v.Exact && v.Int != math.MinInt64:
		return intValue(-v.Int)
	default:
		return number(-v.Num)
	}
}

func absolute(c *opContext, a []Value) Value {
	if !a[0].Null && a[0].Num < 0 {
		return negate(c, a)
	}
	if a[0].numeric() {
		return a[0]
	}
	return null
}

// round rounds halves away from zero, as Postgres does for numeric; the second argument
// is the number of decimals.
func round(_ *opContext, a []Value) Value {
	if a[0].Null || !a[0].numeric() {
		return null
	}
	if len(a) == 1 {
		if a[0].Exact {
			return a[0]
		}
		return number(math.Round(a[0].Num))
	}
	if a[1].Null || !a[1].numeric() {
		return null
	}
	scale := math.Pow(10, math.Trunc(a[1].Num))
	return number(math.Round(a[0].Num*scale) / scale)
}

func logarithm(_ *opContext, a []Value) Value {
	if a[0].Null || !a[0].numeric() {
		return null
	}
	return number(math.Log(a[0].Num))
}

func logarithm10(_ *opContext, a []Value) Value {
	if a[0].Null || !a[0].numeric() {
		return null
	}
	return number(math.Log10(a[0].Num))
}
