// Package statement runs the statements of the task language one after another over a
// database and its workspace: CREATE, DROP and ALTER change the workspace, SHOW reads it,
// and EXPLAIN, TRAIN, EVALUATE, PREDICT and plain queries find the task that is meant and
// hand it to [Tools]. Each statement gives one [Answer] for people and for machines.
package statement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// Tools do the long work over an open database. rowlink's subcommands do the same with
// the same functions; the options are named as their flags, with _ for -.
type Tools interface {
	// Open opens the database with the mapping that the workspace has now.
	Open(ctx context.Context) (*rowlink.Database, error)
	// Explain says how a task is understood, and with analyze how its labels come out.
	Explain(ctx context.Context, d *rowlink.Database, task *tasks.Task, analyze bool) (*Answer, error)
	Labels(ctx context.Context, d *rowlink.Database, task *tasks.Task, want Labels) (*Answer, error)
	// LabelSQL prints the label table as a query.
	LabelSQL(d *rowlink.Database, task *tasks.Task) (*Answer, error)
	Train(ctx context.Context, d *rowlink.Database, text string, options []Option) (*Answer, error)
	Evaluate(ctx context.Context, d *rowlink.Database, version *workspace.Model, options []Option) (*Answer, error)
	Predict(ctx context.Context, d *rowlink.Database, version *workspace.Model, ask Ask) (*Answer, error)
	// Instant answers a query that no version was trained for.
	Instant(ctx context.Context, d *rowlink.Database, text string) (*Answer, error)
	// Models lists the versions of one task, or with an empty name of all.
	Models(w *workspace.Workspace, task string) (*Answer, error)
}

// Labels are the rows that SHOW LABELS asks for.
type Labels struct {
	Split string // train, val or test; empty = all
	At    *int64 // microseconds UTC; nil = all anchors
	Limit int    // -1 = all rows
}

// Ask is whom and when PREDICT asks about.
type Ask struct {
	Keys    [][]string // parts of each key; nil = everybody who is eligible
	At      string     // a moment, now, or empty for the end of the data
	Options []Option
}

// An Option is one of WITH (...). At is its value's place.
type Option struct {
	Name, Value string
	Text        string // the script
	NameAt, At  tql.Loc
}

// An Answer is what one statement gave.
type Answer struct {
	Statement  string                  // which kind: CREATE TASK, SHOW LABELS, ...
	Value      any                     // for machines: prints as JSON
	Text       func(w io.Writer) error // for people
	Notes      []string                // what to mind, each with its TK code where it has one
	Incomplete error                   // part of what was asked could not be answered; the class of an error
}

// MarshalJSON writes statement, answer and notes.
func (a *Answer) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // edge types hold arrows
	err := enc.Encode(struct {
		Statement string   `json:"statement"`
		Answer    any      `json:"answer"`
		Notes     []string `json:"notes,omitempty"`
	}{a.Statement, a.Value, a.Notes})
	return out.Bytes(), err
}

// Session runs statements over one database. It is not safe for concurrent use.
type Session struct {
	Tools Tools
	// Instant answers a query that no version was trained for at once, by what can be
	// fitted in seconds, instead of refusing it (TK192).
	Instant bool

	db *rowlink.Database
}

// Close releases the database.
func (s *Session) Close() error {
	if s.db == nil {
		return nil
	}
	d := s.db
	s.db = nil
	return d.Close()
}

// Database opens the database when it is first needed.
func (s *Session) Database(ctx context.Context) (*rowlink.Database, error) {
	if s.db == nil {
		d, err := s.Tools.Open(ctx)
		if err != nil {
			return nil, err
		}
		s.db = d
	}
	return s.db, nil
}

// Run runs the statements of a text in order and gives each answer to each. A text with
// a fault of syntax runs nothing. The first statement that fails ends the run; its error
// is returned, those of the language as [tql.Errors].
func (s *Session) Run(ctx context.Context, text string, each func(*Answer) error) error {
	script, err := tql.Parse(text)
	if err != nil {
		return err
	}
	for _, st := range script.Statements {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, err := s.one(ctx, text, st)
		if err != nil {
			return err
		}
		for _, n := range script.Notices {
			if at := st.Range(); n.Pos >= at.Pos && n.Pos < at.End && !bound(st) {
				a.Notes = append(a.Notes, n.Code+": "+n.Message)
			}
		}
		if err := each(a); err != nil {
			return err
		}
	}
	return nil
}

// bound says that a statement's notices are among the warnings of its task.
func bound(st tql.Statement) bool { return tql.QueryOf(st) != nil }

