package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// app holds the flags that all subcommands share.
type app struct {
	streams
	db        string
	schemas   []string
	include   []string
	workspace string
	json      bool
	quiet     bool
	threads   int
	kernels   string               // path of the inner loops; empty = the fastest
	rows      predict.CacheOptions // of --row-cache, where a subcommand has it
	reading   ingest.OpenOptions   // of ingest's flags
	refresh   bool                 // ingest copies only what changed
	accept    bool                 // --accept-links
	snapshot  string               // id of the one to work on; empty = the latest
	progress  *progress
	report    *jobReporter // of a job's process; else nil
}

// say tells the user something on stderr, unless --quiet.
func (a *app) say(format string, args ...any) {
	if a.report != nil {
		a.report.write("say", fmt.Sprintf(format, args...))
		return
	}
	if a.quiet {
		return
	}
	if a.progress == nil {
		a.progress = newProgress(a.err)
	}
	a.progress.say(format, args...)
}

// warn tells the user what must not be missed, also with --quiet.
func (a *app) warn(format string, args ...any) {
	if a.quiet {
		fmt.Fprintf(a.err, "WARNING:  "+format+"\n", args...)
		return
	}
	a.say("WARNING:  "+format, args...)
}

// update shows progress on stderr, unless --quiet.
func (a *app) update(what string, done, total int64, unit string) {
	if a.report != nil {
		a.report.progress(jobProgress{what, done, total, unit})
		return
	}
	if a.quiet {
		return
	}
	if a.progress == nil {
		a.progress = newProgress(a.err)
	}
	a.progress.update(what, done, total, unit)
}

// url is the database URL of --db or the environment; it may be empty.
func (a *app) url() string {
	if a.db != "" {
		return a.db
	}
	return os.Getenv("DATABASE_URL")
}

// options are those of the flags.
func (a *app) options(fresh bool) rowlink.Options {
	return rowlink.Options{
		URL: a.url(), Schemas: a.schemas, Include: a.include, Workspace: a.workspace, Fresh: fresh, Refresh: a.refresh, Snapshot: a.snapshot, Threads: a.threads, RowCache: a.rows,
		AcceptLinks: a.accept, AcceptRowSecurity: a.reading.AcceptRowSecurity, MaxAge: a.reading.MaxAge, Memory: a.reading.Memory,
		OnNote: a.say,
		OnProgress: func(p ingest.Progress) {
			a.update("read "+p.Table, p.Rows, max(p.Estimate, 0), "rows")
		},
	}
}

// open opens the database: the workspace's snapshot of it, or a new one.
func (a *app) open(ctx context.Context, fresh bool) (*rowlink.Database, error) {
	d, err := rowlink.Open(ctx, a.options(fresh))
	if err != nil {
		return nil, err
	}
	for _, t := range d.Snap.Tables {
		if t.Rows == 0 && !t.Def.Ignore {
			a.say("table %s holds no rows", t.Def.FullName())
		}
	}
	if d.Reused {
		a.say("snapshot %s of %s, taken %s (rowlink ingest takes a new one)", d.Snap.ID, d.Source, instant(d.Snap.Taken))
	}
	return d, nil
}

// taskText finds the text of TASK: a file, - for stdin, or the name of a stored task.
func (a *app) taskText(arg string) (string, error) {
	if arg == "-" {
		data, err := io.ReadAll(a.in)
		if err != nil {
			return "", fmt.Errorf("read the task from stdin: %w", err)
		}
		return string(data), nil
	}
	data, err := os.ReadFile(arg)
	if err == nil {
		return string(data), nil
	}
	if workspace.CheckTaskName(arg) != nil {
		return "", usageError{fmt.Errorf("read task: %w", err)}
	}
	w, err := workspace.Open(a.workspace)
	if err != nil {
		return "", err
	}
	text, err := w.Task(arg)
	var missing *workspace.NotFoundError
	if errors.As(err, &missing) && missing.Hint() == "" {
		return "", usage("TASK is a file such as churn.sql, - for stdin, or the name of a stored task", "no file %q, and no task of that name in workspace %q", arg, missing.Dir)
	}
	return text, err
}

// taskName finds the name of the stored task that TASK means: the name itself, or the one
// that a text creates, and then the hash of that text.
func (a *app) taskName(arg string) (name, hash string, err error) {
	if workspace.CheckTaskName(arg) == nil {
		if st, err := os.Stat(arg); err != nil || st.IsDir() {
			return arg, "", nil
		}
	}
	text, err := a.taskText(arg)
	if err != nil {
		return "", "", err
	}
	script, err := tql.Parse(text)
	if err != nil {
		return "", "", err
	}
	for _, s := range script.Statements {
		if c, ok := s.(*tql.Create); ok {
			return c.Name.Text, tql.Hash(c), nil
		}
	}
	return "", "", usage("name a stored task: rowlink models lists them", "%s creates no task, so no stored version belongs to it", arg)
}

// task opens the database and binds TASK to it.
func (a *app) task(ctx context.Context, arg string) (*rowlink.Database, *tasks.Task, error) {
	text, err := a.taskText(arg)
	if err != nil {
		return nil, nil, err
	}
	return a.bound(ctx, text)
}

// bound opens the database and binds a text to it.
func (a *app) bound(ctx context.Context, text string) (*rowlink.Database, *tasks.Task, error) {
	d, err := a.open(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	task, err := d.Task(text)
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return d, task, nil
}

// print writes v as JSON with --json, else calls text.
func (a *app) print(v any, text func(w io.Writer) error) error {
	if !a.json {
		return text(a.out)
	}
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // edge types hold arrows
	return enc.Encode(v)
}
