package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

// tableFeatures is how many features a table of Postgres takes: a row has to fit into a page
// of 8 KB, and numbers are never stored outside of it.
const tableFeatures = 900

// writtenFeatures is what features prints with --to.
type writtenFeatures struct {
	Task     string   `json:"task"`
	Tables   []string `json:"tables"`
	Rows     int64    `json:"rows"`
	Features int      `json:"features"`
}

// tables writes key columns, anchor, split, label and features into a table, and what one
// table cannot hold into further ones beside the same columns.
func (x featureOutput) tables(ctx context.Context, to toTable) error {
	out := writtenFeatures{Task: x.Labels.Task.Name, Features: len(x.Names)}
	for lo := 0; lo < len(x.Names); lo += tableFeatures {
		name := to.table
		if lo > 0 {
			name = fmt.Sprintf("%s_%d", to.table, lo/tableFeatures+1)
		}
		var err error
		if out.Rows, err = x.table(ctx, to, name, lo, min(lo+tableFeatures, len(x.Names))); err != nil {
			return err
		}
		out.Tables = append(out.Tables, name)
	}
	return x.a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "wrote %d features of %d examples of task %s into %s\n", out.Features, out.Rows, out.Task, out.Tables)
		return err
	})
}

// table writes the features from lo to hi.
func (x featureOutput) table(ctx context.Context, to toTable, name string, lo, hi int) (int64, error) {
	var columns []sink.Column
	comments := map[string]string{}
	fields := x.fields()
	for _, f := range fields {
		columns = append(columns, sink.Column{Name: f.Name, Kind: f.Kind})
	}
	for _, n := range x.Names[lo:hi] {
		c := columnName(n)
		if c != n {
			comments[c] = n
		}
		columns = append(columns, sink.Column{Name: c, Kind: schema.Float})
	}
	next, stop := iter.Pull2(x.rows(slices.IndexFunc(fields, func(f parquet.Field) bool { return f.Name == "anchor" && f.Kind == schema.Time }), lo, hi))
	defer stop()
	return sink.Write(ctx, to.url, sink.Table{Name: name, Append: to.more, Comments: comments}, columns, func() ([]any, error) {
		row, err, _ := next()
		return row, err
	})
}

// nameBytes is how long a name of a column may be in Postgres.
const nameBytes = 63

// columnName is a feature's name, or its beginning and a hash where it is too long.
func columnName(feature string) string {
	if len(feature) <= nameBytes {
		return feature
	}
	h := fnv.New32a()
	io.WriteString(h, feature)
	cut := nameBytes - 9
	for !utf8.RuneStart(feature[cut]) {
		cut--
	}
	return fmt.Sprintf("%s~%08x", feature[:cut], h.Sum32())
}

// errStopped ends a walk whose rows nobody wants any more.
var errStopped = errors.New("stopped")

// rows are the cells of all examples, NULL where a feature has no value.
func (x featureOutput) rows(anchor, lo, hi int) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		err := x.each(func(example int, features []float64) error {
			row := x.cells(example)
			row[anchor] = time.UnixMicro(x.Labels.Anchor[example]).UTC()
			for _, v := range features[lo:hi] {
				if math.IsNaN(v) {
					row = append(row, nil)
				} else {
					row = append(row, v)
				}
			}
			if !yield(row, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(nil, err)
		}
	}
}
