package tql

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/labeltest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// ruleWorld is the database of a rule's script.
type ruleWorld struct {
	sc   *schema.Schema
	data [][][]any
	snap *ingest.Snapshot
}

// readWorld reads a world: the form of testdata/schema.sql, and a line "table: a | b" for
// each row.
func readWorld(t testing.TB, text string) *ruleWorld {
	t.Helper()
	w := &ruleWorld{sc: undeclared(readSchema(t, text))}
	w.data = make([][][]any, len(w.sc.Tables))
	rows := 0
	for line := range strings.Lines(text) {
		name, cells, _ := strings.Cut(strings.TrimSpace(line), ": ")
		at := w.sc.Table(unquote(name))
		if at < 0 {
			continue
		}
		columns := w.sc.Tables[at].Columns
		parts := strings.Split(cells, "|")
		if len(parts) != len(columns) {
			t.Fatalf("%q has %d cells, want %d", line, len(parts), len(columns))
		}
		row := make([]any, len(columns))
		for c, part := range parts {
			row[c] = readCell(t, &columns[c], strings.TrimSpace(part))
		}
		w.data[at] = append(w.data[at], row)
		rows++
	}
	w.snap = snapshotOf(t, w.sc, w.data)
	w.snap.Taken = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	if _, rest, ok := strings.Cut(text, "-- taken: "); ok {
		w.snap.Taken = readCell(t, &schema.Column{Kind: schema.Time}, rest[:10]).(time.Time).UnixMicro()
	}
	return w
}

