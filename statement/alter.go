package statement

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// altered is the answer to ALTER TABLE.
type altered struct {
	Table   string   `json:"table"`
	File    string   `json:"file"`
	Changes []string `json:"changes"` // lines of the file: "- old" and "+ new"
	Models  []string `json:"models"`  // versions that no longer fit, each with the reason
}

// alter edits the mapping file, never the database.
func (r *run) alter(ctx context.Context, st *tql.Alter) (*Answer, error) {
	table, err := r.table(st.Table)
	if err != nil {
		return nil, err
	}
	e := &editor{run: r, table: r.db.Snap.Schema.Tables[table], edit: schema.MappingEdit{Table: table}}
	for _, a := range st.Actions {
		if err := e.action(a); err != nil {
			return nil, err
		}
	}
	before, after, err := r.db.EditMapping(e.edit)
	if err != nil {
		return nil, err
	}
	out := altered{Table: e.table.FullName(), File: r.db.MappingFile(), Changes: difference(string(before), string(after)), Models: []string{}}
	if len(out.Changes) == 0 {
		return &Answer{Value: out, Text: line("the mapping says so already; nothing was changed")}, nil
	}
	// what follows reads with the changed file
	if err := r.Session.Close(); err != nil {
		return nil, err
	}
	d, err := r.Session.Database(ctx)
	if err != nil {
		return nil, err
	}
	var notes []string
	if out.Models, err = unfit(ctx, d); err != nil {
		return nil, err
	}
	for _, m := range out.Models {
		notes = append(notes, "TK195: "+strings.ReplaceAll(m, "\n", "; "))
	}
	return &Answer{Value: out, Notes: notes, Text: func(w io.Writer) error {
		fmt.Fprintf(w, "%s:\n", out.File)
		for _, l := range out.Changes {
			fmt.Fprintln(w, l)
		}
		return nil
	}}, nil
}

// editor gathers the actions of one ALTER TABLE.
type editor struct {
	*run
	table *schema.Table
	edit  schema.MappingEdit
}

func (e *editor) action(a tql.Action) error {
	switch a := a.(type) {
	case *tql.SetKey:
		for _, n := range a.Columns {
			c, err := e.column(e.table, n)
			if err != nil {
				return err
			}
			e.edit.Key = append(e.edit.Key, c)
		}
	case *tql.SetTime:
		return e.setTime(a)
	case *tql.DropTime:
		e.edit.Time = &schema.TimeEdit{}
	case *tql.SetType:
		return e.setType(a.Column, schema.SemType(strings.ToLower(a.Type.Text)), a.Type)
	case *tql.Link:
		return e.link(a)
	case *tql.Ignore:
		return e.ignore(a)
	}
	return nil
}

func (e *editor) setTime(a *tql.SetTime) error {
	c, err := e.column(e.table, a.Column)
	if err != nil {
		return err
	}
	e.edit.Time = &schema.TimeEdit{Column: e.table.Columns[c].Name}
	if e.table.Columns[c].Kind != schema.Time {
		return e.fault(a.Column.Range(), "TK131", e.times(), "column %q of table %q is no date or timestamp", e.table.Columns[c].Name, e.table.Name)
	}
	if a.Day == "END" {
		if e.table.Columns[c].DBType != "date" {
			return e.fault(a.Range(), "TK197", "leave DAY END out", "DAY END is for dates, and %q is %s", e.table.Columns[c].Name, e.table.Columns[c].DBType)
		}
		e.edit.Time.Day = "end"
	}
	if a.Until != nil {
		until, err := e.column(e.table, *a.Until)
		if err != nil {
			return err
		}
		e.edit.Time.Until = e.table.Columns[until].Name
	}
	if a.Zone != nil {
		e.edit.Time.Zone = a.Zone.Text
	}
	return nil
}

// times names the columns that can be the time.
func (e *editor) times() string {
	var names []string
	for _, c := range e.table.Columns {
		if c.Kind == schema.Time {
			names = append(names, c.Name)
		}
	}
	if names == nil {
		return "the table has no date or timestamp column; DROP TIME says that its rows are known at all times"
	}
	return "dates and timestamps of the table: " + strings.Join(names, ", ")
}

