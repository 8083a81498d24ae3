package tql

import (
	"errors"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Filter binds a condition on the entities of a task, written as its WHERE is, to a task of its
// own: those who are eligible for it are those of whom the condition holds. text is the task's
// statement, whose options keep their meaning. Errors have positions in the condition.
func Filter(text, condition string, sc *schema.Schema) (*tasks.Task, error) {
	statement, err := ParseStatement(text)
	if err != nil {
		return nil, err
	}
	q := QueryOf(statement)
	if q == nil {
		return nil, &tasks.Error{Code: "TK180", Msg: "a task in SQL has no WHERE of the task language", Hint: "leave the condition out, and write it into ENTITIES"}
	}
	const before = "PREDICT x FOR EACH x WHERE (\n" // parentheses keep further clauses out
	asked, err := ParseQuery(before + condition + "\n)")
	if err != nil {
		return nil, shifted(err, len(before), condition)
	}
	if asked.Assuming != nil || asked.Spec != nil || asked.At != nil {
		e := newError(condition, Loc{0, len(condition)}, "TK104", "more than a condition")
		e.Hint = "write what may stand after WHERE, and no further clause"
		return nil, Errors{e}
	}
	own := *q.Bare()
	own.Where, own.Assuming = asked.Where, nil
	written := own.String()
	if create, ok := statement.(*Create); ok {
		with := *create
		with.Query = &own
		written = with.String()
	}
	task, err := Bind(written, sc)
	return task, shifted(err, strings.Index(written, asked.Where.String()), asked.Where.String())
}

// shifted moves the positions of errors back into a part of the text.
func shifted(err error, by int, text string) error {
	errs := Errors(nil)
	if !errors.As(err, &errs) {
		return err
	}
	out := make(Errors, len(errs))
	for i, e := range errs {
		moved := *e
		moved.Text, moved.Pos, moved.End = text, max(0, min(len(text), e.Pos-by)), max(0, min(len(text), e.End-by))
		out[i] = &moved
	}
	return out
}
