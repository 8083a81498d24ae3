package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rowlink/rowlink/jobs"
)

// jobRequest is what a job stores of what was asked: the arguments of a subcommand, checked.
type jobRequest struct {
	Args   []string `json:"args"`
	Format string   `json:"format,omitempty"` // of a batch's file
}

// jobProcess runs jobs as processes of this program.
type jobProcess struct {
	workspace string
	threads   int
	log       *slog.Logger
}

// jobEnv names the job in the environment of its process, also for the tests, whose program
// is another.
const jobEnv = "ROWLINK_JOB"

// jobGrace is how long a process may take to save its checkpoint and end.
const jobGrace = 20 * time.Second

// niceness of a job's process: predictions go first.
const niceness = 10

// run is a [jobs.Work].
func (p *jobProcess) run(ctx context.Context, j jobs.Job, dir string, emit func(string, any)) (any, error) {
	var req jobRequest
	if err := json.Unmarshal(j.Request, &req); err != nil {
		return nil, fmt.Errorf("read the request of job %s: %w", j.ID, err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	args, shards := append([]string{}, req.Args...), filepath.Join(dir, "shards")
	if req.Format != "" {
		args = append(args, "--out", filepath.Join(dir, batchFile(req.Format)), "--shards", shards)
	}
	cmd := exec.Command(program, append(args, "--job", "--workspace", p.workspace, "--threads", fmt.Sprint(p.threads))...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DATABASE_URL=") }), jobEnv+"="+j.ID)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said := &tail{most: 8 << 10}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the process of job %s: %w", j.ID, err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, niceness) // a wish
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
		p.log.Error("job failed", "job", j.ID, "error", err, "stderr", said.String())
		return nil, errors.New(lastError(said.String(), err))
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

// lastError finds what a process told people that went wrong.
func lastError(stderr string, err error) string {
	if at := strings.LastIndex(stderr, "ERROR:  "); at >= 0 {
		return strings.TrimSpace(strings.TrimPrefix(stderr[at:], "ERROR:  "))
	}
	if text := strings.TrimSpace(stderr); text != "" {
		lines := strings.Split(text, "\n")
		return lines[len(lines)-1]
	}
	return err.Error()
}

// tail keeps the last bytes that are written to it.
type tail struct {
	most int
	b    bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.b.Write(p)
	if over := t.b.Len() - t.most; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.b.String() }
