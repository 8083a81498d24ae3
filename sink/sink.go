// Package sink owns the way of predictions and features into a table of Postgres. It has a URL, and with it
// a role, of its own: the database that is read is never written.
//
// A table is replaced, or appended to, in one transaction: readers see the rows before or
// the rows after, whoever may read the table still may, and a run that failed has changed
// nothing and can be repeated.
package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres"
	"github.com/rowlink/rowlink/schema"
)

// Column is a column of the table. A schema.Time takes time.Time.
type Column struct {
	Name string
	Kind schema.Kind
}

// types are what columns are in the database.
var types = map[schema.Kind]string{schema.Bool: "boolean", schema.Int: "bigint", schema.Float: "double precision", schema.Text: "text", schema.Time: "timestamp with time zone"}

// Table names where rows go, and how.
type Table struct {
	Name   string // name or schema.name
	Append bool   // keep what is there
	// Comments on columns, by name, for a table that is made.
	Comments map[string]string
}

// Write writes rows, which next yields one after another and nil behind the last, into a
// table that it makes where there is none. It returns how many there were. An error names
// what to do: it never holds the URL.
func Write(ctx context.Context, url string, to Table, columns []Column, next func() ([]any, error)) (rows int64, err error) {
	config, err := postgres.ConfigOf(url)
	if err != nil {
		return 0, err
	}
	name, err := to.identifier()
	if err != nil {
		return 0, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return 0, &ingest.UserError{Msg: "the database to write to cannot be reached: " + reason(err), Hint: "--to postgres://writer@host/database, a role that may write"}
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("write rows: %s", reason(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // of what was committed it does nothing
	if err := to.prepare(ctx, tx, name, columns); err != nil {
		return 0, err
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	rows, err = tx.CopyFrom(ctx, name, names, &source{next: next})
	if err != nil {
		return 0, fmt.Errorf("write rows into %s: %w", to.Name, told(err))
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("write rows into %s: %w", to.Name, told(err))
	}
	return rows, nil
}

// identifier reads the name.
func (t Table) identifier() (pgx.Identifier, error) {
	parts := strings.Split(t.Name, ".")
	if len(parts) > 2 || slices.Contains(parts, "") {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%q is no name of a table", t.Name), Hint: "write name, or schema.name"}
	}
	return parts, nil
}

// comment says in a table that was made what its columns are.
func (t Table) comment(ctx context.Context, tx pgx.Tx, name pgx.Identifier, fresh bool) error {
	for _, c := range slices.Sorted(maps.Keys(t.Comments)) {
		if !fresh {
			return nil // it may belong to somebody else
		}
		text := "'" + strings.ReplaceAll(t.Comments[c], "'", "''") + "'"
		if _, err := tx.Exec(ctx, "COMMENT ON COLUMN "+name.Sanitize()+"."+pgx.Identifier{c}.Sanitize()+" IS "+text); err != nil {
			return fmt.Errorf("comment on %s: %w", t.Name, told(err))
		}
	}
	return nil
}

// prepare makes the table, or holds its columns to those that are written, and empties it
// unless rows are appended.
func (t Table) prepare(ctx context.Context, tx pgx.Tx, name pgx.Identifier, columns []Column) error {
	var defs []string
	for _, c := range columns {
		defs = append(defs, pgx.Identifier{c.Name}.Sanitize()+" "+types[c.Kind])
	}
	fresh := false
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NULL", name.Sanitize()).Scan(&fresh); err != nil {
		return fmt.Errorf("look for %s: %w", t.Name, told(err))
	}
	if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+name.Sanitize()+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return &ingest.UserError{Msg: fmt.Sprintf("table %s cannot be made: %s", t.Name, reason(err)), Hint: "grant CREATE on its schema to the role, or make the table with the columns " + strings.Join(defs, ", ")}
	}
	if err := t.comment(ctx, tx, name, fresh); err != nil {
		return err
	}
	// Writers of other runs wait; readers do not.
	if _, err := tx.Exec(ctx, "LOCK TABLE "+name.Sanitize()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock %s: %w", t.Name, told(err))
	}
	have, err := existing(ctx, tx, name)
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", t.Name, told(err))
	}
	for _, c := range columns {
		if typ := have[c.Name]; typ != types[c.Kind] {
			return &ingest.UserError{Msg: fmt.Sprintf("table %s has column %q of type %q, what is written has %q", t.Name, c.Name, typ, types[c.Kind]), Hint: "name another table, or drop this one"}
		}
	}
	if t.Append {
		return nil
	}
	if _, err := tx.Exec(ctx, "DELETE FROM "+name.Sanitize()); err != nil {
		return fmt.Errorf("empty %s: %w", t.Name, told(err))
	}
	return nil
}

func existing(ctx context.Context, tx pgx.Tx, name pgx.Identifier) (map[string]string, error) {
	rows, err := tx.Query(ctx, `SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute
		WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped`, name.Sanitize())
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var column, typ string
	_, err = pgx.ForEachRow(rows, []any{&column, &typ}, func() error { out[column] = typ; return nil })
	return out, err
}

// source feeds rows to COPY.
type source struct {
	next func() ([]any, error)
	row  []any
	err  error
}

func (s *source) Next() bool {
	s.row, s.err = s.next()
	return s.err == nil && s.row != nil
}

func (s *source) Values() ([]any, error) { return s.row, nil }
func (s *source) Err() error             { return s.err }

// reason is what the server says, without what the driver knows of the connection.
func reason(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Message + " (SQLSTATE " + e.Code + ")"
	}
	if e := (*pgconn.ConnectError)(nil); errors.As(err, &e) {
		return "no connection"
	}
	return err.Error()
}

// told keeps an error of the server to what the server says.
func told(err error) error {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return errors.New(reason(err))
	}
	return err
}
