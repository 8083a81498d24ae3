package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/jobs"
)

// CreateTask takes what says PREDICT; a task churn is there already.
func (f *fake) CreateTask(_ context.Context, text TaskText, dry bool) (*CreatedTask, error) {
	sql := text.SQL
	switch {
	case f.fail != nil:
		return nil, f.fail
	case !strings.Contains(sql, "PREDICT"):
		return nil, Invalid{Code: "TK104", Detail: "the statement creates no task", Pointer: "/sql", Hint: "write CREATE TASK", Line: 1, Column: 1}
	case strings.Contains(sql, "TASK churn") && !dry:
		return nil, Conflict{Code: "TK191", Detail: `task "churn" exists`, Hint: "CREATE OR REPLACE TASK churn ... replaces it"}
	}
	half := Number(0.5)
	return &CreatedTask{Task: TaskInfo{Name: "fresh", Type: "binary_classification", Entity: "customers", Key: []string{"id"}, KeyTypes: []string{"int"}, Text: sql, Reading: "Will it?"},
		Stored: !dry, Hash: "4711", SQL: "SELECT 1", Examples: map[string]Share{"train": {Rows: 10, Positive: &half}}}, nil
}

// DropTask drops churn; value has versions.
func (f *fake) DropTask(_ context.Context, task string, cascade bool) (*DroppedTask, error) {
	switch {
	case f.fail != nil:
		return nil, f.fail
	case task == "value" && !cascade:
		return nil, Conflict{Code: "TK196", Detail: `task "value" has 2 models`, Hint: "?cascade=true removes them too"}
	case task != "churn" && task != "value":
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", task), Hint: "have churn, value"}
	}
	return &DroppedTask{Task: task, Models: 2}, nil
}

// Rollback rolls churn back; value named nothing before.
func (f *fake) Rollback(_ context.Context, task, alias string) (*AliasMove, error) {
	switch {
	case f.fail != nil:
		return nil, f.fail
	case task == "value":
		return nil, Conflict{Code: "alias", Detail: `prod of task "value" named no other version before`}
	case task != "churn":
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", task), Hint: "have churn"}
	}
	return &AliasMove{Task: task, Alias: alias, From: "7", To: "6"}, nil
}

func (f *fake) Promote(_ context.Context, task, version, alias string) (*AliasMove, error) {
	switch {
	case f.fail != nil:
		return nil, f.fail
	case task != "churn" && task != "value" || version == "9":
		return nil, NotFound{Detail: fmt.Sprintf("task %q has no version %q", task, version), Hint: "have 6, 7"}
	}
	return &AliasMove{Task: task, Alias: alias, From: "7", To: version}, nil
}

func (f *fake) Labels(_ context.Context, l LabelsRequest, w io.Writer) error {
	switch l.Task {
	case "churn":
		_, err := fmt.Fprintf(w, "{%q:%q,\"split\":%q,\"limit\":%d}\n", "format", l.Format, l.Split, l.Limit)
		return err
	case "broken": // breaks off in the middle
		_, _ = io.WriteString(w, "half")
		return errors.New("disk full")
	case "faulty":
		return errors.New("before the first byte")
	case "value":
		_, err := io.WriteString(w, "{}")
		return err
	}
	return NotFound{Detail: fmt.Sprintf("no task %q", l.Task)}
}

func (f *fake) PlanTrain(_ context.Context, task string, options map[string]string) (json.RawMessage, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	if task != "churn" && task != "value" {
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", task)}
	}
	for name := range options {
		if name != "seed" && name != "fan_out" {
			return nil, Invalid{Code: "TK193", Detail: fmt.Sprintf("there is no option %q", name), Hint: "options: seed, fan_out", Pointer: "/options/" + name}
		}
	}
	return json.Marshal(map[string]any{"task": task, "options": options})
}

func (f *fake) PlanBatch(_ context.Context, b BatchRequest) (json.RawMessage, error) {
	if b.Task != "churn" && b.Task != "value" {
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", b.Task)}
	}
	return json.Marshal(b)
}

func (*fake) BatchFile(j jobs.Job) (name, media string) {
	if j.Kind != "batch" {
		return "", ""
	}
	return "predictions.csv", "text/csv"
}

func newQuiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newJobs returns a queue whose trainings say two epochs and whose batches leave a file.
func newJobs(t testing.TB) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(t.TempDir(), map[string]jobs.Work{
		"train": func(_ context.Context, _ jobs.Job, _ string, emit func(string, any)) (any, error) {
			emit("epoch", map[string]int{"number": 1})
			emit("epoch", map[string]int{"number": 2})
			return map[string]int{"version": 8}, nil
		},
		"batch": func(_ context.Context, _ jobs.Job, dir string, _ func(string, any)) (any, error) {
			return map[string]int{"rows": 1}, os.WriteFile(filepath.Join(dir, "predictions.csv"), []byte("id,prediction\n42,true\n"), 0o600)
		},
	}, newQuiet())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Drift knows churn and value.
func (f *fake) Drift(_ context.Context, task string) (*DriftAnswer, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	if task != "churn" && task != "value" {
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", task)}
	}
	ks := Number(0.25)
	return &DriftAnswer{Task: task, Version: "7", Anchor: testNow, Reference: testNow.AddDate(0, -6, 0), Days: 60, Score: &DriftItem{Name: "score", PSI: 0.5, KS: &ks, Verdict: "moved far"},
		Columns: []DriftItem{{Name: "orders.total", PSI: 0.125, Verdict: "moved"}}, Tables: []DriftTable{}, Skipped: []string{},
		Later: &LaterScores{Metric: "roc_auc", Trained: 0.75, Score: 0.625, Examples: 40, Anchors: []LaterScore{{Anchor: testNow, Examples: 20, Score: Number(math.NaN())}, {Anchor: testNow, Examples: 20, Score: 0.5}}}}, nil
}

// Importance knows the versions in service of churn and value.
func (f *fake) Importance(_ context.Context, task, version string) (*ImportanceAnswer, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	if task+version != "churn7" && task+version != "value2" {
		return nil, NotFound{Detail: "not measured yet"}
	}
	return &ImportanceAnswer{Task: task, Version: version, Metric: "roc_auc", Score: 0.75, Items: []ImportanceItem{{Kind: "column", Table: "orders", Name: "total", Loss: 0.25, Spread: Number(math.NaN())}}}, nil
}
