package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

var _ server.Planner = (*backend)(nil)

// PlanTrain implements [server.Planner]: the options are the flags of train, with _ for -.
func (b *backend) PlanTrain(_ context.Context, task string, options map[string]string) (json.RawMessage, error) {
	if err := b.known(task); err != nil {
		return nil, err
	}
	if _, err := b.db.Workspace.Task(task); err != nil {
		return nil, server.NotFound{Detail: fmt.Sprintf("the text of task %q is gone from the workspace", task), Hint: "POST /v1/tasks stores it again"}
	}
	var f trainFlags
	flags := pflag.NewFlagSet("train", pflag.ContinueOnError)
	f.register(flags)
	var known []string
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "explain-plan" {
			known = append(known, strings.ReplaceAll(flag.Name, "-", "_"))
		}
	})
	args := []string{"train", task}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		flag := strings.ReplaceAll(name, "_", "-")
		pointer := "/options/" + name
		if !slices.Contains(known, name) {
			hint := "options: " + strings.Join(known, ", ")
			if near := schema.Nearest(name, known); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			return nil, server.Invalid{Code: "TK193", Detail: fmt.Sprintf("there is no option %q", name), Hint: hint, Pointer: pointer}
		}
		if err := flags.Set(flag, options[name]); err != nil {
			message, _, _ := strings.Cut(err.Error(), ": strconv.")
			return nil, server.Invalid{Code: "TK194", Detail: strings.ReplaceAll(message, "--", ""), Hint: flags.Lookup(flag).Usage, Pointer: pointer}
		}
		args = append(args, "--"+flag+"="+options[name])
	}
	if err := f.check(flags.Changed); err != nil {
		return nil, server.Invalid{Code: "TK194", Detail: err.Error(), Hint: hintOf(err), Pointer: "/options"}
	}
	return json.Marshal(jobRequest{Args: args})
}

// batchMedia are the media types of the files that a batch leaves.
var batchMedia = map[string]string{"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.stream", "ndjson": "application/x-ndjson"}

func batchFile(format string) string { return "predictions." + format }

// PlanBatch implements [server.Planner].
func (b *backend) PlanBatch(_ context.Context, ask server.BatchRequest) (json.RawMessage, error) {
	if err := b.known(ask.Task); err != nil {
		return nil, err
	}
	format := cmp.Or(ask.Format, "ndjson")
	if batchMedia[format] == "" {
		return nil, server.Invalid{Code: "wrong_value", Detail: fmt.Sprintf("format is %q", ask.Format), Hint: "one of " + strings.Join(slices.Sorted(maps.Keys(batchMedia)), ", "), Pointer: "/format"}
	}
	m, err := b.db.Workspace.Model(ask.Task, cmp.Or(ask.Version, workspace.Prod))
	if missing := (*workspace.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, noVersion(missing)
	}
	if err != nil {
		return nil, err
	}
	// The version is fixed now: a promotion while the job waits changes nothing.
	req := jobRequest{Args: []string{"predict", ask.Task, "--all"}, Format: format}
	if ask.Sink != nil {
		if err := b.checkSink(ask, m); err != nil {
			return nil, err
		}
		req = jobRequest{Args: []string{"batch", ask.Task, "--table", ask.Sink.Table}, Sink: true}
		if ask.Sink.Append {
			req.Args = append(req.Args, "--append")
		}
	}
	req.Args = append(req.Args, "--version", fmt.Sprint(m.Version))
	if ask.Anchor != nil {
		req.Args = append(req.Args, "--at", ask.Anchor.UTC().Format(time.RFC3339Nano))
	}
	if ask.Where != "" {
		text, err := b.db.Workspace.Task(ask.Task)
		if err != nil {
			return nil, err
		}
		if _, err := tql.Filter(text, ask.Where, b.db.Snap.Schema); err != nil {
			return nil, wrongText(err, "/where")
		}
		req.Args = append(req.Args, "--where", ask.Where)
	}
	return json.Marshal(req)
}

// checkSink refuses a table that cannot be meant. Where it is, and who may write it, only the
// server knows.
func (b *backend) checkSink(ask server.BatchRequest, m *workspace.Model) error {
	switch {
	case !b.sink:
		return server.Invalid{Code: "no_sink", Detail: "the server has no database for predictions", Hint: "rowlink serve with " + sinkEnv + " or --sink", Pointer: "/sink"}
	case ask.Format != "":
		return server.Invalid{Code: "wrong_value", Detail: "format is of a file, and the rows go into a table", Hint: "leave one of them out", Pointer: "/format"}
	case rowlink.Ranks(m):
		return server.Invalid{Code: "no_sink", Detail: "rankings are written to files", Hint: "leave sink out, and take format csv", Pointer: "/sink"}
	}
	return nil
}

// BatchFile implements [server.Planner].
func (b *backend) BatchFile(j jobs.Job) (name, media string) {
	var req jobRequest
	if json.Unmarshal(j.Request, &req) != nil || req.Format == "" {
		return "", ""
	}
	return batchFile(req.Format), batchMedia[req.Format]
}