func (e *editor) setType(column tql.Name, sem schema.SemType, at tql.Name) error {
	c, err := e.column(e.table, column)
	if err != nil {
		return err
	}
	if sem != "" && !slices.Contains(schema.SemTypes, sem) {
		var names []string
		for _, s := range schema.SemTypes {
			names = append(names, string(s))
		}
		hint := "types are " + strings.Join(names, ", ")
		if near, ok := tql.Nearest(string(sem), names); ok {
			hint = "did you mean " + near + "? " + hint
		}
		return e.fault(at.Range(), "TK197", hint, "there is no type %q", at.Text)
	}
	e.edit.Columns = append(e.edit.Columns, schema.ColumnEdit{Name: e.table.Columns[c].Name, Type: sem})
	return nil
}

func (e *editor) ignore(a *tql.Ignore) error {
	if a.Column == nil {
		on := !a.Restore
		e.edit.Ignore = &on
		return nil
	}
	sem := schema.SemIgnore
	if a.Restore {
		sem = "" // as inferred
	}
	return e.setType(*a.Column, sem, *a.Column)
}

func (e *editor) link(a *tql.Link) error {
	parent, err := e.run.table(a.Parent)
	if err != nil {
		return err
	}
	to := e.db.Snap.Schema.Tables[parent]
	l := schema.Link{To: parent, Ref: to.Key, Reason: "mapping"}
	for _, n := range a.Columns {
		c, err := e.column(e.table, n)
		if err != nil {
			return err
		}
		l.Columns = append(l.Columns, c)
	}
	if a.Keys != nil {
		l.Ref = nil
		for _, n := range a.Keys {
			c, err := e.column(to, n)
			if err != nil {
				return err
			}
			l.Ref = append(l.Ref, c)
		}
	}
	l.Name = e.table.Label(l)
	if !e.edit.SetLinks {
		e.edit.Links, e.edit.SetLinks = slices.Clone(e.table.Links), true
	}
	same := func(o schema.Link) bool {
		return o.To == l.To && slices.Equal(o.Columns, l.Columns) && (a.Keys == nil && a.Drop || slices.Equal(o.Ref, l.Ref))
	}
	at := slices.IndexFunc(e.edit.Links, same)
	switch {
	case a.Drop && at < 0:
		var have []string
		for _, o := range e.table.Links {
			have = append(have, e.table.Label(o)+" -> "+e.db.Snap.Schema.Tables[o.To].Name)
		}
		return e.fault(a.Range(), "TK122", "links of the table: "+strings.Join(have, ", "), "table %q has no link %s -> %s", e.table.Name, l.Name, to.Name)
	case a.Drop:
		e.edit.Links = slices.Delete(e.edit.Links, at, at+1)
	case at < 0:
		e.edit.Links = append(e.edit.Links, l)
	}
	return nil
}

// column finds a column: as written, folded, or without regard to case if that is unique.
func (e *editor) column(t *schema.Table, n tql.Name) (int, error) {
	if c := t.Column(n.Text); c >= 0 {
		return c, nil
	}
	found, names := -1, []string{}
	for i, c := range t.Columns {
		names = append(names, c.Name)
		if !n.Quoted && strings.EqualFold(c.Name, n.Text) {
			if found >= 0 {
				return 0, e.fault(n.Range(), "TK103", "quote the name as it is written in the database", "%q matches several columns", n.Text)
			}
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	hint := "columns: " + strings.Join(names, ", ")
	if near, ok := tql.Nearest(n.Text, names); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return 0, e.fault(n.Range(), "TK101", hint, "table %q has no column %q", t.Name, n.Text)
}

// difference lists the lines that only one of two texts has: the common beginning and
// end are left out, and of the middle what both have in the same order.
func difference(before, after string) []string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:]
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

// unfit lists the versions in service that the changed mapping no longer fits: those that
// cannot be read, and those whose labels are others now.
func unfit(ctx context.Context, d *rowlink.Database) ([]string, error) {
	names, err := d.Workspace.ModelTasks()
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, name := range names {
		v, err := d.Workspace.Model(name, workspace.Prod)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("version %d of task %s no longer fits", v.Version, name)
		l, err := d.Load(ctx, name, fmt.Sprint(v.Version), "")
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			out = append(out, again(fmt.Sprintf("%s: %v", what, err)))
			continue
		}
		labels, err := tasks.Label(ctx, d.Snap, l.Task, 0)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			out = append(out, again(fmt.Sprintf("%s: %v", what, err)))
		case labels.Hash() != l.Report.LabelHash:
			out = append(out, again(what+": its labels are others than those of the training"))
		}
	}
	return out, nil
}

// again adds what to do, where a reason does not say it itself.
func again(why string) string {
	if strings.Contains(why, "train again") {
		return why
	}
	return why + "; train it again"
}