// readCell reads a value as the column's type; NULL is none, ” the empty text.
func readCell(t testing.TB, c *schema.Column, text string) any {
	t.Helper()
	if text == "NULL" {
		return nil
	}
	var v any
	var err error
	switch c.Kind {
	case schema.Bool:
		v, err = strconv.ParseBool(text)
	case schema.Int:
		v, err = strconv.ParseInt(text, 10, 64)
	case schema.Float:
		v, err = strconv.ParseFloat(text, 64)
	case schema.Time:
		layout := "2006-01-02 15:04:05.999999"[:min(26, max(10, len(text)))]
		v, err = time.Parse(layout, text)
	default:
		v = strings.Trim(text, "'")
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// told are the remarks that a script prints; the others are about how much data there is.
var told = []string{"TK203", "TK204", "TK207", "TK208", "TK209", "TK210", "TK211", "TK212", "TK213", "TK216", "TK219", "TK220", "TK222", "TK223", "TK225"}

// ruleRun computes what a script expects of one text over its world.
type ruleRun struct {
	w    *ruleWorld
	conn *pgx.Conn // nil = not on Postgres
}

// run prints the answer; an error is a disagreement of executors.
func (r *ruleRun) run(t testing.TB, input string) (string, error) {
	show := "labels"
	text := input
	if rest, ok := strings.CutPrefix(input, "-- show: "); ok {
		show, text, _ = strings.Cut(rest, "\n")
	}
	task, err := Bind(text, r.w.sc)
	if err != nil {
		return strings.TrimSuffix(err.(Errors).Pretty(), "\n"), nil
	}
	if task.Raw != nil {
		task.Raw.Source = rawSource(r.w.snap)
	}
	labels, err := tasks.Label(t.Context(), r.w.snap, task, 1)
	var faults Errors
	var fault *tasks.Error
	switch {
	case errors.As(err, &fault):
		return "ERROR:  " + fault.Code + ": " + fault.Msg, nil
	case errors.As(err, &faults):
		return strings.TrimSuffix(faults.Pretty(), "\n"), nil
	case err != nil:
		return "", err
	}
	var b strings.Builder
	if err := r.show(t, &b, show, task, labels); err != nil {
		return "", err
	}
	for _, w := range append(slices.Clone(task.Warnings), labels.Report.Warnings...) {
		if slices.Contains(told, w[:5]) {
			b.WriteString(w + "\n")
		}
	}
	checked, err := r.check(t, task, labels)
	b.WriteString("checked: " + strings.Join(checked, ", "))
	return b.String(), err
}

// show prints what the first line of a case asks for.
func (r *ruleRun) show(t testing.TB, b *strings.Builder, what string, task *tasks.Task, labels *tasks.LabelTable) error {
	o := &task.Options
	switch what {
	case "labels":
		r.showLabels(b, labels, false)
	case "cuts":
		r.showLabels(b, labels, true)
	case "hash":
		fmt.Fprintf(b, "hash %.16s\n", labels.Hash())
	case "grid":
		grid, err := task.Grid()
		if err != nil {
			return err
		}
		for s, anchors := range grid.Anchors {
			fmt.Fprintf(b, "%s:", tasks.Split(s))
			for _, a := range anchors {
				b.WriteString(" " + stamp(a, o.Zone) + ",")
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "step %s, data from %s until %s\n", o.Step, stamp(o.DataFrom, o.Zone), stamp(o.DataUntil, o.Zone))
	case "hidden":
		for _, ref := range o.Mask {
			fmt.Fprintf(b, "%s.%s\n", r.w.sc.Tables[ref.Table].Name, r.w.sc.Tables[ref.Table].Columns[ref.Column].Name)
		}
	case "history":
		h, err := tasks.History(t.Context(), r.w.snap, task, o.TestAnchor)
		if err != nil {
			return err
		}
		for i := range h.Entity {
			fmt.Fprintf(b, "%s = %s of %s, known from %s\n", r.w.snap.Tables[task.Entity].KeyText(h.Entity[i]), h.Text(i), stamp(h.Anchor[i], o.Zone),
				stamp(o.Closed(h.Anchor[i], task.Horizon), o.Zone))
		}
	case "open":
		x, err := tasks.NewExecutor(r.w.snap, task, 1)
		if err != nil {
			return err
		}
		entity := r.w.snap.Tables[task.Entity]
		rows := make([]int32, entity.Rows)
		for i := range rows {
			rows[i] = int32(i)
		}
		b.WriteString("to be predicted:")
		for _, row := range x.Open(rows) {
			b.WriteString(" " + entity.KeyText(row))
		}
		b.WriteString("\n")
	default:
		return fmt.Errorf("-- show: %s", what)
	}
	return nil
}

// showLabels prints the examples of each anchor in a line, and why pairs gave none.
func (r *ruleRun) showLabels(b *strings.Builder, l *tasks.LabelTable, cuts bool) {
	last := ""
	for i := range l.Entity {
		head := l.Split[i].String() + " " + stamp(l.Anchor[i], l.Task.Options.Zone)
		if cuts {
			head += " cut " + stamp(l.Cut(i), l.Task.Options.Zone)
		}
		if head != last {
			if last != "" {
				b.WriteString("\n")
			}
			b.WriteString(head + ":")
		}
		last = head
		fmt.Fprintf(b, " %s=%s", r.w.snap.Tables[l.Task.Entity].KeyText(l.Entity[i]), l.Text(i))
	}
	if last == "" {
		b.WriteString("no example")
	}
	b.WriteString("\n")
	n := &l.Report
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{n.NotVisible, "not visible"}, {n.FrozenOut, "not visible at the frozen cut"}, {n.WhereFalse, "WHERE not true"}, {n.Unassumed, "ASSUMING not true"},
		{n.Skipped, "skipped"}, {n.NullLabel, "without label"}, {n.UnseenClass, "of a class unseen in training"}, {n.NoLabel, "without answer"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if parts != nil {
		b.WriteString("dropped: " + strings.Join(parts, ", ") + "\n")
	}
}

// stamp prints an instant in a zone, with the offset where that is not UTC.
func stamp(at int64, zone *time.Location) string {
	t := time.UnixMicro(at).In(zone)
	layout := "2006-01-02 15:04:05.999999"
	if t.Second() == 0 && t.Nanosecond() == 0 {
		layout = "2006-01-02 15:04"
	}
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0 {
		layout = time.DateOnly
	}
	if zone != time.UTC {
		layout += "Z07"
	}
	return t.Format(layout)
}

// check compares the executors and names those that computed the labels.
func (r *ruleRun) check(t testing.TB, task *tasks.Task, labels *tasks.LabelTable) ([]string, error) {
	checked := []string{"memory"}
	again, err := tasks.Label(t.Context(), r.w.snap, task, 4)
	if err != nil {
		return nil, err
	}
	if again.Hash() != labels.Hash() {
		return nil, errors.New("4 threads give another table than one")
	}
	entity := r.w.snap.Tables[task.Entity]
	want := labelRows(labels, entity)
	if task.Raw != nil {
		return []string{"embedded SQLite"}, nil
	}
	naive, err := labeltest.Naive{Snap: r.w.snap, Task: task}.Examples()
	if err == nil {
		checked = append(checked, "naive executor")
		if msg := sameRows(naiveRows(naive, entity), want); msg != "" {
			return nil, errors.New("naive executor against memory: " + msg)
		}
	}
	var grid *tasks.Grid
	if !task.Static() {
		if grid, err = task.Grid(); err != nil {
			return nil, err
		}
	}
	sql, err := SQL(task, r.w.sc, grid)
	if err != nil {
		return append(checked, "not on Postgres ("+err.Error()+")"), nil
	}
	checked = append(checked, "Postgres")
	if r.conn == nil {
		return checked, nil
	}
	if msg := sameRows(query(t, r.conn, sql), want); msg != "" {
		return nil, errors.New("Postgres against memory: " + msg + "\n" + sql)
	}
	return checked, nil
}

// naiveRows prints the examples of the naive executor in the form of label tables.
func naiveRows(examples []labeltest.Example, entity *ingest.Table) []row {
	out := make([]row, len(examples))
	for i, e := range examples {
		out[i] = row{e.Split.String(), entity.KeyText(e.Entity), e.Anchor, e.Text}
	}
	return out
}

// ruleFiles are the scripts of the rules R1 to R21.
func ruleFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "rules", "r*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts of rules (%v)", err)
	}
	return files
}

// TestRules runs the script of each rule in memory and by the naive executor.
func TestRules(t *testing.T) {
	for _, file := range ruleFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) { runRule(t, file, nil) })
	}
}

