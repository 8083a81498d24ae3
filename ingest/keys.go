package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rowlink/rowlink/schema"
)

// Key is the value of a primary key, one part per column in key order. Its parts are
// int64, string, float64, bool or time.Time, by the kinds of the columns; nil is
// NULL. Keys occur only where users name rows; inside, rows have numbers.
type Key []any

// keyIndex is the index over a table's key, built when it is first asked.
type keyIndex struct {
	once sync.Once
	ix   *index
}

func (t *Table) index() *index {
	t.keys.once.Do(func() { t.keys.ix = newIndex(t, t.Def.Key) })
	return t.keys.ix
}

// Find returns the row with key k. It is safe for concurrent use; the first call
// builds an index in O(rows). ok is false when there is no such row, the table has
// no key, or a part of k has not the type of its column.
func (t *Table) Find(k Key) (row int32, ok bool) {
	if len(k) == 0 || len(k) != len(t.Def.Key) {
		return -1, false
	}
	ix := t.index()
	probes := make([]probe, len(k))
	for i, part := range k {
		code, ok := ix.partCode(i, part)
		if !ok {
			return -1, false
		}
		probes[i] = func(int) (uint64, bool) { return code, true }
	}
	row = ix.find(probes, 0)
	return row, row >= 0
}

// partCode is the code of part i of a key.
func (ix *index) partCode(i int, part any) (code uint64, ok bool) {
	kind := ix.table.Columns[ix.cols[i]].Kind
	switch v := part.(type) {
	case string:
		if kind == schema.Text {
			return ix.word(i, v)
		}
	case int64:
		switch kind {
		case schema.Int:
			return uint64(v), true
		case schema.Float:
			return floatOfInt(v)
		}
	case float64:
		return floatCode(v), kind == schema.Float
	case bool:
		return uint64(boolToInt(v)), kind == schema.Bool
	case time.Time:
		return uint64(v.UnixMicro()), kind == schema.Time
	}
	return 0, false
}

// Key returns the key of row; nil for a table without key.
func (t *Table) Key(row int32) Key {
	if len(t.Def.Key) == 0 {
		return nil
	}
	k := make(Key, len(t.Def.Key))
	for i, c := range t.Def.Key {
		k[i] = t.Columns[c].Value(int(row))
	}
	return k
}

// Value returns one value as int64, string (a copy), float64, bool or time.Time;
// nil is NULL.
func (c *Column) Value(row int) any {
	if c.Null(row) {
		return nil
	}
	switch c.Kind {
	case schema.Int:
		return c.Ints[row]
	case schema.Time:
		return time.UnixMicro(c.Ints[row]).UTC()
	case schema.Float:
		return c.Floats[row]
	case schema.Bool:
		return c.Bool(row)
	}
	return strings.Clone(c.Text(row))
}

// KeyText returns the key of row for people: 42, or 1,a for two parts. Parts of a
// longer key that hold commas or quotes are quoted, so that [Table.ParseKeyText]
// reads them back. It is empty for a table without key.
func (t *Table) KeyText(row int32) string { return t.text(t.Def.Key, row) }

func (t *Table) text(cols []int, row int32) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = partText(t.Columns[c].Value(int(row)))
	}
	if len(parts) > 1 {
		for i, p := range parts {
			if strings.ContainsAny(p, `,"`) {
				parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
			}
		}
	}
	return strings.Join(parts, ",")
}

// splitKey parts a composite key at commas. A part in double quotes may hold commas,
// and quotes twice each. Unlike in CSV, line ends are characters like others.
func splitKey(s string) (parts []string, ok bool) {
	for {
		if !strings.HasPrefix(s, `"`) {
			part, rest, more := strings.Cut(s, ",")
			if parts = append(parts, part); !more {
				return parts, true
			}
			s = rest
			continue
		}
		var part strings.Builder
		for s = s[1:]; ; {
			i := strings.IndexByte(s, '"')
			if i < 0 {
				return nil, false
			}
			part.WriteString(s[:i])
			if s = s[i+1:]; !strings.HasPrefix(s, `"`) {
				break
			}
			part.WriteByte('"')
			s = s[1:]
		}
		parts = append(parts, part.String())
		if s == "" {
			return parts, true
		}
		if s[0] != ',' {
			return nil, false
		}
		s = s[1:]
	}
}

