package csvdir

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rowlink/rowlink/ingest"
)

// putFunc appends a field that is not NULL to a column of its kind; false, with nothing
// appended, where the type cannot hold it.
type putFunc func(c *ingest.ColumnBuilder, field string) bool

func putInt(c *ingest.ColumnBuilder, field string) bool {
	v, err := strconv.ParseInt(strings.TrimSpace(field), 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(strings.TrimSpace(field), 64) // 3.0, as frames write integers with gaps
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return false
		}
		v = int64(f)
	}
	c.Int(v)
	return true
}

func putFloat(c *ingest.ColumnBuilder, field string) bool {
	f, ok := number(field, 64)
	if ok {
		c.Float(f)
	}
	return ok
}

// putReal rounds as a column of four bytes does.
func putReal(c *ingest.ColumnBuilder, field string) bool {
	f, ok := number(field, 32)
	if ok {
		c.Float(f)
	}
	return ok
}

func number(field string, bits int) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(field), bits)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// putMoney takes a currency sign and commas between thousands away.
func putMoney(c *ingest.ColumnBuilder, field string) bool {
	return putFloat(c, strings.NewReplacer("$", "", "€", "", "£", "", ",", "").Replace(field))
}

// truths are the ways in which Postgres reads booleans.
var truths = map[string]bool{
	"t": true, "true": true, "y": true, "yes": true, "on": true, "1": true,
	"f": false, "false": false, "n": false, "no": false, "off": false, "0": false,
}

func putBool(c *ingest.ColumnBuilder, field string) bool {
	v, ok := truths[strings.ToLower(strings.TrimSpace(field))]
	if ok {
		c.Bool(v)
	}
	return ok
}

func putText(c *ingest.ColumnBuilder, field string) bool {
	ok := utf8.ValidString(field)
	if ok {
		c.Text([]byte(field))
	}
	return ok
}

// putPadded takes the blanks away with which character(n) is filled up.
func putPadded(c *ingest.ColumnBuilder, field string) bool {
	return putText(c, strings.TrimRight(field, " "))
}

func putTime(c *ingest.ColumnBuilder, field string) bool {
	v, ok := ingest.ParseInstant(field)
	if ok {
		c.Int(v)
	}
	return ok
}

func putTimeOfDay(c *ingest.ColumnBuilder, field string) bool {
	v, ok := ingest.ParseTimeOfDay(field)
	if ok {
		c.Float(v)
	}
	return ok
}
