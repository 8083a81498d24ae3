package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// WriteSQLite writes the shop as a new SQLite file: one transaction, declared types,
// primary and foreign keys. A file that exists is an error.
func (d *Database) WriteSQLite(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write shop: %q exists already; name a new file", path)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	defer func() {
		err = errors.Join(err, db.Close())
		if err != nil {
			os.Remove(path) // no half database; absent if it never came to be
		}
	}()
	db.SetMaxOpenConns(1) // the settings below belong to one connection
	// A half-written file is deleted, so neither journal nor fsync is of use.
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF"); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	defer tx.Rollback()
	for _, t := range d.tables() {
		if err := t.insert(ctx, tx); err != nil {
			return fmt.Errorf("write shop: table %s: %w", t.name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	return nil
}

// batch is the number of rows per INSERT: a call of the driver costs more than a row.
const batch = 64

func (t *table) insert(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, t.create(sqliteDialect, "")); err != nil {
		return err
	}
	full, err := tx.PrepareContext(ctx, t.insertStatement(batch))
	if err != nil {
		return err
	}
	defer full.Close()
	args := make([]any, 0, batch*len(t.columns))
	for i := range t.rows {
		args = t.appendRow(args, i)
		if len(args) == cap(args) {
			if _, err := full.ExecContext(ctx, args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if len(args) == 0 {
		return nil
	}
	_, err = tx.ExecContext(ctx, t.insertStatement(len(args)/len(t.columns)), args...)
	return err
}

func (t *table) insertStatement(rows int) string {
	one := "(" + strings.Repeat("?, ", len(t.columns)-1) + "?)"
	return "INSERT INTO " + t.name + " VALUES " + strings.Repeat(one+", ", rows-1) + one
}

// appendRow adds the values of row i, times as text.
func (t *table) appendRow(args []any, i int) []any {
	for c, v := range t.row(i) {
		if at, ok := v.(time.Time); ok {
			v = t.columns[c].typ.format(at)
		}
		args = append(args, v)
	}
	return args
}