func partText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// ParseKeyText reads a key as [Table.KeyText] writes it.
func (t *Table) ParseKeyText(s string) (Key, error) {
	if len(t.Def.Key) < 2 {
		return t.ParseKey([]string{s})
	}
	parts, ok := splitKey(s)
	if !ok {
		return nil, t.keyError(s, fmt.Sprintf("write %s, parts with commas in double quotes", strings.Join(t.Def.Names(t.Def.Key), ",")))
	}
	return t.ParseKey(parts)
}

// ParseKey reads a key from text, one part per key column, by the columns' kinds. It
// does not look whether the row exists. Errors are [UserError]s.
func (t *Table) ParseKey(parts []string) (Key, error) {
	if err := t.checkParts(len(parts), strings.Join(parts, ",")); err != nil {
		return nil, err
	}
	k := make(Key, len(parts))
	for i, c := range t.Def.Key {
		v, ok := parsePart(t.Columns[c].Kind, parts[i])
		if !ok {
			return nil, t.keyError(parts[i], t.expected(c))
		}
		k[i] = v
	}
	return k, nil
}

func (t *Table) expected(c int) string {
	def := t.Def.Columns[c]
	if def.DBType == "" {
		return def.Kind.String() + " expected"
	}
	return def.DBType + " expected"
}

func (t *Table) keyError(key, hint string) error {
	return &UserError{Msg: fmt.Sprintf("no %s row with key %q", t.Def.Name, key), Hint: hint}
}

// checkParts refuses keys of another length than the table's.
func (t *Table) checkParts(n int, text string) error {
	if len(t.Def.Key) == 0 {
		return &UserError{Msg: fmt.Sprintf("table %q has no key, so its rows cannot be named", t.Def.FullName()), Hint: "give it a key in the mapping, if some columns are unique"}
	}
	if n != len(t.Def.Key) {
		return t.keyError(text, fmt.Sprintf("the key has %d parts: %s; got %d", len(t.Def.Key), strings.Join(t.Def.Names(t.Def.Key), ", "), n))
	}
	return nil
}

// keyTimes are the forms in which a time in a key may be written; without a zone it is UTC.
var keyTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly}

func parsePart(kind schema.Kind, s string) (v any, ok bool) {
	var err error
	switch kind {
	case schema.Text:
		return s, true
	case schema.Int:
		v, err = strconv.ParseInt(s, 10, 64)
	case schema.Float:
		v, err = strconv.ParseFloat(s, 64)
	case schema.Bool:
		v, err = strconv.ParseBool(s)
	case schema.Time:
		for _, form := range keyTimes {
			if t, err := time.Parse(form, s); err == nil {
				return t.UTC().Round(time.Microsecond), true
			}
		}
		return nil, false
	default:
		return nil, false
	}
	return v, err == nil
}

// ParseJSONKey reads a key from JSON: one value, or an array with one value per key
// column. Integers are exact over the whole range of int64; any part may also be
// given as the string that [Table.ParseKey] takes. Errors are [UserError]s.
func (t *Table) ParseJSONKey(raw []byte) (Key, error) {
	text := string(bytes.TrimSpace(raw))
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("more than one value")
		}
	}
	if err != nil {
		return nil, t.keyError(text, "the key is no JSON value")
	}
	parts, isArray := v.([]any)
	if !isArray {
		parts = []any{v}
	}
	if err := t.checkParts(len(parts), text); err != nil {
		return nil, err
	}
	k := make(Key, len(parts))
	for i, c := range t.Def.Key {
		var ok bool
		if k[i], ok = jsonPart(t.Columns[c].Kind, parts[i]); !ok {
			return nil, t.keyError(text, t.expected(c))
		}
	}
	return k, nil
}

func jsonPart(kind schema.Kind, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return parsePart(kind, v)
	case json.Number:
		if kind == schema.Int || kind == schema.Float || kind == schema.Text {
			return parsePart(kind, v.String())
		}
	case bool:
		return v, kind == schema.Bool
	}
	return nil, false
}
