package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres"
	"github.com/rowlink/rowlink/schema"
)

// StagedTable stages a run in Postgres: rowlink_run and rowlink_shard in the schema of the
// table say what is in, rowlink_staging_<run> holds the rows. Close it.
type StagedTable struct {
	run     Run
	to      Table
	columns []Column
	conn    *pgx.Conn
	target  pgx.Identifier
	made    time.Time
}

// The last columns of every row, which the sink fills in: the run, and when it was begun.
var runColumns = []Column{{"run", schema.Text}, {"made", schema.Time}}

// StageTable begins a run, or goes on with it. The rows have the given columns; run and made
// follow. Errors never hold the URL.
func StageTable(ctx context.Context, url string, run Run, to Table, columns []Column) (*StagedTable, error) {
	config, err := postgres.ConfigOf(url)
	if err != nil {
		return nil, err
	}
	s := &StagedTable{run: run, to: to, columns: columns}
	if s.target, err = to.identifier(); err != nil {
		return nil, err
	}
	if s.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, &ingest.UserError{Msg: "the database for predictions cannot be reached: " + reason(err), Hint: "--to postgres://writer@host/database, a role that may write"}
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the connection.
func (s *StagedTable) Close() error { return s.conn.Close(context.Background()) }

// beside names a table in the schema of the target.
func (s *StagedTable) beside(name string) string {
	id := append(append(pgx.Identifier{}, s.target[:len(s.target)-1]...), name)
	return id.Sanitize()
}

func (s *StagedTable) runs() string    { return s.beside("rowlink_run") }
func (s *StagedTable) shards() string  { return s.beside("rowlink_shard") }
func (s *StagedTable) staging() string { return s.beside(s.stagingName()) }

func (s *StagedTable) stagingName() string { return "rowlink_staging_" + s.run.ID }

func (s *StagedTable) all() []Column { return append(append([]Column{}, s.columns...), runColumns...) }

// stagingLock keeps two processes from making the same tables at once.
const stagingLock = 7236125012

// begin makes what is missing.
func (s *StagedTable) begin(ctx context.Context) error {
	return s.transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", stagingLock); err != nil {
			return err
		}
		for _, q := range []string{
			`CREATE TABLE IF NOT EXISTS ` + s.runs() + ` (run text PRIMARY KEY, target text NOT NULL, spec jsonb, shards int NOT NULL, made timestamptz NOT NULL DEFAULT now(), published timestamptz, rows bigint)`,
			`CREATE TABLE IF NOT EXISTS ` + s.shards() + ` (run text, shard int, rows bigint NOT NULL, worker text, kernels text, seconds double precision, made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (run, shard))`,
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return &ingest.UserError{Msg: "the tables of runs cannot be made: " + reason(err), Hint: "grant CREATE on the schema of " + s.to.Name + " to the role"}
			}
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+s.runs()+" (run, target, spec, shards) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", s.run.ID, s.to.Name, s.run.Spec, s.run.Shards); err != nil {
			return err
		}
		var shards int
		var published pgtype.Timestamptz
		if err := tx.QueryRow(ctx, "SELECT shards, made, published FROM "+s.runs()+" WHERE run = $1", s.run.ID).Scan(&shards, &s.made, &published); err != nil {
			return err
		}
		if shards != s.run.Shards {
			return otherRun(s.run.ID)
		}
		if published.Valid {
			return nil
		}
		var defs []string
		for _, c := range s.all() {
			defs = append(defs, pgx.Identifier{c.Name}.Sanitize()+" "+types[c.Kind])
		}
		_, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+s.staging()+" ("+strings.Join(defs, ", ")+")")
		return err
	})
}

// transaction runs f in one; errors are those of the server.
func (s *StagedTable) transaction(ctx context.Context, f func(tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.conn, f)
	if user := (*ingest.UserError)(nil); err == nil || errors.As(err, &user) {
		return err
	}
	return fmt.Errorf("write predictions into %s: %w", s.to.Name, told(err))
}

// Has reports whether a shard is in, or the run published.
func (s *StagedTable) Has(ctx context.Context, shard int) (in bool, err error) {
	err = s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+s.shards()+" WHERE run = $1 AND shard = $2) OR EXISTS (SELECT FROM "+s.runs()+" WHERE run = $1 AND published IS NOT NULL)",
		s.run.ID, shard).Scan(&in)
	if err != nil {
		err = fmt.Errorf("read the shards of %s: %w", s.to.Name, told(err))
	}
	return in, err
}

