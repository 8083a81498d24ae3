package statement

import (
	"context"
	"fmt"
	"io"

	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// explain says how a query or a stored task is understood and, where keys are asked about,
// what a trained version answers for them and why.
func (r *run) explain(ctx context.Context, st *tql.ExplainStatement) (*Answer, error) {
	if st.Query == nil {
		task, err := r.task(st.Name)
		if err != nil {
			return nil, err
		}
		return r.Tools.Explain(ctx, r.db, task, st.Analyze)
	}
	return r.explainQuery(ctx, st, st.Query, st.Analyze)
}

// explainQuery explains the query of a statement.
func (r *run) explainQuery(ctx context.Context, st tql.Statement, q *tql.Query, analyze bool) (*Answer, error) {
	task, err := r.db.Task(r.at(st.Range()))
	if err != nil {
		return nil, err
	}
	a, err := r.Tools.Explain(ctx, r.db, task, analyze)
	if err != nil || q.Selection == nil {
		return a, err
	}
	return r.explained(ctx, q, task, a)
}

// Explain explains a text of one query, with EXPLAIN before it or without.
func (s *Session) Explain(ctx context.Context, text string, analyze bool) (*Answer, error) {
	r, st, q, err := s.queryIn(ctx, text)
	if err != nil {
		return nil, err
	}
	a, err := r.explainQuery(ctx, st, q, analyze)
	return a, r.placed(err)
}

// Answering says who answers a query.
type Answering struct {
	Task     *tasks.Task
	Query    *tql.Query
	Version  *workspace.Model // nil = no version was trained for it
	Training []string         // where there is none: the statements that make one
}

// Answering finds the version in service that a query is answered by. The text is as for
// [Session.Explain].
func (s *Session) Answering(ctx context.Context, text string) (*Answering, error) {
	r, st, q, err := s.queryIn(ctx, text)
	if err != nil {
		return nil, err
	}
	out := &Answering{Query: q}
	if out.Task, err = r.db.Task(r.at(st.Range())); err != nil {
		return nil, r.placed(err)
	}
	if out.Version, _, err = r.match(out.Task); err == nil && out.Version == nil {
		out.Training = r.training(q)
	}
	return out, err
}

// queryIn reads a text of one query.
func (s *Session) queryIn(ctx context.Context, text string) (*run, tql.Statement, *tql.Query, error) {
	script, err := tql.Parse(text)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(script.Statements) != 1 || tql.QueryOf(script.Statements[0]) == nil {
		return nil, nil, nil, fault(text, tql.Loc{Pos: 0, End: len(text)}, "TK104", "write PREDICT target FOR EACH entity", "this is not one query")
	}
	d, err := s.Database(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	st := script.Statements[0]
	return &run{Session: s, db: d, ws: d.Workspace, text: text}, st, tql.QueryOf(st), nil
}

// explanation is the answer to EXPLAIN of a query with keys: the plan and either the
// predictions or how to train.
type explanation struct {
	Explanation any       `json:"explanation"`
	Predictions any       `json:"predictions,omitempty"`
	Untrained   *training `json:"untrained,omitempty"`
}

// training tells that no version answers a query, and the statements that make one.
type training struct {
	Code       string   `json:"code"`
	Message    string   `json:"message"`
	Statements []string `json:"statements"`
}

// reasons is how many of them EXPLAIN tells for each key.
const reasons = "5"

// explained adds the predictions of the asked keys with their reasons, where a trained
// version asks the same: what EXPLAIN means in PQL. Else it says how to train one.
func (r *run) explained(ctx context.Context, q *tql.Query, task *tasks.Task, plan *Answer) (*Answer, error) {
	v, others, err := r.match(task)
	if err != nil {
		return nil, err
	}
	if v == nil {
		t := &training{"TK192", noModel, r.training(q)}
		return &Answer{Value: explanation{Explanation: plan.Value, Untrained: t}, Notes: plan.Notes, Text: after(plan.Text, t.text)}, nil
	}
	ask := asked(q)
	ask.Options = append(ask.Options, Option{Name: "explain", Value: reasons})
	p, err := r.Tools.Predict(ctx, r.db, v, ask)
	if err != nil {
		return nil, err
	}
	return &Answer{Value: explanation{Explanation: plan.Value, Predictions: p.Value}, Notes: append(append(plan.Notes, others...), p.Notes...),
		Incomplete: p.Incomplete, Text: after(plan.Text, p.Text)}, nil
}

func (t *training) text(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s, so the keys have no prediction yet; train it, and ask again:\n", t.Code, t.Message)
	for _, s := range t.Statements {
		if _, err := fmt.Fprintln(w, s); err != nil {
			return err
		}
	}
	return nil
}

// after writes two texts with an empty line between them.
func after(first, second func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := first(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
		return second(w)
	}
}
