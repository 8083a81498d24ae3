package tasks

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Value is what a bound expression yields. Text may share memory with the snapshot.
type Value struct {
	Kind  ValueKind
	Null  bool
	Exact bool    // KindNumber: Int holds the number to the last digit
	Num   float64 // KindNumber; KindBool as 0 or 1
	Int   int64   // KindTime in microseconds UTC; an exact KindNumber
	Text  string
	List  *[]Value // KindList: distinct, sorted, without NULL
}

var null = Value{Null: true}

func boolValue(b bool) Value {
	if b {
		return Value{Exact: true, Num: 1, Int: 1}
	}
	return Value{Exact: true}
}

func intValue(n int64) Value {
	return Value{Kind: KindNumber, Exact: true, Num: float64(n), Int: n}
}

// number returns NULL for what is no number: out of domain never raises an error.
func number(x float64) Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return null
	}
	return Value{Kind: KindNumber, Num: x}
}

func textValue(s string) Value { return Value{Kind: KindText, Text: s} }

func timeValue(at int64) Value { return Value{Kind: KindTime, Int: at} }

// exactLimit is the bound below which every whole float64 is that integer.
const exactLimit = 1 << 53

// Value returns the constant.
func (l *Literal) Value() Value {
	if l.Null {
		return Value{Kind: l.Kind, Null: true}
	}
	switch l.Kind {
	case KindText:
		return textValue(l.Text)
	case KindTime:
		return timeValue(l.Time)
	case KindBool:
		return boolValue(l.Num != 0)
	}
	if l.Exact {
		return intValue(l.Int)
	}
	if l.Num == math.Trunc(l.Num) && math.Abs(l.Num) < exactLimit {
		return intValue(int64(l.Num))
	}
	return number(l.Num)
}

// isTrue reports whether v is TRUE: neither FALSE nor unknown.
func (v Value) isTrue() bool { return !v.Null && v.Num != 0 }

func (v Value) numeric() bool { return v.Kind == KindNumber || v.Kind == KindBool }

// compare orders two values that are not NULL; ok is false for kinds without order
// between them. Text is ordered by its bytes (rule R7).
func compare(a, b Value) (order int, ok bool) {
	switch {
	case a.numeric() && b.numeric():
		if a.Exact && b.Exact {
			return cmp.Compare(a.Int, b.Int), true
		}
		return cmp.Compare(a.Num, b.Num), true
	case a.Kind == KindText && b.Kind == KindText:
		return strings.Compare(a.Text, b.Text), true
	case a.Kind == KindTime && b.Kind == KindTime:
		return cmp.Compare(a.Int, b.Int), true
	}
	return 0, false
}

// String prints the value as class names and reports show it.
func (v Value) String() string {
	switch {
	case v.Null:
		return "NULL"
	case v.Kind == KindText:
		return v.Text
	case v.Kind == KindTime:
		return formatTime(v.Int)
	case v.Kind == KindBool:
		return strconv.FormatBool(v.Num != 0)
	case v.Kind == KindList:
		parts := make([]string, len(*v.List))
		for i, x := range *v.List {
			parts[i] = x.String()
		}
		return strings.Join(parts, "|")
	case v.Exact:
		return strconv.FormatInt(v.Int, 10)
	}
	return strconv.FormatFloat(v.Num, 'g', -1, 64)
}

// formatTime prints an instant in UTC, as a date when it is a midnight.
func formatTime(at int64) string {
	layout := "2006-01-02 15:04:05.999999"
	if at%microsPerDay == 0 {
		layout = time.DateOnly
	}
	return time.UnixMicro(at).UTC().Format(layout)
}

// reader returns the function that reads a column's cells; NaN reads as NULL. It is nil
// for a column that is not stored.
func reader(c *ingest.Column) func(row int32) Value {
	switch c.Kind {
	case schema.Bool:
		return func(row int32) Value { return boolValue(c.Bool(int(row))) }
	case schema.Int:
		return func(row int32) Value { return intValue(c.Ints[row]) }
	case schema.Float:
		return func(row int32) Value { return number(c.Floats[row]) }
	case schema.Text:
		return func(row int32) Value { return textValue(c.Text(int(row))) }
	case schema.Time:
		return func(row int32) Value { return timeValue(c.Ints[row]) }
	}
	return nil
}

// inZone reads local times as those of a zone; nil = they are instants.
func inZone(read func(row int32) Value, zone *time.Location) func(row int32) Value {
	if zone == nil || read == nil {
		return read
	}
	return func(row int32) Value {
		v := read(row)
		if v.Null {
			return v
		}
		return timeValue(ingest.LocalTime(zone, v.Int))
	}
}

// resolved reads a foreign key: one that dangles counts as NULL (rule R7).
func resolved(read func(row int32) Value, parents []int32) func(row int32) Value {
	return func(row int32) Value {
		if parents[row] < 0 {
			return null
		}
		return read(row)
	}
}

// cells is [reader] with NULL cells as NULL.
func cells(c *ingest.Column) func(row int32) Value {
	read := reader(c)
	if read == nil || c.Valid == nil {
		return read
	}
	return func(row int32) Value {
		if c.Null(int(row)) {
			return null
		}
		return read(row)
	}
}
