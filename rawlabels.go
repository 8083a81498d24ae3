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
	"slices"
	"strings"
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
	if !d.postgres() {
		e, err := rawsql.OpenEmbedded(ctx, task, d.Snap)
		if err != nil {
			return err
		}
		return e.Close()
	}
	db, err := d.openSQL(ctx, task)
	if err != nil {
		return err
	}
	defer db.Close()
	return rawsql.Check(ctx, db, task, d.Snap.Schema)
}

// postgres reports whether the snapshot was taken of a Postgres, whose SQL tasks are then
// written in; those over other sources are SQLite's, over the snapshot itself.
func (d *Database) postgres() bool { return strings.HasPrefix(d.Source, "postgres") }

// openSQL begins a reading transaction on the database that the snapshot was taken of.
func (d *Database) openSQL(ctx context.Context, task *tasks.Task) (ingest.SQLSession, error) {
	if d.opt.URL == "" {
		return nil, &ingest.UserError{Msg: "TK180: the labels of task " + task.Name + " are to come from SQL, which the database answers, and none is named", Hint: "name it with --db or DATABASE_URL"}
	}
	src, err := ingest.Open(ctx, d.opt.URL, ingest.OpenOptions{Schemas: d.opt.Schemas, AcceptRowSecurity: d.opt.AcceptRowSecurity, MaxAge: d.opt.MaxAge})
	if err != nil {
		return nil, err
	}
	defer src.Close() // the session has a connection of its own
	answers, ok := src.(ingest.SQLSource)
	if !ok {
		return nil, &ingest.UserError{Msg: "TK180: the labels of task " + task.Name + " are to come from SQL, which " + d.Source + " does not answer", Hint: "SQL runs on Postgres; say the task with PREDICT, and let the labels be computed in memory"}
	}
	return answers.OpenSQL(ctx, task.Options.Zone)
}

// LabelsBySQL computes a label table where the data lies: the database runs the SELECT that
// the task is lowered to, and only the examples come back. It agrees with [tasks.Label] if
// the database has not changed since the snapshot. The database must be a Postgres.
func (d *Database) LabelsBySQL(ctx context.Context, task *tasks.Task) (*tasks.LabelTable, error) {
	if task.Raw != nil {
		return tasks.Label(ctx, d.Snap, task, d.opt.Threads)
	}
	if err := tasks.Resolve(task, d.Snap); err != nil {
		return nil, err
	}
	db, err := d.openSQL(ctx, task)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	given, err := rawsql.Lowered(ctx, db, task, d.Snap)
	if err != nil {
		return nil, err
	}
	return tasks.LabelGiven(d.Snap, task, given)
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
	Entities    []keptEntities          `json:"entities"`    // what ENTITIES named, the last used at the end
}

type keptEntities struct {
	Anchor int64   `json:"anchor"`
	Rows   []int32 `json:"rows"`
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
	got, err := s.compute(ctx, task, anchors, apart)
	if err != nil {
		return nil, err
	}
	s.kept.Sets[key] = got
	return got, s.save(task)
}

// maxEntitySets is for how many anchors the entities are kept, the last ones asked for.
const maxEntitySets = 16

// Entities implements [tasks.LabelSource].
func (s *sqlLabels) Entities(ctx context.Context, task *tasks.Task, anchor int64) ([]int32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(task); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(s.kept.Entities, func(e keptEntities) bool { return e.Anchor == anchor }); i >= 0 {
		have := s.kept.Entities[i]
		s.kept.Entities = append(slices.Delete(s.kept.Entities, i, i+1), have) // used last
		return have.Rows, nil
	}
	var rows []int32
	err := s.ask(ctx, task, func(a answerer) (err error) {
		rows, err = a.Entities(ctx, anchor)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.kept.Entities = append(s.kept.Entities, keptEntities{anchor, rows})
	if n := len(s.kept.Entities) - maxEntitySets; n > 0 {
		s.kept.Entities = slices.Delete(s.kept.Entities, 0, n)
	}
	return rows, s.save(task)
}

// keepEntities runs ENTITIES of a raw SQL task at the end of the data, which is where a
// version is asked about if nothing else is said: then the database need not be at hand.
func (d *Database) keepEntities(ctx context.Context, task *tasks.Task) error {
	if task.Raw == nil {
		return nil
	}
	_, err := tasks.Eligible(ctx, d.Snap, task, nil, tasks.DataUntil(d.Snap, task))
	return err
}

// compute runs the bodies.
func (s *sqlLabels) compute(ctx context.Context, task *tasks.Task, anchors []int64, apart bool) (given *tasks.Given, err error) {
	return given, s.ask(ctx, task, func(a answerer) (err error) {
		given, err = a.Labels(ctx, anchors, apart)
		return err
	})
}

// answerer runs the bodies of one task.
type answerer interface {
	Labels(ctx context.Context, anchors []int64, apart bool) (*tasks.Given, error)
	Entities(ctx context.Context, anchor int64) ([]int32, error)
}

// ask calls f with what answers: the Postgres that the snapshot is of, else SQLite over
// the snapshot.
func (s *sqlLabels) ask(ctx context.Context, task *tasks.Task, f func(answerer) error) error {
	if !s.d.postgres() {
		e, err := rawsql.OpenEmbedded(ctx, task, s.d.Snap)
		if err != nil {
			return err
		}
		defer e.Close()
		return f(e)
	}
	db, err := s.d.openSQL(ctx, task)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := rawsql.Check(ctx, db, task, s.d.Snap.Schema); err != nil {
		return err
	}
	return f(overPostgres{db, task, s.d.Snap})
}

// overPostgres answers for a task in an open transaction.
type overPostgres struct {
	db   ingest.SQLSession
	task *tasks.Task
	snap *ingest.Snapshot
}

func (p overPostgres) Labels(ctx context.Context, anchors []int64, apart bool) (*tasks.Given, error) {
	return rawsql.Labels(ctx, p.db, p.task, p.snap, anchors, apart)
}

func (p overPostgres) Entities(ctx context.Context, anchor int64) ([]int32, error) {
	return rawsql.Entities(ctx, p.db, p.task, p.snap, anchor)
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
