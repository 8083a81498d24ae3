package rowlink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/rawsql"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// bind binds a task's text; one in SQL gets its labels from the database of d.
func (d *Database) bind(text string) (*tasks.Task, error) {
	task, err := tql.Bind(text, d.Snap.Schema)
	if err == nil && task.Raw != nil {
		task.Raw.Source = &sqlLabels{d: d}
	}
	return task, err
}

// CheckSQL refuses a raw SQL task whose bodies fail or could read past the censoring. The
// database must be reachable.
func (d *Database) CheckSQL(ctx context.Context, task *tasks.Task) error {
	if err := tasks.Resolve(task, d.Snap); err != nil {
		return err
	}
	db, err := d.openSQL(ctx, task)
	if err != nil {
		return err
	}
	defer db.Close()
	return rawsql.Check(ctx, db, task, d.Snap.Schema)
}

// openSQL begins a reading transaction on the database that the snapshot was taken of.
func (d *Database) openSQL(ctx context.Context, task *tasks.Task) (ingest.SQLSession, error) {
	if d.opt.URL == "" {
		return nil, &ingest.UserError{Msg: "TK180: task " + task.Name + " is written in SQL, which the database answers, and none is named", Hint: "name it with --db or DATABASE_URL"}
	}
	src, err := ingest.Open(ctx, d.opt.URL, ingest.OpenOptions{Schemas: d.opt.Schemas})
	if err != nil {
		return nil, err
	}
	defer src.Close() // the session has a connection of its own
	answers, ok := src.(ingest.SQLSource)
	if !ok {
		return nil, &ingest.UserError{Msg: "TK180: task " + task.Name + " is written in SQL, which " + d.Source + " does not answer", Hint: "say it with PREDICT, or read the data from Postgres"}
	}
	return answers.OpenSQL(ctx, task.Options.Zone)
}

// sqlLabels runs the SQL of raw tasks and keeps what it gave, in memory and beside the
// task's text, because the database is not at hand when a version is asked later.
type sqlLabels struct {
	d *Database

	mu   sync.Mutex
	kept *keptLabels
}

// keptLabels is the content of tasks/NAME.labels.json. Rows are those of the snapshot.
type keptLabels struct {
	Fingerprint string                  `json:"fingerprint"` // of the statements and the snapshot
	Sets        map[string]*tasks.Given `json:"sets"`        // by anchors
}

// Labels implements [tasks.LabelSource].
func (s *sqlLabels) Labels(ctx context.Context, task *tasks.Task, anchors []int64, apart bool) (*tasks.Given, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(task); err != nil {
		return nil, err
	}
	key := setName(anchors, apart)
	if have := s.kept.Sets[key]; have != nil {
		return have, nil
	}
	db, err := s.d.openSQL(ctx, task)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := rawsql.Check(ctx, db, task, s.d.Snap.Schema); err != nil {
		return nil, err
	}
	got, err := rawsql.Labels(ctx, db, task, s.d.Snap, anchors, apart)
	if err != nil {
		return nil, err
	}
	s.kept.Sets[key] = got
	return got, s.save(task)
}

// setName tells sets of anchors apart.
func setName(anchors []int64, apart bool) string {
	h := sha256.New()
	for _, a := range anchors {
		fmt.Fprintf(h, "%d ", a)
	}
	kind := "together"
	if apart {
		kind = "apart"
	}
	return fmt.Sprintf("%d %s %s", len(anchors), kind, hex.EncodeToString(h.Sum(nil)[:8]))
}

// load reads what was kept for the same statements over the same snapshot.
func (s *sqlLabels) load(task *tasks.Task) error {
	if s.kept != nil {
		return nil
	}
	s.kept = &keptLabels{Fingerprint: s.d.Snap.ID + " " + rawsql.Fingerprint(task, s.d.Snap.Schema), Sets: map[string]*tasks.Given{}}
	if s.d.Workspace == nil {
		return nil
	}
	data, err := os.ReadFile(s.path(task))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read labels of task %s: %w", task.Name, err)
	}
	var have keptLabels
	if json.Unmarshal(data, &have) == nil && have.Fingerprint == s.kept.Fingerprint && have.Sets != nil {
		s.kept = &have // else the task, the mapping or the data are others now
	}
	return nil
}

func (s *sqlLabels) save(task *tasks.Task) error {
	if s.d.Workspace == nil || workspace.CheckTaskName(task.Name) != nil {
		return nil
	}
	data, err := json.Marshal(s.kept)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path(task)), 0o700); err != nil {
		return err
	}
	return workspace.WriteFile(s.path(task), data)
}

func (s *sqlLabels) path(task *tasks.Task) string {
	return filepath.Join(s.d.Workspace.Dir(), "tasks", task.Name+".labels.json")
}
