package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// putFunc appends one printed value to its column.
type putFunc func(f *field, v []byte) error

// textual holds, by type of pg_catalog, how the text that the server prints becomes the value
// that a COPY of the column would have given. What is not here and is not read as text
// either cannot be followed: intervals, money, xml.
var textual = map[string]putFunc{
	"bool": textBool, "int2": textInt, "int4": textInt, "int8": textInt, "oid": textInt,
	"float4": textFloat(32), "float8": textFloat(64),
	"text": putText, "varchar": putText, "name": putText, "bpchar": putPadded, "uuid": putText,
	"date": textDate, "timestamp": textTimestamp, "timestamptz": textTimestamp,
	"time": textTimeOfDay, "timetz": textTimeOfDay, "inet": textInet,
}

// textPut returns how printed values of a column are stored; ok is false where that would not
// surely be what a COPY gives.
func (c *catalog) textPut(p *plan, f planned) (put putFunc, ok bool) {
	t := c.types[f.base]
	identity := slices.Contains(c.identity(p.rel), f.attr.num)
	switch {
	case t.namespace == "pg_catalog" && identity && t.name == "float4":
		return textKeyFloat(32), true
	case t.namespace == "pg_catalog" && identity && t.name == "float8":
		return textKeyFloat(64), true
	case t.namespace == "pg_catalog" && t.name == "numeric" && !identity:
		return textFloat(64), true
	case t.namespace == "pg_catalog" && t.name == "numeric" && f.format.kind == keyInt.kind:
		return textInt, true
	case t.namespace == "pg_catalog" && t.name == "bytea":
		return textBytes, true
	case t.namespace == "pg_catalog" && !t.array && textual[t.name] != nil:
		return textual[t.name], true
	case t.namespace == "pg_catalog" && t.name == "xml":
		return nil, false
	}
	return putText, f.format.before == "" && (f.format.after == "" || f.format.after == "::text") && f.format.kind == asText.kind
}

var errPrinted = errors.New("a printed value cannot be read")

func textBool(f *field, v []byte) error {
	if string(v) != "t" && string(v) != "f" {
		return errPrinted
	}
	f.col.Bool(v[0] == 't')
	return nil
}

func textInt(f *field, v []byte) error {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return errPrinted
	}
	f.col.Int(n)
	return nil
}

// textFloat reads a number, which the server prints such that the nearest value is the one
// that it holds. Numbers beyond float64 become infinite, and so NULL.
func textFloat(bits int) putFunc {
	return func(f *field, v []byte) error {
		x, err := strconv.ParseFloat(string(v), bits)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return errPrinted
		}
		f.float(x)
		return nil
	}
}

// textKeyFloat keeps what is not finite, as keys do.
func textKeyFloat(bits int) putFunc {
	return func(f *field, v []byte) error {
		x, err := strconv.ParseFloat(string(v), bits)
		if err != nil {
			return errPrinted
		}
		f.col.Float(x)
		return nil
	}
}

// textInet adds the length that the server's cast to text always shows.
func textInet(f *field, v []byte) error {
	switch {
	case bytes.IndexByte(v, '/') >= 0:
	case bytes.IndexByte(v, ':') >= 0:
		v = append(slices.Clip(v), "/128"...)
	default:
		v = append(slices.Clip(v), "/32"...)
	}
	return putText(f, v)
}

func textBytes(f *field, v []byte) error {
	digits, ok := bytes.CutPrefix(v, []byte(`\x`))
	if !ok {
		return errPrinted
	}
	f.col.Text(digits)
	return nil
}

func textDate(f *field, v []byte) error {
	if s := string(v); s == "infinity" || s == "-infinity" {
		f.odd.endless++
		f.col.Null()
		return nil
	}
	days, rest, err := civil(string(v))
	if err != nil || rest != "" {
		return errPrinted
	}
	const most = math.MaxInt64 / microPerDay
	if days <= -most || days >= most {
		f.odd.endless++
		f.col.Null()
		return nil
	}
	f.col.Int(days * microPerDay)
	return nil
}

func textTimestamp(f *field, v []byte) error {
	if s := string(v); s == "infinity" || s == "-infinity" {
		f.odd.endless++
		f.col.Null()
		return nil
	}
	days, rest, err := civil(string(v))
	if err != nil {
		return err
	}
	clock, err := clockMicros(strings.TrimSuffix(strings.TrimPrefix(rest, " "), "+00"))
	if err != nil {
		return err
	}
	t := (days-epochDays)*microPerDay + clock // as the server holds it
	if t >= math.MaxInt64-epochMicros {
		f.odd.endless++
		f.col.Null()
		return nil
	}
	f.col.Int(t + epochMicros)
	return nil
}

func textTimeOfDay(f *field, v []byte) error {
	s := string(v)
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		s = s[:i] // the zone does not move the clock
	}
	clock, err := clockMicros(s)
	if err != nil {
		return err
	}
	return putTimeOfDay(f, binary.BigEndian.AppendUint64(nil, uint64(clock)))
}

// civil reads the date in front of s, in ISO form with BC at the end of s, and returns its
// days since 1970-01-01 and what stands behind the date.
func civil(s string) (days int64, rest string, err error) {
	s, bc := strings.CutSuffix(s, " BC")
	date, rest, timed := strings.Cut(s, " ")
	var y, m, d int64
	if n, err := fmt.Sscanf(date, "%d-%d-%d", &y, &m, &d); n != 3 || err != nil || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, "", errPrinted
	}
	if timed {
		rest = " " + rest
	}
	if bc {
		y = 1 - y
	}
	// Days from the civil calendar: years begin in March, so that the leap day is the last.
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	inEra := y - era*400
	inYear := (153*(m-3)+2)/5 + d - 1
	return era*146097 + inEra*365 + inEra/4 - inEra/100 + inYear - 719468, rest, nil
}

// clockMicros reads HH:MM:SS with up to six decimals.
func clockMicros(s string) (int64, error) {
	whole, frac, _ := strings.Cut(s, ".")
	var h, m, sec int64
	if n, err := fmt.Sscanf(whole, "%d:%d:%d", &h, &m, &sec); n != 3 || err != nil || len(frac) > 6 {
		return 0, errPrinted
	}
	micros := int64(0)
	if frac != "" {
		var err error
		if micros, err = strconv.ParseInt((frac + "000000")[:6], 10, 64); err != nil {
			return 0, errPrinted
		}
	}
	return ((h*60+m)*60+sec)*1_000_000 + micros, nil
}
