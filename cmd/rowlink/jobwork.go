package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/rowlink/rowlink/jobs"
)

// jobRequest is what a job stores of what was asked: the arguments of a subcommand, checked.
type jobRequest struct {
	Args   []string `json:"args"`
	Format string   `json:"format,omitempty"` // of a batch's file
	Sink   bool     `json:"sink,omitempty"`   // it writes into the server's database for predictions
}

// jobProcess runs jobs as processes of this program.
type jobProcess struct {
	workspace string
	threads   int
	sink      string // URL of the database for predictions; empty = none
	log       *slog.Logger
}

// jobEnv names the job in the environment of its process, also for the tests, whose program
// is another.
const jobEnv = "ROWLINK_JOB"

// jobGrace is how long a process may take to save its checkpoint and end.
const jobGrace = 20 * time.Second

// run is a [jobs.Work].
func (p *jobProcess) run(ctx context.Context, j jobs.Job, dir string, emit func(string, any)) (any, error) {
	var req jobRequest
	if err := json.Unmarshal(j.Request, &req); err != nil {
		return nil, fmt.Errorf("read the request of job %s: %w", j.ID, err)
	}
	args, shards := append([]string{}, req.Args...), filepath.Join(dir, "shards")
	if req.Format != "" {
		args = append(args, "--out", filepath.Join(dir, batchFile(req.Format)), "--shards", shards)
	}
	env := []string{jobEnv + "=" + j.ID}
	if req.Sink && p.sink == "" {
		return nil, errors.New("the server that runs the jobs of this workspace has no database for predictions; start it with " + sinkEnv)
	}
	if req.Sink {
		args, env = append(args, "--run", j.ID), append(env, sinkEnv+"="+p.sink)
	}
	cmd, err := newChild(append(args, "--job", "--workspace", p.workspace, "--threads", fmt.Sprint(p.threads)), env...)
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() {
		_ = stdin.Close()
		time.AfterFunc(jobGrace, func() { _ = cmd.Process.Kill() }) // harmless once it has ended
	})
	defer stop()
	result := relay(stdout, emit)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil && (err != nil || result == nil):
		return nil, context.Cause(ctx)
	case err != nil:
		p.log.Error("job failed", "job", j.ID, "error", err, "stderr", cmd.said.String())
		return nil, errors.New(cmd.lastError(err))
	case result == nil:
		return nil, errors.New("the process ended without a result")
	}
	return result, os.RemoveAll(shards) // the file has it all
}

// relay passes events on and returns the result.
func relay(r io.Reader, emit func(string, any)) (result json.RawMessage) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 64<<20) // a report with its curves
	for sc.Scan() {
		var l jobLine
		if json.Unmarshal(sc.Bytes(), &l) != nil {
			continue
		}
		if l.Kind == "result" {
			result = l.Data
			continue
		}
		emit(l.Kind, l.Data)
	}
	_, _ = io.Copy(io.Discard, r)
	return result
}
