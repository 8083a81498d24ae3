package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/workspace"
)

// storedFlags choose a stored version of a task and one of its predictors.
type storedFlags struct {
	version, alias, model string
	rows                  rowCache
}

func (s *storedFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.version, "version", "", "version number, or latest (default: the one that prod names)")
	f.StringVar(&s.alias, "alias", "", "the version that this alias names")
	s.rows.register(f)
	f.StringVar(&s.model, "model", "", "predictor of the version: gnn or a baseline (default: the one that is served)")
}

// check refuses a choice that cannot be meant.
func (s *storedFlags) check() error {
	if s.version != "" && s.alias != "" {
		return usage("take one of them", "--version %s and --alias %s both name a version", s.version, s.alias)
	}
	_, err := s.rows.options()
	return err
}

// ref is how the workspace names the version.
func (s *storedFlags) ref() string {
	if s.version != "" {
		return s.version
	}
	return s.alias
}

// storedModel is a version of a task over the database. Close the database.
type storedModel struct {
	*rowlink.Loaded
	db    *rowlink.Database
	alias string // by which it was found; may be empty
}

// stored opens the database and the chosen version of TASK. The version is looked up
// first, so that a wrong name costs no snapshot.
func (a *app) stored(ctx context.Context, arg string, flags storedFlags) (*storedModel, error) {
	name, hash, err := a.taskName(arg)
	if err != nil {
		return nil, err
	}
	w, err := workspace.Open(a.workspace)
	if err != nil {
		return nil, err
	}
	version, err := w.Model(name, flags.ref())
	if err != nil {
		return nil, cmp.Or(misspelt(w, name), err)
	}
	if hash != "" && hash != version.TaskHash {
		a.warn("version %d was trained for another text of task %s than that of %s", version.Version, name, arg)
	}
	if a.rows, err = flags.rows.options(); err != nil {
		return nil, err
	}
	d, err := a.open(ctx, false)
	if err != nil {
		return nil, err
	}
	m, err := loadVersion(ctx, d, version, flags)
	if err != nil {
		d.Close()
	}
	return m, err
}

// loadVersion binds a version to an open database.
func loadVersion(ctx context.Context, d *rowlink.Database, version *workspace.Model, flags storedFlags) (*storedModel, error) {
	m := &storedModel{db: d, alias: flags.alias}
	if flags.ref() == "" {
		m.alias = workspace.Prod
	}
	var err error
	m.Loaded, err = d.Load(ctx, version.Task, fmt.Sprint(version.Version), flags.model)
	return m, err
}

// misspelt returns the error of a task that the workspace does not know at all.
func misspelt(w *workspace.Workspace, name string) error {
	trained, err := w.ModelTasks()
	if err != nil {
		return err
	}
	stored, err := w.Tasks()
	if err != nil || slices.Contains(trained, name) || slices.Contains(stored, name) {
		return err
	}
	return &workspace.NotFoundError{Kind: "task", Name: name, Dir: w.Dir(), Have: trained, Advice: "rowlink train TASK makes a version to ask"}
}

func (m *storedModel) origin() origin {
	return origin{m.Version.Task, m.Version.Version, m.alias, m.Served}
}
