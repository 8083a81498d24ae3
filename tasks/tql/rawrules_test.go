package tql_test

import (
	"context"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/rawsql"
	"github.com/rowlink/rowlink/tasks/tql"
)

var _ = tql.SetRawSource(func(snap *ingest.Snapshot) tasks.LabelSource { return embedded{snap} })

// embedded runs the SQL of tasks over a snapshot, in SQLite.
type embedded struct{ snap *ingest.Snapshot }

func (s embedded) Entities(ctx context.Context, task *tasks.Task, anchor int64) ([]int32, error) {
	e, err := rawsql.OpenEmbedded(ctx, task, s.snap)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Entities(ctx, anchor)
}

func (s embedded) Labels(ctx context.Context, task *tasks.Task, anchors []int64, apart bool) (*tasks.Given, error) {
	e, err := rawsql.OpenEmbedded(ctx, task, s.snap)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Labels(ctx, anchors, apart)
}
