package statement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

func (r *run) show(ctx context.Context, st *tql.Show) (*Answer, error) {
	switch st.Kind {
	case tql.ShowTasks:
		return r.showTasks()
	case tql.ShowModels:
		return r.Tools.Models(r.ws, "")
	case tql.ShowMapping:
		return r.showMapping(st)
	case tql.ShowTask:
		return r.showTask(st)
	case tql.ShowModel:
		return r.showModel(st)
	}
	return r.showLabels(ctx, st)
}

// shownTask is one line of SHOW TASKS, and what SHOW TASK prints.
type shownTask struct {
	Task     string   `json:"task"`
	Type     string   `json:"type,omitempty"`
	Entity   string   `json:"entity,omitempty"`
	Hash     string   `json:"hash,omitempty"`
	Models   int      `json:"models"`
	Prod     int      `json:"prod,omitempty"` // version that prod names
	Text     string   `json:"text,omitempty"`
	Reading  string   `json:"reading,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Fault    string   `json:"fault,omitempty"` // why the text cannot be bound
}

// describe reads what there is of a task. A text that does not bind is told as a fault.
func (r *run) describe(name string) (*shownTask, error) {
	out := &shownTask{Task: name}
	models, err := r.ws.Models(name)
	if err != nil {
		return nil, err
	}
	out.Models = len(models)
	if v, err := r.ws.Model(name, workspace.Prod); err == nil {
		out.Prod = v.Version
	}
	out.Text, err = r.taskText(tql.Name{Text: name, Quoted: true})
	if err != nil {
		return nil, err
	}
	task, err := tql.Bind(out.Text, r.db.Snap.Schema)
	if err != nil {
		out.Fault = err.Error()
		return out, nil
	}
	out.Type, out.Entity, out.Hash, out.Reading, out.Warnings = task.Type, r.db.Snap.Schema.Tables[task.Entity].Name, task.Hash, task.Reading, task.Warnings
	return out, nil
}

func (r *run) showTasks() (*Answer, error) {
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	list := []*shownTask{}
	rows := []string{"task\ttype\tentity\tmodels\tprod"}
	for _, n := range names {
		t, err := r.describe(n)
		if err != nil {
			return nil, err
		}
		prod := "-"
		if t.Prod > 0 {
			prod = fmt.Sprint(t.Prod)
		}
		kind := t.Type
		if t.Fault != "" {
			kind = "does not bind: SHOW TASK says why"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%d\t%s", t.Task, kind, t.Entity, t.Models, prod))
		list = append(list, t)
	}
	if len(list) == 0 {
		return &Answer{Value: list, Text: line("no task yet: CREATE TASK name AS PREDICT ... FOR EACH ... makes one")}, nil
	}
	return &Answer{Value: list, Text: func(w io.Writer) error { return Table(w, rows...) }}, nil
}

func (r *run) showTask(st *tql.Show) (*Answer, error) {
	name, err := r.named(st.Name)
	if err != nil {
		return nil, err
	}
	t, err := r.describe(name)
	if err != nil {
		return nil, err
	}
	return &Answer{Value: t, Notes: t.Warnings, Text: func(w io.Writer) error {
		fmt.Fprintf(w, "%s;\n\n", strings.TrimRight(t.Text, "; \n"))
		if t.Fault != "" {
			_, err := fmt.Fprintf(w, "does not bind: %s\n", t.Fault)
			return err
		}
		_, err := fmt.Fprintf(w, "%s\n%s, hash %s, %s\n", t.Reading, t.Type, t.Hash, count(t.Models, "model"))
		return err
	}}, nil
}

// shownModel is what SHOW MODEL prints.
type shownModel struct {
	Task     string          `json:"task"`
	Version  int             `json:"version"`
	Created  string          `json:"created"`
	Aliases  []string        `json:"aliases"`
	Text     string          `json:"text"`
	Hash     string          `json:"hash"`
	Snapshot string          `json:"snapshot"`
	Report   json.RawMessage `json:"report"`
}

func (r *run) showModel(st *tql.Show) (*Answer, error) {
	ref := ""
	if st.Version != nil {
		ref = fmt.Sprint(st.Version.N)
	}
	v, err := r.version(st.Name, ref)
	if err != nil {
		return nil, err
	}
	text, err := rowlink.TaskText(v)
	if err != nil {
		return nil, err
	}
	report, err := rowlink.ReadReport(v)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(report)
	if err != nil {
		return nil, err
	}
	out := shownModel{v.Task, v.Version, v.Created.UTC().Format("2006-01-02 15:04"), append([]string{}, v.Aliases...), text, v.TaskHash, v.Snapshot, data}
	return &Answer{Value: out, Text: func(w io.Writer) error {
		aliases := ""
		if len(out.Aliases) > 0 {
			aliases = ", named by " + strings.Join(out.Aliases, ", ")
		}
		fmt.Fprintf(w, "task %s, version %d%s, trained %s\nhash %s, snapshot %s\n\n%s;\n\n", out.Task, out.Version, aliases, out.Created, out.Hash, out.Snapshot, strings.TrimRight(out.Text, "; \n"))
		return report.Text(w)
	}}, nil
}

func (r *run) showMapping(st *tql.Show) (*Answer, error) {
	file, err := r.ws.Mapping()
	if err != nil {
		return nil, err
	}
	if st.Table == nil {
		return &Answer{Value: r.db.Snap.Schema.View(), Text: func(w io.Writer) error {
			_, err := w.Write(file)
			return err
		}}, nil
	}
	table, err := r.table(st.Table)
	if err != nil {
		return nil, err
	}
	t := r.db.Snap.Schema.Tables[table]
	one := r.db.Snap.Schema.View().Tables[table]
	return &Answer{Value: one, Text: func(w io.Writer) error {
		var b bytes.Buffer
		if err := r.db.Snap.Schema.Describe(&b); err != nil {
			return err
		}
		// the part of one table begins at its unindented line and ends before the next
		on := false
		for l := range strings.Lines(b.String()) {
			if l[0] != ' ' {
				word, _, _ := strings.Cut(strings.TrimSpace(l), " ")
				on = word == t.FullName() || word == t.Name
			}
			if on && strings.TrimSpace(l) != "" {
				if _, err := io.WriteString(w, l); err != nil {
					return err
				}
			}
		}
		return nil
	}}, nil
}

func (r *run) showLabels(ctx context.Context, st *tql.Show) (*Answer, error) {
	task, err := r.task(st.Name)
	if err != nil {
		return nil, err
	}
	if st.SQL {
		return r.Tools.LabelSQL(r.db, task)
	}
	want := Labels{Split: strings.ToLower(st.Split), Limit: -1}
	if st.Limit != nil {
		want.Limit = int(st.Limit.N)
	}
	if st.At != nil {
		at := r.db.Snap.Taken
		switch st.At.Kind {
		case tql.AtNow:
		case tql.AtLatest:
			at = task.Options.DataUntil
		case tql.AtEntity:
			return nil, r.fault(st.At.Range(), "TK137", "leave AT out, or name a date", "AT ENTITY TIME names no single anchor")
		default:
			d, err := tql.ParseDateTime(st.At.Value.Text)
			if err != nil {
				return nil, r.fault(st.At.Range(), "TK106", "write AT '2024-12-01'", "%v", err)
			}
			at = d.In(task.Options.Zone)
		}
		want.At = &at
	}
	return r.Tools.Labels(ctx, r.db, task, want)
}

// table finds a table of the mapping, ignored ones too.
func (r *run) table(t *tql.Table) (int, error) {
	name := t.Parts[len(t.Parts)-1]
	full := name.Text
	if len(t.Parts) == 2 {
		full = t.Parts[0].Text + "." + full
	}
	sc := r.db.Snap.Schema
	if i := sc.Table(full); i >= 0 {
		return i, nil
	}
	found, names := -1, []string{}
	for i, have := range sc.Tables {
		names = append(names, have.Name)
		if strings.EqualFold(have.Name, full) || strings.EqualFold(have.FullName(), full) {
			if found >= 0 {
				return 0, r.fault(t.Range(), "TK103", "quote the name as it is written in the database", "%q matches several tables", full)
			}
			found = i
		}
	}
	if found >= 0 && !name.Quoted {
		return found, nil
	}
	hint := "tables: " + strings.Join(names, ", ")
	if near, ok := tql.Nearest(full, names); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return 0, r.fault(t.Range(), "TK102", hint, "there is no table %q", full)
}

// Table prints rows with aligned columns; cells are separated by tabs.
func Table(w io.Writer, rows ...string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, row)
	}
	return tw.Flush()
}

// missing reports whether an error says that something is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
