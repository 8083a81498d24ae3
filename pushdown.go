package rowlink

import (
	"context"
	"io"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// CopyLabels computes a label table where the data lies, in shards of the entities, and
// hands over each shard as CSV without a header: the key columns, anchor, label and split, as
// [tql.SQLShard] gives them. All shards are of one state of the database. It agrees with
// [tasks.Label] if that has not changed since the snapshot; no row of the table passes
// through the snapshot's memory. take is called from several goroutines.
func (d *Database) CopyLabels(ctx context.Context, task *tasks.Task, shards, connections int, take func(shard int, csv io.Reader) error) error {
	if err := tasks.Resolve(task, d.Snap); err != nil {
		return err
	}
	grid, err := task.Grid()
	if err != nil {
		return err
	}
	statements := make([]string, shards)
	for i := range statements {
		if statements[i], err = tql.SQLShard(task, d.Snap.Schema, grid, tql.Shard{Number: i, Of: shards}); err != nil {
			return &ingest.UserError{Msg: err.Error(), Hint: "rowlink labels TASK --executor memory computes every type"}
		}
	}
	if d.opt.URL == "" {
		return &ingest.UserError{Msg: "the database is to compute the labels, and none is named", Hint: "name it with --db or DATABASE_URL"}
	}
	src, err := ingest.Open(ctx, d.opt.URL, ingest.OpenOptions{Schemas: d.opt.Schemas, AcceptRowSecurity: d.opt.AcceptRowSecurity, MaxAge: d.opt.MaxAge})
	if err != nil {
		return err
	}
	defer src.Close()
	from, ok := src.(ingest.SQLCopier)
	if !ok {
		return &ingest.UserError{Msg: d.Source + " computes no labels", Hint: "SQL runs on Postgres; --executor memory computes them over the snapshot"}
	}
	return from.CopySQL(ctx, task.Options.Zone, connections, statements, take)
}
