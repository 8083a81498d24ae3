package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

func init() { subcommands.Add("explain", explainCommand) }

func explainCommand(a *app) *cobra.Command {
	var sql bool
	cmd := &cobra.Command{
		Use:   "explain TASK",
		Short: "Say how a task is understood: reading, type, anchors, label balance, warnings",
		Long: `explain binds the task and computes its label table, but trains nothing. TASK is a file, - for stdin, a stored
task, or the text of a query. A query that names keys is also answered, with reasons, by the trained task that
asks the same; where there is none, what trains one is printed.`,
		Example: "  rowlink explain churn.sql\n  rowlink explain churn --sql | psql mydb\n" +
			"  rowlink explain \"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers\"\n" +
			"  rowlink explain \"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers = 42\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.queryText(args[0])
			if err != nil {
				return err
			}
			if !sql && namesKeys(text) {
				return a.explainKeys(cmd.Context(), text)
			}
			d, task, err := a.bound(cmd.Context(), text)
			if err != nil {
				return err
			}
			defer d.Close()
			if sql {
				return a.lowered(d.Snap.Schema, task)
			}
			e, err := explained(cmd.Context(), d, task, a.threads)
			if err != nil {
				return err
			}
			return a.print(e, e.text)
		},
	}
	cmd.Flags().BoolVar(&sql, "sql", false, "print the SELECT for PostgreSQL that computes the same label table, and nothing else")
	return cmd
}

// namesKeys reports whether a text is a query that names the keys that it asks about.
func namesKeys(text string) bool {
	script, err := tql.Parse(text)
	if err != nil || len(script.Statements) != 1 {
		return false
	}
	q := tql.QueryOf(script.Statements[0])
	return q != nil && q.Selection != nil
}

// explainKeys explains a query and what a trained version answers for its keys.
func (a *app) explainKeys(ctx context.Context, text string) error {
	s := &statement.Session{Tools: sqlTools{a}}
	defer s.Close()
	answer, err := s.Explain(ctx, text, true)
	if err != nil {
		return err
	}
	a.progress.clear()
	if err := a.print(answer.Value, answer.Text); err != nil {
		return err
	}
	for _, n := range answer.Notes {
		a.warn("%s", n)
	}
	return answer.Incomplete
}

// lowered prints the label table's SELECT.
func (a *app) lowered(sc *schema.Schema, task *tasks.Task) error {
	l, err := lower(sc, task)
	if err != nil {
		return err
	}
	return a.print(l, l.text)
}

// loweredTask is a label table as a query.
type loweredTask struct {
	Task string `json:"task"`
	Hash string `json:"hash"`
	SQL  string `json:"sql"`
}

func lower(sc *schema.Schema, task *tasks.Task) (*loweredTask, error) {
	grid, err := task.Grid()
	if err != nil {
		return nil, err
	}
	text, err := tql.SQL(task, sc, grid)
	return &loweredTask{task.Name, task.Hash, text}, err
}

func (l *loweredTask) text(w io.Writer) error {
	_, err := fmt.Fprintln(w, strings.TrimRight(l.SQL, "\n"))
	return err
}

// explained computes what explain prints.
func explained(ctx context.Context, d *rowlink.Database, task *tasks.Task, threads int) (*explanation, error) {
	start := time.Now()
	labels, err := tasks.Label(ctx, d.Snap, task, threads)
	if err != nil {
		return nil, err
	}
	cost := labelCost{Seconds: time.Since(start).Seconds(), TableBytes: labelBytes * len(labels.Label), GraphBytes: graphBytes(d.Snap)}
	return &explanation{task.Name, task.Type, task.Hash, task.Reading, append([]string{}, task.Warnings...), labels.Hash(), newReportJSON(&labels.Report), writtenLater(d.Snap.Schema), cost, tql.Explain(task, d.Snap.Schema), lateText(d.Snap.Schema), labels}, nil
}

func (e *explanation) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\nhash %s, labels %.12s\n\n", strings.TrimRight(e.plan, "\n"), e.Hash, e.LabelHash)
	told := *e.labels.Task
	told.Warnings = nil // the plan has them as remarks
	if err := e.labels.Report.Text(w, &told); err != nil {
		return err
	}
	for _, l := range e.late {
		fmt.Fprintf(w, "LEAK?      %s\n", l)
	}
	each := ""
	if !told.Static() {
		each = ", " + perAnchor(e.Cost.Seconds, &e.labels.Report) + " per anchor"
	}
	_, err := fmt.Fprintf(w, "cost       labels in %.2f s%s; label table %s, links in memory about %s\n", e.Cost.Seconds, each,
		bytesText(e.Cost.TableBytes), bytesText(e.Cost.GraphBytes))
	return err
}

// labelCost says what labelling took and what training will hold in memory at least.
type labelCost struct {
	Seconds    float64 `json:"label_seconds"`
	TableBytes int     `json:"label_table_bytes"`
	GraphBytes int     `json:"graph_bytes"` // an estimate
}