// Put adds the rows of a shard, which next yields one after another and nil behind the last;
// times are microseconds. added is false when the shard was in already: nothing is
// written then.
func (s *StagedTable) Put(ctx context.Context, shard int, m Mark, next func() ([]any, error)) (added bool, err error) {
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		var open bool
		if err := tx.QueryRow(ctx, "SELECT published IS NULL FROM "+s.runs()+" WHERE run = $1 FOR SHARE", s.run.ID).Scan(&open); err != nil || !open {
			return err
		}
		// Of two that put one shard the second waits here for what becomes of the first.
		tag, err := tx.Exec(ctx, "INSERT INTO "+s.shards()+" (run, shard, rows, worker, kernels, seconds) VALUES ($1, $2, 0, $3, $4, $5) ON CONFLICT DO NOTHING", s.run.ID, shard, m.Worker, m.Kernels, m.Seconds)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		names := make([]string, 0, len(s.columns)+2)
		for _, c := range s.all() {
			names = append(names, c.Name)
		}
		rows, err := tx.CopyFrom(ctx, append(append(pgx.Identifier{}, s.target[:len(s.target)-1]...), s.stagingName()), names, &source{next: s.completed(next)})
		if err != nil {
			return err
		}
		added = true
		_, err = tx.Exec(ctx, "UPDATE "+s.shards()+" SET rows = $3 WHERE run = $1 AND shard = $2", s.run.ID, shard, rows)
		return err
	})
	return added && err == nil, err
}

// completed turns microseconds into times, and adds the columns of the run.
func (s *StagedTable) completed(next func() ([]any, error)) func() ([]any, error) {
	return func() ([]any, error) {
		row, err := next()
		if err != nil || row == nil {
			return nil, err
		}
		for i, c := range s.columns {
			if us, ok := row[i].(int64); ok && c.Kind == schema.Time {
				row[i] = time.UnixMicro(us).UTC()
			}
		}
		return append(row, s.run.ID, s.made), nil
	}
}

// Publish makes the run visible if all shards are in: in one transaction its rows replace, or
// join, those of the table. A run that is published already stays as it is.
func (s *StagedTable) Publish(ctx context.Context) (p Published, err error) {
	if p, err = s.state(ctx); err != nil || p.Done || p.In < s.run.Shards {
		return p, err // without a lock that those who put would meet
	}
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		var done bool
		var rows pgtype.Int8
		if err := tx.QueryRow(ctx, "SELECT published IS NOT NULL, rows FROM "+s.runs()+" WHERE run = $1 FOR UPDATE", s.run.ID).Scan(&done, &rows); err != nil {
			return err
		}
		if p = (Published{Done: done, Rows: rows.Int64}); done {
			return nil
		}
		var counted int64
		if err := tx.QueryRow(ctx, "SELECT count(*), coalesce(sum(rows), 0) FROM "+s.shards()+" WHERE run = $1", s.run.ID).Scan(&p.In, &counted); err != nil || p.In < s.run.Shards {
			return err
		}
		if p.Rows, err = s.replace(ctx, tx); err != nil {
			return err
		}
		if p.Rows != counted {
			return fmt.Errorf("%d rows are staged, the shards have %d: somebody changed %s", p.Rows, counted, s.staging())
		}
		p.Done = true
		_, err = tx.Exec(ctx, "UPDATE "+s.runs()+" SET published = now(), rows = $2 WHERE run = $1", s.run.ID, p.Rows)
		return err
	})
	return p, err
}

// state says how far the run is.
func (s *StagedTable) state(ctx context.Context) (p Published, err error) {
	err = s.conn.QueryRow(ctx, "SELECT published IS NOT NULL, coalesce(rows, 0), (SELECT count(*) FROM "+s.shards()+" s WHERE s.run = r.run) FROM "+s.runs()+" r WHERE run = $1", s.run.ID).Scan(&p.Done, &p.Rows, &p.In)
	if err != nil {
		err = fmt.Errorf("read the shards of %s: %w", s.to.Name, told(err))
	}
	return p, err
}

// replace brings the staged rows into the table. Where there is none the staged table becomes
// it, which costs nothing; else its rows are copied, so that who may read the table still may.
func (s *StagedTable) replace(ctx context.Context, tx pgx.Tx) (rows int64, err error) {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", s.target.Sanitize()).Scan(&there); err != nil {
		return 0, err
	}
	if !there {
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+s.staging()).Scan(&rows); err != nil {
			return 0, err
		}
		_, err = tx.Exec(ctx, "ALTER TABLE "+s.staging()+" RENAME TO "+pgx.Identifier{s.target[len(s.target)-1]}.Sanitize())
		return rows, err
	}
	if err := s.to.prepare(ctx, tx, s.target, s.all()); err != nil {
		return 0, err
	}
	var names []string
	for _, c := range s.all() {
		names = append(names, pgx.Identifier{c.Name}.Sanitize())
	}
	list := strings.Join(names, ", ")
	tag, err := tx.Exec(ctx, "INSERT INTO "+s.target.Sanitize()+" ("+list+") SELECT "+list+" FROM "+s.staging())
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, "DROP TABLE "+s.staging())
	return tag.RowsAffected(), err
}
