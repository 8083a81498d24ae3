package parquet

import (
	"fmt"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// KeyFields are the columns of a table's key as results name them: whole numbers as such,
// all else as text.
func KeyFields(def *schema.Table) []Field {
	var out []Field
	for _, c := range def.Key {
		kind := schema.Text
		if def.Columns[c].Kind == schema.Int {
			kind = schema.Int
		}
		out = append(out, Field{def.Columns[c].Name, kind})
	}
	return out
}

// KeyCells are the values of a row's key for the columns of [KeyFields].
func KeyCells(t *ingest.Table, row int32) []any {
	var out []any
	for i, part := range t.Key(row) {
		if v, ok := part.(int64); ok && t.Def.Columns[t.Def.Key[i]].Kind == schema.Int {
			out = append(out, v)
			continue
		}
		out = append(out, KeyText(part))
	}
	return out
}

// KeyText prints a part of a key; NULL is empty.
func KeyText(part any) string {
	switch v := part.(type) {
	case nil:
		return ""
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(part)
}
