package statement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// created is the answer to CREATE TASK.
type created struct {
	Task     string   `json:"task"`
	Created  bool     `json:"created"` // false: it was there already
	Replaced bool     `json:"replaced"`
	Type     string   `json:"type,omitempty"`
	Hash     string   `json:"hash,omitempty"`
	Reading  string   `json:"reading,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// create binds, infers, and stores the text; no label is computed. The database checks a
// task in SQL.
func (r *run) create(ctx context.Context, st *tql.Create) (*Answer, error) {
	name := st.Name.Text
	if err := workspace.CheckTaskName(name); err != nil {
		return nil, r.fault(st.Name.Range(), "TK104", "tasks are files: take letters, digits, _ and -", "%v", err)
	}
	have, err := r.ws.Tasks()
	if err != nil {
		return nil, err
	}
	exists := slices.Contains(have, name)
	switch {
	case exists && st.IfNotExists:
		return &Answer{Value: created{Task: name}, Text: line("task %s is there already; nothing was changed", name)}, nil
	case exists && !st.OrReplace:
		return nil, r.fault(st.Name.Range(), "TK191", "CREATE OR REPLACE TASK "+st.Name.String()+" ... replaces it; SHOW TASK "+st.Name.String()+" prints it", "task %q exists", name)
	}
	task, err := tql.Bind(r.at(st.Range()), r.db.Snap.Schema)
	if err != nil {
		return nil, err
	}
	if task.Raw != nil {
		if err := r.db.CheckSQL(ctx, task); err != nil {
			return nil, err
		}
	}
	if err := r.ws.SaveTask(name, task.Text+"\n"); err != nil {
		return nil, err
	}
	a := &Answer{Value: created{Task: name, Created: true, Replaced: exists, Type: task.Type, Hash: task.Hash, Reading: task.Reading, Warnings: task.Warnings}}
	shown := task
	if dated, err := r.db.Task(r.alone); err == nil { // the dates that the data gives, where it gives any
		shown = dated
	}
	a.Text = func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", strings.TrimRight(tql.Explain(shown, r.db.Snap.Schema), "\n"))
		return err
	}
	return a, nil
}

// line is a text of one line.
func line(format string, args ...any) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	}
}

type dropped struct {
	Task    string `json:"task"`
	Dropped bool   `json:"dropped"`
	Models  int    `json:"models"` // versions that went with it
}

func (r *run) drop(st *tql.Drop) (*Answer, error) {
	name, err := r.named(st.Name)
	if err != nil && st.IfExists {
		return &Answer{Value: dropped{Task: st.Name.Text}, Text: line("there is no task %s; nothing was changed", st.Name.Text)}, nil
	}
	if err != nil {
		return nil, err
	}
	versions, err := r.ws.Models(name)
	if err != nil {
		return nil, err
	}
	if len(versions) > 0 && !st.Cascade {
		return nil, r.fault(st.Name.Range(), "TK196", "DROP TASK "+st.Name.String()+" CASCADE removes them too", "task %q has %s", name, count(len(versions), "model"))
	}
	if _, err := r.ws.RemoveModels(name); err != nil {
		return nil, err
	}
	if err := r.ws.RemoveTask(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &Answer{Value: dropped{name, true, len(versions)}, Text: line("dropped task %s, %s", name, count(len(versions), "model"))}, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// names lists the tasks that have a text or a version.
func (r *run) names() ([]string, error) {
	stored, err := r.ws.Tasks()
	if err != nil {
		return nil, err
	}
	trained, err := r.ws.ModelTasks()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(stored, trained)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// named finds a task: as written, else without regard to case if that is unique.
func (r *run) named(n tql.Name) (string, error) {
	all, err := r.names()
	if err != nil {
		return "", err
	}
	if slices.Contains(all, n.Text) {
		return n.Text, nil
	}
	var folded []string
	for _, name := range all {
		if !n.Quoted && strings.EqualFold(name, n.Text) {
			folded = append(folded, name)
		}
	}
	if len(folded) == 1 {
		return folded[0], nil
	}
	hint := "SHOW TASKS lists what there is"
	if len(all) == 0 {
		hint = "CREATE TASK " + n.String() + " AS PREDICT ... FOR EACH ... makes one"
	} else if near, ok := tql.Nearest(n.Text, all); ok {
		hint = fmt.Sprintf("did you mean %q? SHOW TASKS lists what there is", near)
	}
	return "", r.fault(n.Range(), "TK190", hint, "there is no task %q", n.Text)
}

// version finds a version of a task: the one that prod names, or a number.
func (r *run) version(n tql.Name, ref string) (*workspace.Model, error) {
	name, err := r.named(n)
	if err != nil {
		return nil, err
	}
	v, err := r.ws.Model(name, ref)
	if errors.Is(err, fs.ErrNotExist) {
		hint := "TRAIN " + n.String() + " makes one"
		if have, _ := r.ws.Models(name); len(have) > 0 {
			hint = "SHOW MODELS lists what there is"
		}
		what := "has no trained version"
		if ref != "" {
			what = "has no version " + ref
		}
		return nil, r.fault(n.Range(), "TK190", hint, "task %q %s", name, what)
	}
	return v, err
}

// task binds a stored task.
func (r *run) task(n tql.Name) (*tasks.Task, error) {
	text, err := r.taskText(n)
	if err != nil {
		return nil, err
	}
	return r.db.Task(text)
}

// taskText is the text of a stored task; that of its latest version if the text is gone.
func (r *run) taskText(n tql.Name) (string, error) {
	name, err := r.named(n)
	if err != nil {
		return "", err
	}
	text, err := r.ws.Task(name)
	if errors.Is(err, fs.ErrNotExist) {
		v, err := r.ws.Model(name, workspace.Latest)
		if err != nil {
			return "", err
		}
		return rowlink.TaskText(v)
	}
	return strings.TrimSpace(text), err
}

func (r *run) train(ctx context.Context, st *tql.Train) (*Answer, error) {
	text, err := r.taskText(st.Name)
	if err != nil {
		return nil, err
	}
	return r.Tools.Train(ctx, r.db, text, r.options(st.Options))
}
