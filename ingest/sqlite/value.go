package sqlite

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rowlink/rowlink/ingest"
)

// putFunc appends a cell as the driver hands it out (int64, float64, string or
// []byte) to a column of its kind; false, with nothing appended, when that would
// lose something. NULL is the caller's.
type putFunc func(c *ingest.ColumnBuilder, v any) bool

func putInt(c *ingest.ColumnBuilder, v any) bool {
	switch v := v.(type) {
	case int64:
		c.Int(v)
		return true
	case float64:
		if v != math.Trunc(v) || v < -1<<63 || v >= 1<<63 {
			return false
		}
		c.Int(int64(v))
		return true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return false
		}
		c.Int(n)
		return true
	}
	return false
}

func putFloat(c *ingest.ColumnBuilder, v any) bool {
	switch v := v.(type) {
	case float64:
		c.Float(v)
		return true
	case int64:
		c.Float(float64(v))
		return true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return false
		}
		c.Float(f)
		return true
	}
	return false
}

func putBool(c *ingest.ColumnBuilder, v any) bool {
	switch v := v.(type) {
	case int64:
		if v != 0 && v != 1 {
			return false
		}
		c.Bool(v == 1)
		return true
	case float64:
		if v != 0 && v != 1 {
			return false
		}
		c.Bool(v == 1)
		return true
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "t", "yes", "y", "on", "1":
			c.Bool(true)
			return true
		case "false", "f", "no", "n", "off", "0":
			c.Bool(false)
			return true
		}
	}
	return false
}

func putText(c *ingest.ColumnBuilder, v any) bool {
	switch v := v.(type) {
	case string:
		c.Text([]byte(v)) // the builder copies; the compiler does not need to
		return true
	case int64:
		c.Text(strconv.AppendInt(nil, v, 10))
		return true
	case float64:
		c.Text(strconv.AppendFloat(nil, v, 'g', -1, 64))
		return true
	case []byte:
		if !utf8.Valid(v) {
			return false
		}
		c.Text(v)
		return true
	}
	return false
}

// putTime takes text in the forms of ISO 8601, and numbers as date functions of
// SQLite and common libraries write them: integers since 1970 in the unit that their
// size tells, fractions as Julian days or as seconds since 1970.
func putTime(c *ingest.ColumnBuilder, v any) bool {
	var micros int64
	ok := false
	switch v := v.(type) {
	case string:
		micros, ok = ingest.ParseInstant(v)
	case int64:
		micros, ok = unixMicros(v), true
	case float64:
		micros, ok = fractionMicros(v)
	}
	if ok {
		c.Int(micros)
	}
	return ok
}

func putTimeOfDay(c *ingest.ColumnBuilder, v any) bool {
	if s, isText := v.(string); isText {
		sec, ok := ingest.ParseTimeOfDay(s)
		if ok {
			c.Float(sec)
		}
		return ok
	}
	return putFloat(c, v)
}
