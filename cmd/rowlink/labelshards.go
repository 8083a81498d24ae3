package main

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
	"github.com/rowlink/rowlink/tasks"
)

// labelConnections is how many connections copy shards of labels at a time.
const labelConnections = 4

// labelShards has the database compute the labels and copy them out, shard by shard, into a
// folder of Parquet files.
func (a *app) labelShards(ctx context.Context, d *rowlink.Database, task *tasks.Task, shards int, out string) (err error) {
	columns := labelColumns(d, task)
	run := sink.Run{ID: strings.ToLower(rand.Text()[:12]), Shards: shards} // the database may change: none goes on
	to, err := sink.StageFolder(out, run, columns)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, to.Discard())
		}
	}()
	var mu sync.Mutex
	done := 0
	err = d.CopyLabels(ctx, task, shards, labelConnections, func(shard int, r io.Reader) error {
		_, err := to.Put(ctx, shard, sink.Mark{}, labelReader(r, columns))
		mu.Lock()
		defer mu.Unlock()
		done++
		a.update("labels", int64(done), int64(shards), "shards")
		return err
	})
	if err != nil {
		return err
	}
	p, err := to.Publish(ctx)
	if err != nil {
		return err
	}
	return a.print(map[string]any{"task": task.Name, "folder": out, "shards": shards, "examples": p.Rows}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "wrote %d labels of task %s in %d shards to %s\n", p.Rows, task.Name, shards, out)
		return err
	})
}

// labelColumns are those of the label file.
func labelColumns(d *rowlink.Database, task *tasks.Task) []sink.Column {
	var out []sink.Column
	for _, f := range parquet.KeyFields(d.Snap.Tables[task.Entity].Def) {
		out = append(out, sink.Column{Name: f.Name, Kind: f.Kind})
	}
	return append(out, sink.Column{Name: "anchor", Kind: schema.Time}, sink.Column{Name: "label", Kind: schema.Float}, sink.Column{Name: "split", Kind: schema.Text})
}

// labelCells read what the database prints.
var labelCells = map[schema.Kind]func(string) (any, error){
	schema.Text:  func(s string) (any, error) { return s, nil },
	schema.Int:   func(s string) (any, error) { return strconv.ParseInt(s, 10, 64) },
	schema.Float: func(s string) (any, error) { return strconv.ParseFloat(s, 64) },
	schema.Time: func(s string) (any, error) {
		at, err := time.Parse(time.DateTime, s)
		return at.UnixMicro(), err
	},
}

// labelReader turns CSV into the rows of a sink.
func labelReader(r io.Reader, columns []sink.Column) func() ([]any, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.ReuseRecord = len(columns), true
	return func() ([]any, error) {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		row := make([]any, len(columns))
		for i, c := range columns {
			if row[i], err = labelCells[c.Kind](cells[i]); err != nil {
				return nil, fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		return row, nil
	}
}

// checkShards refuses what can be told before anything is read.
func checkShards(shards int, executor, split, out string) error {
	switch {
	case shards < 1:
		return usage("", "--shards is %d, want 1 or more", shards)
	case executor != "sql":
		return usage("--executor sql --shards 16 --out FOLDER", "--shards needs --executor sql: the database copies the shards out")
	case split != "":
		return usage("the files have a column split", "--shards writes all splits")
	case out == "":
		return usage("--out FOLDER", "--shards needs a folder to write to")
	}
	if _, err := os.Stat(out); err == nil {
		return usage("name a folder that does not exist", "--out %s exists", out)
	}
	_, err := folder(out)
	return err
}
