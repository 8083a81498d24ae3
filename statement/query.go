package statement

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// query answers by the trained task that asks the same, keys and AT aside.
func (r *run) query(ctx context.Context, q *tql.Query) (*Answer, error) {
	text := r.at(q.Range())
	task, err := tql.Bind(text, r.db.Snap.Schema)
	if err != nil {
		return nil, err
	}
	v, others, err := r.match(task)
	if err != nil {
		return nil, err
	}
	if v == nil && r.Instant {
		return r.Tools.Instant(ctx, r.db, text)
	}
	if v == nil {
		return nil, r.untrained(q)
	}
	a, err := r.Tools.Predict(ctx, r.db, v, asked(q))
	if err == nil {
		a.Notes = append(others, a.Notes...)
	}
	return a, err
}

// untrained says how to train a query (TK192).
func (r *run) untrained(q *tql.Query) error {
	return r.fault(q.Range(), "TK192", "train it first, and ask again:\n"+strings.Join(r.training(q), "\n")+
		"\nor let what takes seconds answer at once: rowlink query, or rowlink sql --instant", noModel)
}

const noModel = "no model was trained for this query"

// training are the statements that train a query.
func (r *run) training(q *tql.Query) []string {
	if stored := r.untrainedTask(q); stored != "" {
		return []string{fmt.Sprintf("TRAIN %s;", stored)}
	}
	name, bare := r.freeName(q), q.Bare()
	bare.Each = true
	return []string{fmt.Sprintf("CREATE TASK %s AS %s;", name, bare), fmt.Sprintf("TRAIN %s;", name)}
}

// untrainedTask is the stored task that asks the same but has no version.
func (r *run) untrainedTask(q *tql.Query) string {
	names, _ := r.ws.Tasks()
	task, err := tql.Bind(q.Bare().String(), r.db.Snap.Schema)
	if err != nil {
		return ""
	}
	for _, name := range names {
		text, err := r.ws.Task(name)
		if err != nil {
			continue
		}
		other, err := tql.Bind(text, r.db.Snap.Schema)
		if err == nil && tql.Question(other, r.db.Snap.Schema) == tql.Question(task, r.db.Snap.Schema) {
			return tql.Quote(name)
		}
	}
	return ""
}

// freeName proposes the name of a task that is not taken.
func (r *run) freeName(q *tql.Query) string {
	names, _ := r.names()
	taken := map[string]bool{}
	for _, n := range names {
		taken[strings.ToLower(n)] = true
	}
	base := "my_task"
	if q.Entity != nil && len(q.Entity.Parts) > 0 {
		base = strings.ToLower(q.Entity.Parts[0].Text) + "_task"
	}
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	return tql.Quote(name)
}

// match finds the version in service of a task that asks the same as a bound query; nil
// where there is none. others tells of further tasks that do.
func (r *run) match(task *tasks.Task) (found *workspace.Model, others []string, err error) {
	want := tql.Question(task, r.db.Snap.Schema)
	names, err := r.ws.ModelTasks()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		v, err := r.ws.Model(name, workspace.Prod)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		text, err := rowlink.TaskText(v)
		if err != nil {
			return nil, nil, err
		}
		have, err := tql.Bind(text, r.db.Snap.Schema)
		if err != nil || tql.Question(have, r.db.Snap.Schema) != want {
			continue // a text that no longer binds asks nothing
		}
		if found != nil {
			others = append(others, fmt.Sprintf("task %s asks the same; task %s answers: PREDICT TASK names one", name, found.Task))
			continue
		}
		found = v
	}
	return found, others, nil
}

// asked are the keys and the anchor of a query.
func asked(q *tql.Query) Ask {
	var a Ask
	if q.Selection != nil {
		a.Keys = keys(q.Selection.Keys)
	}
	a.At = moment(q.At)
	return a
}

func keys(list []*tql.Key) [][]string {
	out := [][]string{}
	for _, k := range list {
		var parts []string
		for _, p := range k.Parts {
			parts = append(parts, p.Text)
		}
		out = append(out, parts)
	}
	return out
}

// moment is an anchor as the tools read it.
func moment(at *tql.AnchorTime) string {
	switch {
	case at == nil || at.Kind == tql.AtLatest || at.Kind == tql.AtEntity:
		return ""
	case at.Kind == tql.AtNow:
		return "now"
	}
	return at.Value.Text
}

func (r *run) predict(ctx context.Context, st *tql.PredictTask) (*Answer, error) {
	v, err := r.version(st.Name, "")
	if err != nil {
		return nil, err
	}
	ask := Ask{At: moment(st.At), Options: r.options(st.Options)}
	if st.Keys != nil {
		if err := r.checkKeys(v, st.Keys); err != nil {
			return nil, err
		}
		ask.Keys = keys(st.Keys)
	}
	return r.Tools.Predict(ctx, r.db, v, ask)
}

// checkKeys refuses keys that cannot be those of the entity of a version's task.
func (r *run) checkKeys(v *workspace.Model, keys []*tql.Key) error {
	text, err := rowlink.TaskText(v)
	if err != nil {
		return err
	}
	task, err := tql.Bind(text, r.db.Snap.Schema)
	if err != nil {
		return nil // loading says why
	}
	return tql.CheckKeys(r.text, r.db.Snap.Schema, task.Entity, keys)
}

func (r *run) evaluate(ctx context.Context, st *tql.Evaluate) (*Answer, error) {
	if st.Query == nil {
		v, err := r.version(st.Name, "")
		if err != nil {
			return nil, err
		}
		return r.Tools.Evaluate(ctx, r.db, v, r.options(st.Options))
	}
	task, err := tql.Bind(r.at(st.Query.Range()), r.db.Snap.Schema)
	if err != nil {
		return nil, err
	}
	v, others, err := r.match(task)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, r.untrained(st.Query)
	}
	a, err := r.Tools.Evaluate(ctx, r.db, v, r.options(st.Options))
	if err == nil {
		a.Notes = append(others, a.Notes...)
	}
	return a, err
}