// TestRules_postgres runs the same scripts with the lowered SQL beside.
func TestRules_postgres(t *testing.T) {
	conn := connect(t, pgtest.URL(t))
	for _, file := range ruleFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) { runRule(t, file, conn) })
	}
}

// runRule runs the cases of a script. A case that begins with -- R or CREATE TABLE is a
// world, in which the following cases take place.
func runRule(t *testing.T, file string, conn *pgx.Conn) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &ruleRun{conn: conn}
	var out strings.Builder
	for c := range strings.SplitSeq(strings.TrimSuffix(string(data), "====\n"), "====\n") {
		input, want, _ := strings.Cut(c, "----\n")
		if strings.HasPrefix(input, "-- R") || strings.HasPrefix(input, "CREATE TABLE") {
			r.w = readWorld(t, input)
			if conn != nil {
				if _, err := conn.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
					t.Fatal(err)
				}
				if err := conn.DeallocateAll(t.Context()); err != nil { // statements about the tables before
					t.Fatal(err)
				}
				loadTables(t, conn, r.w.sc, r.w.data)
			}
			out.WriteString(input + "====\n")
			continue
		}
		got, err := r.run(t, strings.TrimSuffix(input, "\n"))
		if err != nil {
			t.Errorf("%s\n%v", input, err)
		}
		got += "\n"
		out.WriteString(input + "----\n" + got + "====\n")
		if got != want && !*update {
			t.Errorf("%s\ngot:\n%swant:\n%s", input, got, want)
		}
	}
	if *update && conn == nil {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
