package relf1

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/sqlite" // the scheme "sqlite:"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Position is the task driver-position: where a driver finishes on average in the 60
// days behind an anchor, anchors and splits as RelBench publishes them.
const Position = `CREATE TASK driver_position AS
  PREDICT AVG(results.positionOrder, 0, 60, days)
  FOR EACH drivers.driverId
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '60 days', eval_anchors = 40)`

// Env names the folder that holds the reference data, of which data/f1 is a part.
const Env = "ROWLINK_TESTDATA"

// A NoDataError says that the CSV files are not on this machine.
type NoDataError struct{ Folder string }

func (e *NoDataError) Error() string {
	return fmt.Sprintf("no rel-f1 data in %s: set %s to the folder that holds data/f1", e.Folder, Env)
}

// Folder returns the folder of the CSV files: data/f1 below $ROWLINK_TESTDATA, or below
// ../shared where that is not set. The error is a [NoDataError].
func Folder() (string, error) {
	dir := os.Getenv(Env)
	if dir == "" {
		dir = filepath.Join("..", "shared")
	}
	dir = filepath.Join(dir, "data", "f1")
	if _, err := os.Stat(filepath.Join(dir, "races.csv")); err != nil {
		return "", &NoDataError{dir}
	}
	return dir, nil
}

// Snapshot reads rel-f1 from the CSV files of a folder: through a temporary SQLite file,
// with the meaning of the columns as it is inferred for any database.
func Snapshot(ctx context.Context, folder string) (*ingest.Snapshot, error) {
	dir, err := os.MkdirTemp("", "relf1")
	if err != nil {
		return nil, fmt.Errorf("read rel-f1: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "relf1.db")
	if err := Write(ctx, folder, path); err != nil {
		return nil, err
	}
	src, err := ingest.Open(ctx, "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	raw, err := ingest.Take(ctx, src, ingest.TakeOptions{})
	if err != nil {
		return nil, err
	}
	inferred := raw.Schema.Clone()
	schema.Infer(inferred, raw.Stats())
	return raw.Derive(inferred)
}

// Labels binds driver-position to a snapshot of rel-f1 and computes its label table.
func Labels(ctx context.Context, snap *ingest.Snapshot, threads int) (*tasks.LabelTable, error) {
	task, err := tql.Bind(Position, snap.Schema)
	if err != nil {
		return nil, err
	}
	if err := tasks.Resolve(task, snap); err != nil {
		return nil, err
	}
	return tasks.Label(ctx, snap, task, threads)
}
