package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/rowlink/rowlink/bench"
)

// number prints about three digits; nothing was measured is a dash.
func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 1000:
		return thousands(int64(v + 0.5))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func amount(v float64, u bench.Unit) string {
	if v == 0 {
		return "-"
	}
	return number(v) + " " + u.Name
}

func times(v float64) string {
	if v == 0 {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "x"
}

func percent(share float64) string {
	if share == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*share, 'f', 0, 64) + " %"
}

func threadsOf(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// detailText is a text of a figure's detail.
func detailText(detail json.RawMessage, name string) string {
	var d map[string]any
	if json.Unmarshal(detail, &d) != nil {
		return ""
	}
	text, _ := d[name].(string)
	return text
}

// detailNumber is the same for a number; 0 where there is none.
func detailNumber(detail json.RawMessage, name string) float64 {
	var d map[string]any
	if json.Unmarshal(detail, &d) != nil {
		return 0
	}
	v, _ := d[name].(float64)
	return v
}
