package tasks

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// world builds snapshots for tests from rows of text; "" is NULL.
type world struct {
	snap *ingest.Snapshot
	rows [][][]string // per table
	keys []map[string]int32
}

// tableSpec describes a table in one line per column: "name kind", with kind one of
// int, float, text, bool, time; "*" marks the key, ">table" a foreign key, "@" the time.
type tableSpec struct {
	name    string
	columns string
}

func newWorld(specs ...tableSpec) *world {
	w := &world{snap: &ingest.Snapshot{Schema: &schema.Schema{}}}
	number := func(name string) int {
		return slices.IndexFunc(specs, func(s tableSpec) bool { return s.name == name })
	}
	kinds := map[string]schema.Kind{"int": schema.Int, "float": schema.Float, "text": schema.Text, "bool": schema.Bool, "time": schema.Time}
	for _, s := range specs {
		def := &schema.Table{Name: s.name}
		for i, field := range strings.Split(s.columns, ", ") {
			parts := strings.Fields(field)
			c := schema.Column{Name: strings.Trim(parts[0], "*@~"), Kind: kinds[parts[1]]}
			def.Columns = append(def.Columns, c)
			if strings.Contains(parts[0], "*") {
				def.Key = append(def.Key, i)
			}
			if strings.Contains(parts[0], "@") {
				def.Time = &schema.RowTime{Column: i, Via: -1, Until: -1}
			}
			if strings.Contains(parts[0], "~") {
				def.Time.Until = i
			}
			if len(parts) > 2 {
				def.Links = append(def.Links, schema.Link{Name: c.Name, Columns: []int{i}, To: number(parts[2][1:])})
			}
		}
		w.snap.Schema.Tables = append(w.snap.Schema.Tables, def)
	}
	for i, def := range w.snap.Schema.Tables {
		for k := range def.Links {
			def.Links[k].Ref = w.snap.Schema.Tables[def.Links[k].To].Key
		}
		_ = i
	}
	w.rows = make([][][]string, len(specs))
	return w
}

// link adds a foreign key of several columns.
func (w *world) link(table string, columns []string, to string) {
	t := w.table(table)
	l := schema.Link{Name: strings.Join(columns, "_"), To: w.number(to), Ref: w.table(to).Key}
	for _, c := range columns {
		l.Columns = append(l.Columns, t.Column(c))
	}
	t.Links = append(t.Links, l)
}

func (w *world) number(table string) int          { return w.snap.Schema.Table(table) }
func (w *world) table(table string) *schema.Table { return w.snap.Schema.Tables[w.number(table)] }

func (w *world) add(table string, cells ...string) {
	n := w.number(table)
	w.rows[n] = append(w.rows[n], cells)
}

// build sorts the rows by key, resolves references and returns the snapshot.
func (w *world) build(t testing.TB) *ingest.Snapshot {
	t.Helper()
	w.keys = make([]map[string]int32, len(w.rows))
	w.snap.Tables = make([]*ingest.Table, len(w.rows))
	for i, def := range w.snap.Schema.Tables {
		rows := slices.Clone(w.rows[i])
		if len(def.Key) > 0 {
			slices.SortStableFunc(rows, func(a, b []string) int { return compareKeys(def, a, b) })
		}
		w.keys[i] = map[string]int32{}
		for r, cells := range rows {
			w.keys[i][joinCells(cells, def.Key)] = int32(r)
		}
		w.snap.Tables[i] = fillTable(t, def, rows)
		w.rows[i] = rows
	}
	for i, def := range w.snap.Schema.Tables {
		for _, l := range def.Links {
			parents := make([]int32, len(w.rows[i]))
			for r, cells := range w.rows[i] {
				parents[r] = -1
				if p, ok := w.keys[l.To][joinCells(cells, l.Columns)]; ok {
					parents[r] = p
				}
			}
			w.snap.Tables[i].Parents = append(w.snap.Tables[i].Parents, parents)
		}
	}
	return w.snap
}

func joinCells(cells []string, columns []int) string {
	var parts []string
	for _, c := range columns {
		parts = append(parts, cells[c])
	}
	return strings.Join(parts, "\x1f")
}

func compareKeys(def *schema.Table, a, b []string) int {
	for _, k := range def.Key {
		if def.Columns[k].Kind == schema.Int {
			x, _ := strconv.Atoi(a[k])
			y, _ := strconv.Atoi(b[k])
			if x != y {
				return x - y
			}
		} else if c := strings.Compare(a[k], b[k]); c != 0 {
			return c
		}
	}
	return 0
}