// One runs a text of one statement.
func (s *Session) One(ctx context.Context, text string) (*Answer, error) {
	script, err := tql.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(script.Statements) != 1 {
		return nil, fault(text, tql.Loc{Pos: 0, End: len(text)}, "TK104", "send them one by one", "%d statements, want one", len(script.Statements))
	}
	return s.one(ctx, text, script.Statements[0])
}

func (s *Session) one(ctx context.Context, text string, st tql.Statement) (a *Answer, err error) {
	d, err := s.Database(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{Session: s, db: d, ws: d.Workspace, text: text}
	switch st := st.(type) {
	case *tql.Create:
		a, err = r.create(ctx, st)
	case *tql.Drop:
		a, err = r.drop(st)
	case *tql.Alter:
		a, err = r.alter(ctx, st)
	case *tql.Show:
		a, err = r.show(ctx, st)
	case *tql.ExplainStatement:
		a, err = r.explain(ctx, st)
	case *tql.Train:
		a, err = r.train(ctx, st)
	case *tql.Evaluate:
		a, err = r.evaluate(ctx, st)
	case *tql.PredictTask:
		a, err = r.predict(ctx, st)
	case *tql.Query:
		a, err = r.query(ctx, st)
	}
	if err == nil {
		a.Statement = kind(st)
	}
	return a, r.placed(err)
}

// run is one statement over the open database.
type run struct {
	*Session
	db   *rowlink.Database
	ws   *workspace.Workspace
	text string // of the script, for the places of faults

	alone string // what at gave last
}

// at blanks everything of the script but one statement, byte for byte, so that faults keep
// their places.
func (r *run) at(loc tql.Loc) string {
	before := []byte(r.text[:loc.Pos])
	for i, c := range before {
		if c != '\n' {
			before[i] = ' '
		}
	}
	r.alone = string(before) + r.text[loc.Pos:loc.End]
	return r.alone
}

// placed shows the script where a fault stands in a statement that was read alone.
func (r *run) placed(err error) error {
	list, ok := errors.AsType[tql.Errors](err)
	if !ok {
		return err
	}
	for _, e := range list {
		if e.Text == r.alone && e.End <= len(r.text) {
			e.Text = r.text
		}
	}
	return err
}

// fault is an error at a place of the script.
func (r *run) fault(at tql.Loc, code, hint, format string, args ...any) error {
	return fault(r.text, at, code, hint, format, args...)
}

func fault(text string, at tql.Loc, code, hint, format string, args ...any) error {
	return tql.Errors{{Code: code, Severity: tql.SeverityError, Message: fmt.Sprintf(format, args...), Hint: hint, Text: text, Pos: at.Pos, End: at.End}}
}

// kind names a statement.
func kind(st tql.Statement) string {
	switch st := st.(type) {
	case *tql.Create:
		return "CREATE TASK"
	case *tql.Drop:
		return "DROP TASK"
	case *tql.Alter:
		return "ALTER TABLE"
	case *tql.Show:
		return "SHOW " + [...]string{"TASKS", "MODELS", "MAPPING", "TASK", "MODEL", "LABELS"}[st.Kind]
	case *tql.ExplainStatement:
		if st.Analyze {
			return "EXPLAIN ANALYZE"
		}
		return "EXPLAIN"
	case *tql.Train:
		return "TRAIN"
	case *tql.Evaluate:
		return "EVALUATE"
	}
	return "PREDICT"
}

// options prepares WITH (...) for the tools.
func (r *run) options(list []*tql.Option) []Option {
	var out []Option
	for _, o := range list {
		out = append(out, Option{Name: strings.ToLower(o.Name.Text), Value: optionText(o.Value), Text: r.text, NameAt: o.Name.Range(), At: o.Value.Range()})
	}
	return out
}

// optionText is a value as a flag takes it: a list separated by commas.
func optionText(v tql.Value) string {
	switch v := v.(type) {
	case *tql.Word:
		return v.Text
	case *tql.Literal:
		return v.Text
	case *tql.ValueList:
		var parts []string
		for _, x := range v.Values {
			parts = append(parts, optionText(x))
		}
		return strings.Join(parts, ",")
	}
	return v.String()
}

// Fault is an error at the name or the value of an option.
func (o *Option) Fault(ofName bool, hint, format string, args ...any) error {
	at, code := o.At, "TK194"
	if ofName {
		at, code = o.NameAt, "TK193"
	}
	return fault(o.Text, at, code, hint, format, args...)
}
