package sample_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// world builds a snapshot of tables without feature columns.
type world struct{ snap *ingest.Snapshot }

func newWorld() *world {
	return &world{&ingest.Snapshot{Schema: &schema.Schema{}}}
}

// table adds a table; times is nil for one without time.
func (w *world) table(name string, rows int, times, until []int64) int {
	def := &schema.Table{Name: name, Columns: []schema.Column{{Name: "id"}}, Key: []int{0}}
	if times != nil {
		def.Columns = append(def.Columns, schema.Column{Name: "time", Kind: schema.Time})
		def.Time = &schema.RowTime{Column: 1, Via: -1, Until: -1}
	}
	w.snap.Schema.Tables = append(w.snap.Schema.Tables, def)
	w.snap.Tables = append(w.snap.Tables, &ingest.Table{Def: def, Rows: rows, Times: times, Until: until})
	return len(w.snap.Tables) - 1
}

// link adds a foreign key column to table child; parents holds row numbers of to.
func (w *world) link(child, to int, column string, parents []int32) {
	t := w.snap.Tables[child]
	t.Def.Columns = append(t.Def.Columns, schema.Column{Name: column})
	t.Def.Links = append(t.Def.Links, schema.Link{Columns: []int{len(t.Def.Columns) - 1}, To: to, Ref: []int{0}})
	t.Parents = append(t.Parents, parents)
}

func (w *world) graph(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := graph.Build(w.snap)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// parseTable adds the table that a line of a script describes:
//
//	table orders time=5,15,never until=-,20,- users=0,1,- users.giver=1,-,0
//
// time, until and links have one value per row; rows=3 stands in where there is
// neither. A link is named by its parent table and, after a point, its column.
func (w *world) parseTable(fields []string) error {
	name, rows := fields[0], -1
	var times, until []int64
	type link struct {
		to      int
		column  string
		parents []int32
	}
	var links []link
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(f, "=")
		values := strings.Split(v, ",")
		if k == "rows" {
			rows, _ = strconv.Atoi(v)
			continue
		}
		rows = len(values)
		switch k {
		case "time":
			times = numbers(values)
		case "until":
			until = numbers(values)
		default:
			parent, column, ok := strings.Cut(k, ".")
			if !ok {
				column = parent + "_id"
			}
			l := link{to: w.snap.Schema.Table(parent), column: column}
			if parent == name {
				l.to = len(w.snap.Tables)
			}
			if l.to < 0 {
				return fmt.Errorf("no table %q", parent)
			}
			for _, n := range numbers(values) {
				if n == ingest.Never {
					n = -1
				}
				l.parents = append(l.parents, int32(n))
			}
			links = append(links, l)
		}
	}
	t := w.table(name, rows, times, until)
	for _, l := range links {
		w.link(t, l.to, l.column, l.parents)
	}
	return nil
}

func numbers(values []string) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		if v == "-" || v == "never" {
			out[i] = ingest.Never
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			panic(err)
		}
		out[i] = n
	}
	return out
}
