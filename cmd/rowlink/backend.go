package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// backend answers for the tasks of a workspace over one snapshot.
type backend struct {
	db   *rowlink.Database
	only []string // tasks that are served; empty = all of the workspace
	log  *slog.Logger

	threads int
	sink    bool     // there is a database for predictions
	before  *backend // over the snapshot before, while versions are carried over from it
	shelf
}

var _ server.Backend = (*backend)(nil)

// names lists the tasks that are served, with a model or without, in order.
func (b *backend) names() ([]string, error) {
	if len(b.only) > 0 {
		return b.only, nil
	}
	stored, err := b.db.Workspace.Tasks()
	if err != nil {
		return nil, err
	}
	trained, err := b.db.Workspace.ModelTasks()
	if err != nil {
		return nil, err
	}
	all := append(stored, trained...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Tasks implements [server.Backend].
func (b *backend) Tasks(context.Context) ([]server.TaskInfo, error) {
	names, err := b.names()
	if err != nil {
		return nil, err
	}
	out := make([]server.TaskInfo, len(names))
	for i, name := range names {
		if s := b.inService(name); s != nil {
			out[i] = s.info()
			continue
		}
		if out[i], err = b.untrained(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// untrained describes a task that no version answers for.
func (b *backend) untrained(name string) (server.TaskInfo, error) {
	info := server.TaskInfo{Name: name}
	text, err := b.db.Workspace.Task(name)
	if errors.Is(err, fs.ErrNotExist) {
		info.Warnings = []string{"its text is gone from the workspace"}
		return info, nil
	}
	if err != nil {
		return info, err
	}
	info.Text = strings.TrimSpace(text)
	task, err := tql.Bind(text, b.db.Snap.Schema)
	if err != nil {
		info.Warnings = []string{err.Error()}
		return info, nil
	}
	describe(&info, task, b.db.Snap)
	return info, nil
}

// describe fills in what the bound task says.
func describe(info *server.TaskInfo, task *tasks.Task, snap *ingest.Snapshot) {
	entity := snap.Tables[task.Entity].Def
	info.Type, info.Entity, info.Key = task.Type, entity.Name, entity.Names(entity.Key)
	for _, c := range entity.Key {
		info.KeyTypes = append(info.KeyTypes, entity.Columns[c].Kind.String())
	}
	info.Text, info.Reading, info.Warnings, info.Metric = task.Text, task.Reading, task.Warnings, task.Options.Metric
}

// Models implements [server.Backend].
func (b *backend) Models(context.Context) ([]server.ModelInfo, error) {
	names, err := b.names()
	if err != nil {
		return nil, err
	}
	var out []server.ModelInfo
	for _, name := range names {
		versions, err := b.db.Workspace.Models(name)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			info, err := modelInfo(v)
			if err != nil {
				return nil, err
			}
			if s := b.inService(name); s != nil && s.Version.Version == v.Version {
				info.Serving, info.DataUntil = true, time.UnixMicro(s.dataUntil).UTC()
			}
			out = append(out, info)
		}
	}
	return out, nil
}

// reportFile is the report of a version; see [rowlink.Report].
const reportFile = "report.json"

// storedReport is what a model list shows of it. Scores that are not defined are null.
type storedReport struct {
	Served, Model, Regime string
	Rows                  []struct {
		Name, Setting string
		Val, Test     map[string]*float64
	}
}

// modelInfo describes a stored version: the scores of the predictor that answers, and
// those of all others beside it.
func modelInfo(v *workspace.Model) (server.ModelInfo, error) {
	info := server.ModelInfo{Task: v.Task, Version: strconv.Itoa(v.Version), Aliases: v.Aliases, Created: v.Created, Snapshot: v.Snapshot}
	var r storedReport
	data, err := os.ReadFile(v.Path(reportFile))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return info, fmt.Errorf("read the report of version %d of task %s: %w", v.Version, v.Task, err)
	}
	info.Regime, info.Model, info.Baselines = r.Regime, r.Served, map[string]server.Scores{}
	for _, row := range r.Rows {
		scores := server.Scores{"val": numbers(row.Val), "test": numbers(row.Test)}
		switch {
		case row.Name != r.Served:
			info.Baselines[row.Name] = scores
		case row.Name == rowlink.GNN:
			info.Metrics, info.Model = scores, r.Model
		default:
			info.Metrics = scores
			if row.Setting != "" {
				info.Model += ": " + row.Setting
			}
		}
	}
	return info, nil
}

func numbers(values map[string]*float64) map[string]server.Number {
	out := map[string]server.Number{}
	for name, v := range values {
		out[name] = server.Number(math.NaN())
		if v != nil {
			out[name] = server.Number(*v)
		}
	}
	return out
}