func fillTable(t testing.TB, def *schema.Table, rows [][]string) *ingest.Table {
	t.Helper()
	out := &ingest.Table{Def: def, Rows: len(rows), Columns: make([]ingest.Column, len(def.Columns)), Dangling: make([]int, len(def.Links))}
	for c := range def.Columns {
		col := &out.Columns[c]
		col.Kind = def.Columns[c].Kind
		col.Valid = make([]byte, len(rows)/8+1)
		col.Bits = make([]byte, len(rows)/8+1)
		col.Offsets = []int64{0}
		for r, cells := range rows {
			setCell(t, col, r, cells[c])
		}
	}
	if def.Time == nil {
		return out
	}
	out.Times = instants(&out.Columns[def.Time.Column], len(rows))
	for _, at := range out.Times {
		if at == ingest.Never {
			out.NoTime++
		}
	}
	if def.Time.Until >= 0 {
		out.Until = instants(&out.Columns[def.Time.Until], len(rows))
	}
	return out
}

func instants(c *ingest.Column, n int) []int64 {
	out := make([]int64, n)
	for r := range out {
		out[r] = ingest.Never
		if !c.Null(r) {
			out[r] = c.Ints[r]
		}
	}
	return out
}

func setCell(t testing.TB, c *ingest.Column, r int, cell string) {
	t.Helper()
	var err error
	i, x, b := int64(0), 0.0, false
	if cell != "" {
		c.Valid[r>>3] |= 1 << (r & 7)
		switch c.Kind {
		case schema.Int:
			i, err = strconv.ParseInt(cell, 10, 64)
		case schema.Float:
			x, err = strconv.ParseFloat(cell, 64)
		case schema.Bool:
			b, err = strconv.ParseBool(cell)
		case schema.Time:
			i = instant(t, cell)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		c.Ints = append(c.Ints, i)
	case schema.Float:
		c.Floats = append(c.Floats, x)
	case schema.Bool:
		if b {
			c.Bits[r>>3] |= 1 << (r & 7)
		}
	case schema.Text:
		c.Bytes = append(c.Bytes, cell...)
		c.Offsets = append(c.Offsets, int64(len(c.Bytes)))
	}
}

// instant reads a date or a time in UTC.
func instant(t testing.TB, s string) int64 {
	t.Helper()
	s = strings.Replace(s, "T", " ", 1)
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05.999999"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UnixMicro()
		}
	}
	t.Fatalf("no time: %q", s)
	return 0
}

// readCSV returns the header's positions and the rows of a file.
func readCSV(t testing.TB, path string) (map[string]int, [][]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	header := map[string]int{}
	for i, name := range all[0] {
		header[name] = i
	}
	return header, all[1:]
}

// Expressions for hand-built tasks.

func lit(x float64) Expr                  { return &Literal{Kind: KindNumber, Num: x} }
func litText(s string) Expr               { return &Literal{Kind: KindText, Text: s} }
func call(op string, args ...Expr) *Call  { return &Call{Op: op, Args: args} }
func days(n int) Span                     { return Span{Days: n} }
func window(start, end Span) Window       { return Window{Start: start, End: end} }
func (w *world) task(entity string) *Task { return &Task{Name: "test", Entity: w.number(entity)} }

func (w *world) col(table, column string) *ColumnExpr {
	return &ColumnExpr{Table: w.number(table), Column: w.table(table).Column(column)}
}

// via reads a column of the parent that a link of table points to.
func (w *world) via(table, link, column string) *ColumnExpr {
	step := w.up(table, link)
	to := w.table(table).Links[step.Link].To
	return &ColumnExpr{Table: w.number(table), Links: []int{step.Link}, Column: w.snap.Schema.Tables[to].Column(column)}
}

func (w *world) up(table, link string) Step {
	for i, l := range w.table(table).Links {
		if l.Name == link {
			return Step{Table: w.number(table), Link: i}
		}
	}
	panic("tasks: no link " + link)
}

func (w *world) agg(fn, table string, arg Expr, win Window, path ...Step) *Aggregate {
	return &Aggregate{Fn: fn, Table: w.number(table), Path: path, Arg: arg, Window: win, Empty: DefaultEmpty(fn)}
}
