package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

var _ server.Keeper = (*backend)(nil)

// servedTools runs statements over the database that is served.
type servedTools struct {
	sqlTools
	db *rowlink.Database
}

// Open implements [statement.Tools].
func (t servedTools) Open(context.Context) (*rowlink.Database, error) { return t.db, nil }

// CreateTask implements [server.Keeper].
func (b *backend) CreateTask(ctx context.Context, text server.TaskText, dry bool) (*server.CreatedTask, error) {
	if _, faulty := tql.Parse(text.SQL); faulty != nil {
		if _, err := b.db.Task(text.SQL); err != nil { // those of meaning too, as far as the text is read
			return nil, wrongText(err, "/sql")
		}
	}
	name, sql, err := createText(text)
	if err != nil {
		return nil, err
	}
	if err := workspace.CheckTaskName(name); err != nil {
		return nil, server.Invalid{Code: "TK104", Detail: err.Error(), Pointer: "/sql", Hint: "tasks are files: take letters, digits, _ and -"}
	}
	if len(b.only) > 0 && !slices.Contains(b.only, name) {
		return nil, server.Invalid{Code: "TK190", Detail: fmt.Sprintf("this server serves other tasks than %q", name), Pointer: "/sql", Hint: "start it without --task, or with this one too"}
	}
	if _, err := b.db.Task(text.SQL); err != nil { // as it was sent, so that faults have its places
		return nil, wrongText(err, "/sql")
	}
	task, err := b.db.Task(sql)
	if err != nil {
		return nil, wrongText(err, "/sql")
	}
	var labels *tasks.LabelTable // stay with the database where the task is in SQL
	if task.Raw != nil {
		err = b.db.CheckSQL(ctx, task)
	} else {
		labels, err = tasks.Label(ctx, b.db.Snap, task, b.threads)
	}
	if err != nil {
		return nil, wrongText(err, "/sql")
	}
	out := &server.CreatedTask{Task: server.TaskInfo{Name: name}, Hash: task.Hash, Examples: map[string]server.Share{}}
	if l, err := lower(b.db.Snap.Schema, task); err == nil {
		out.SQL = l.SQL
	}
	describe(&out.Task, task, b.db.Snap)
	if labels != nil {
		out.Task.Warnings = append(slices.Clone(task.Warnings), labels.Report.Warnings...)
		for _, s := range []tasks.Split{tasks.Train, tasks.Val, tasks.Test} {
			out.Examples[s.String()] = share(labels, s)
		}
	}
	if dry {
		return out, nil
	}
	session := b.session()
	if _, err := session.One(ctx, sql); err != nil {
		if list := (tql.Errors)(nil); errors.As(err, &list) && len(list) == 1 && list[0].Code == "TK191" {
			return nil, server.Conflict{Code: list[0].Code, Detail: list[0].Message, Hint: list[0].Hint}
		}
		return nil, wrongText(err, "/sql")
	}
	out.Stored = true
	return out, nil
}

// createText finds the name of a task and the statement that creates it.
func createText(t server.TaskText) (name, sql string, err error) {
	script, err := tql.Parse(t.SQL)
	if err != nil {
		return "", "", wrongText(err, "/sql")
	}
	if len(script.Statements) != 1 {
		return "", "", server.Invalid{Code: "TK104", Detail: fmt.Sprintf("%d statements, want one CREATE TASK", len(script.Statements)), Pointer: "/sql"}
	}
	switch st := script.Statements[0].(type) {
	case *tql.Create:
		if t.Name != "" && t.Name != st.Name.Text {
			return "", "", server.Invalid{Code: "TK104", Detail: fmt.Sprintf("name is %q, the statement creates %q", t.Name, st.Name.Text), Pointer: "/name", Hint: "leave it out"}
		}
		return st.Name.Text, t.SQL, nil
	case *tql.Query:
		if t.Name != "" {
			return t.Name, "CREATE TASK " + tql.Quote(t.Name) + " AS " + t.SQL, nil
		}
	}
	return "", "", server.Invalid{Code: "TK104", Detail: "the statement creates no task", Pointer: "/sql", Hint: elsewhere(script.Statements[0])}
}