// labelBytes is one example: row, anchor, split, label.
const labelBytes = 4 + 8 + 1 + 8

// graphBytes estimates the links: children sorted by time and a parent per link (docs/scale.md
// measured about 12 bytes).
func graphBytes(snap *ingest.Snapshot) int {
	const perLink = 12
	n := 0
	for _, t := range snap.Tables {
		if !t.Def.Ignore {
			n += t.Rows * len(t.Def.Links)
		}
	}
	return n * perLink
}

func perAnchor(seconds float64, r *tasks.LabelReport) string {
	n := r.Anchors[tasks.Train] + r.Anchors[tasks.Val] + r.Anchors[tasks.Test]
	return fmt.Sprintf("%.2f ms", 1000*seconds/float64(max(1, n)))
}

func bytesText(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// writtenLater lists the columns that look written later than their row: features could learn
// from what was not known yet.
func writtenLater(sc *schema.Schema) []string {
	return slices.DeleteFunc(append([]string{}, sc.Warnings()...), func(l string) bool { return !strings.HasPrefix(l, "TK218") })
}

// lateText says of each table which columns look written later than their row, and the
// statement that hides them.
func lateText(sc *schema.Schema) []string {
	var out []string
	late := sc.WrittenLater()
	for len(late) > 0 {
		t := sc.Tables[late[0].Table]
		var names, actions []string
		for len(late) > 0 && sc.Tables[late[0].Table] == t {
			name := t.Columns[late[0].Column].Name
			names, actions = append(names, name), append(actions, "IGNORE COLUMN "+tql.Quote(name))
			late = late[1:]
		}
		table := tql.Quote(t.Name)
		if sc.Table(t.Name) < 0 && t.Namespace != "" {
			table = tql.Quote(t.Namespace) + "." + table
		}
		out = append(out, fmt.Sprintf("TK218: columns of %s that look written later than their row: %s (SHOW MAPPING %s says why); hide those that are: ALTER TABLE %s %s;",
			t.Name, strings.Join(names, ", "), table, table, strings.Join(actions, ", ")))
	}
	return out
}

// explanation is what explain prints with --json.
type explanation struct {
	Task      string     `json:"task"`
	Type      string     `json:"type"`
	Hash      string     `json:"hash"`
	Reading   string     `json:"reading"`
	Warnings  []string   `json:"warnings"`
	LabelHash string     `json:"label_hash"`
	Report    reportJSON `json:"report"`
	Leaks     []string   `json:"leak_prone_columns"`
	Cost      labelCost  `json:"cost"`

	plan   string
	late   []string // Leaks for people: a line for each table
	labels *tasks.LabelTable
}

// reportJSON is a label report for machines.
type reportJSON struct {
	Splits      []splitJSON `json:"splits"`
	Pairs       int         `json:"pairs"` // (entity, anchor) pairs looked at
	NotVisible  int         `json:"not_visible"`
	FrozenOut   int         `json:"frozen_out"`
	WhereFalse  int         `json:"where_false"`
	Unassumed   int         `json:"assuming_not_true"`
	Skipped     int         `json:"skipped"`
	NullLabel   int         `json:"null_label"`
	UnseenClass int         `json:"unseen_class"`
	EmptyLabel  int         `json:"empty_label"` // labels that empty windows give
	NoTime      int         `json:"rows_without_time"`
	Dangling    int         `json:"dangling_references"`
	Incomplete  int         `json:"incomplete_anchors"`
	Overlap     int         `json:"overlapping_anchors"`
	Warnings    []string    `json:"warnings"`
}

type splitJSON struct {
	Split    string  `json:"split"`
	Anchors  int     `json:"anchors"`
	WithRows int     `json:"anchors_with_examples"`
	First    string  `json:"first_anchor,omitempty"`
	Last     string  `json:"last_anchor,omitempty"`
	Examples int     `json:"examples"`
	Mean     float64 `json:"mean_label"` // 0 for classes
}

func newReportJSON(r *tasks.LabelReport) reportJSON {
	out := reportJSON{Pairs: r.Pairs, NotVisible: r.NotVisible, FrozenOut: r.FrozenOut, WhereFalse: r.WhereFalse, Unassumed: r.Unassumed,
		Skipped: r.Skipped, NullLabel: r.NullLabel, UnseenClass: r.UnseenClass, EmptyLabel: r.EmptyLabel, NoTime: r.NoTime, Dangling: r.Dangling,
		Incomplete: r.Incomplete, Overlap: r.Overlap, Warnings: append([]string{}, r.Warnings...)}
	for _, s := range []tasks.Split{tasks.Train, tasks.Val, tasks.Test} {
		j := splitJSON{Split: s.String(), Anchors: r.Anchors[s], WithRows: r.WithRows[s], Examples: r.Examples[s], Mean: r.Mean[s]}
		if j.Anchors > 0 {
			j.First, j.Last = instantJSON(r.First[s]), instantJSON(r.Last[s])
		}
		out.Splits = append(out.Splits, j)
	}
	return out
}
