package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

// toTable are the flags that send predictions, or features, to a table.
type toTable struct {
	url, table string
	more       bool
}

func (t *toTable) register(f *pflag.FlagSet, what string) {
	f.StringVar(&t.url, "to", "", "Postgres to write the "+what+" to, with a role that may write: postgres://writer@host/database")
	f.StringVar(&t.table, "table", "", "with --to: the table, name or schema.name; made where it is missing, its rows replaced in one transaction")
	f.BoolVar(&t.more, "append", false, "with --to: keep the rows that are there"+map[string]string{"predictions": "; the column run tells runs apart"}[what])
}

func (t *toTable) check() error {
	switch {
	case t.url == "" && (t.table != "" || t.more):
		return usage("write --to postgres://writer@host/database", "--table and --append are of --to")
	case t.url != "" && t.table == "":
		return usage("write --table predictions", "--to needs the name of a table")
	}
	return nil
}

// writtenTable is what predict prints with --to.
type writtenTable struct {
	Task    string      `json:"task"`
	Version int         `json:"version"`
	Table   string      `json:"table"`
	Run     string      `json:"run"`
	Rows    int64       `json:"rows"`
	Errors  []*keyFault `json:"errors"`
}

// writeTable writes the predictions to a table, with the version, the run and the time.
func (a *app) writeTable(ctx context.Context, p *predictions, to toTable) error {
	for _, e := range p.faults {
		fmt.Fprintf(a.err, "%s: %s\n", e.Code, e.Detail)
	}
	var columns []sink.Column
	fields := p.fields()
	for _, f := range fields {
		columns = append(columns, sink.Column{Name: f.Name, Kind: f.Kind})
	}
	columns = append(columns, sink.Column{Name: "version", Kind: schema.Int}, sink.Column{Name: "run", Kind: schema.Text}, sink.Column{Name: "made", Kind: schema.Time})
	run, made := strings.ToLower(rand.Text()[:12]), time.Now().UTC()
	lines := p.lines()
	next := func() ([]any, error) {
		if len(lines) == 0 {
			return nil, nil
		}
		row := p.cells(lines[0])
		lines = lines[1:]
		for c, f := range fields {
			if us, ok := row[c].(int64); ok && f.Kind == schema.Time {
				row[c] = time.UnixMicro(us).UTC()
			}
		}
		return append(row, int64(p.from.version), run, made), nil
	}
	rows, err := sink.Write(ctx, to.url, sink.Table{Name: to.table, Append: to.more}, columns, next)
	if err != nil {
		return err
	}
	out := writtenTable{p.from.task, p.from.version, to.table, run, rows, append([]*keyFault{}, p.faults...)}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "wrote %d predictions of task %s, version %d, into table %s, run %s\n", rows, out.Task, out.Version, out.Table, run)
		return err
	})
}