// elsewhere says where a statement that creates no task is answered.
func elsewhere(st tql.Statement) string {
	switch st := st.(type) {
	case *tql.Drop:
		return "DELETE /v1/tasks/" + st.Name.Text + " drops a task"
	case *tql.Alter:
		return "the mapping is changed where the server runs: rowlink sql"
	case *tql.Train:
		return "POST /v1/tasks/" + st.Name.Text + "/train trains a task"
	case *tql.Evaluate:
		return "GET /v1/models has the scores of every version"
	case *tql.PredictTask:
		return "POST /v1/tasks/" + st.Name.Text + "/predict predicts"
	case *tql.ExplainStatement:
		return "POST /v1/query explains a question, dry_run=1 a task"
	case *tql.Show:
		return map[tql.ShowKind]string{tql.ShowTasks: "GET /v1/tasks lists the tasks", tql.ShowTask: "GET /v1/tasks/{task} is a task", tql.ShowModels: "GET /v1/models lists the versions",
			tql.ShowModel: "GET /v1/models/{task} lists the versions of a task", tql.ShowLabels: "GET /v1/tasks/{task}/labels is the label table", tql.ShowMapping: "the mapping is read where the server runs: rowlink sql"}[st.Kind]
	}
	return "write CREATE TASK name AS PREDICT ..., or send the name of a query beside it; POST /v1/query answers questions"
}

// share counts the labels of a split.
func share(l *tasks.LabelTable, s tasks.Split) server.Share {
	rows := l.Rows(s)
	out := server.Share{Rows: len(rows)}
	sum := 0.0
	for _, r := range rows {
		if l.Label != nil {
			for _, y := range l.Truth(r) {
				sum += y / float64(l.Task.Frames())
			}
		}
	}
	mean := server.Number(sum / float64(len(rows)))
	switch l.Task.Type {
	case tasks.Binary:
		out.Positive = &mean
	case tasks.Regression, tasks.Forecasting:
		out.Mean = &mean
	}
	return out
}

// Labels implements [server.Keeper].
func (b *backend) Labels(ctx context.Context, ask server.LabelsRequest, w io.Writer) error {
	if err := b.known(ask.Task); err != nil {
		return err
	}
	text, err := b.db.Workspace.Task(ask.Task)
	if err != nil {
		return server.NotFound{Detail: fmt.Sprintf("the text of task %q is gone from the workspace", ask.Task)}
	}
	task, err := b.db.Task(text)
	if err != nil {
		return wrongText(err, "")
	}
	var labels *tasks.LabelTable
	if task.Raw != nil {
		labels, err = b.db.LabelsBySQL(ctx, task)
	} else {
		labels, err = tasks.Label(ctx, b.db.Snap, task, b.threads)
	}
	if err != nil {
		return wrongText(err, "")
	}
	left := ask.Limit
	split, err := splitFilter(ask.Split)
	if err != nil {
		return err
	}
	keep := make([]bool, len(labels.Split))
	for i, s := range labels.Split {
		keep[i] = split(s) && left != 0 && (ask.At.IsZero() || labels.Anchor[i] == ask.At.UnixMicro())
		if keep[i] {
			left--
		}
	}
	return labelFormats[ask.Format](newLabelOutput(labels, b.db.Snap, func(i int) bool { return keep[i] }), w)
}

// Promote implements [server.Keeper]: the version is loaded, compared with its checksums and
// tried before an alias names it.
func (b *backend) Promote(ctx context.Context, task, version, alias string) (*server.AliasMove, error) {
	if err := b.known(task); err != nil {
		return nil, err
	}
	if _, err := strconv.Atoi(alias); err == nil || alias == workspace.Latest || alias == workspace.Previous || workspace.CheckTaskName(alias) != nil {
		return nil, server.Invalid{Code: "alias", Detail: fmt.Sprintf("%q cannot be the name of an alias", alias), Hint: "prod and candidate are usual names"}
	}
	m, err := b.db.Workspace.Model(task, version)
	if missing := (*workspace.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, noVersion(missing)
	}
	if err != nil {
		return nil, err
	}
	if _, err := b.get(ctx, task, m.Version); err != nil {
		return nil, err
	}
	move, err := b.db.Workspace.Promote(task, strconv.Itoa(m.Version), alias)
	if err != nil {
		return nil, err
	}
	out := &server.AliasMove{Task: task, Alias: move.Alias, To: strconv.Itoa(move.To)}
	if move.From > 0 {
		out.From = strconv.Itoa(move.From)
	}
	if alias == workspace.Prod {
		return out, b.putInService(ctx, task, m.Version)
	}
	return out, nil
}
