package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// timeLayout is how an embedded database holds times and dates: texts that sort as the
// instants do. Fractions of a second follow where there are any.
const timeLayout = "2006-01-02 15:04:05.999999"

// TimeText is an instant as an embedded database holds it, in its zone.
func TimeText(at int64, zone *time.Location) string {
	return time.UnixMicro(at).In(zone).Format(timeLayout)
}

// ParseTime reads what [TimeText] wrote.
func ParseTime(text string, zone *time.Location) (int64, error) {
	t, err := time.ParseInLocation(timeLayout, text, zone)
	if err != nil {
		return 0, err
	}
	return t.UnixMicro(), nil
}

// Embedded is a database in memory that holds tables of a snapshot under names that
// nobody can know, so that SQL of a user's reaches them only through what stands in
// front of them. Times are texts in one zone.
type Embedded struct {
	db   *sql.DB
	conn *sql.Conn
	mark string
}

// Embed copies tables of a snapshot into a new database in memory. Opaque columns are
// left out.
func Embed(ctx context.Context, snap *ingest.Snapshot, tables []int, zone *time.Location) (*Embedded, error) {
	var secret [16]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	e := &Embedded{db: db, mark: hex.EncodeToString(secret[:])}
	if e.conn, err = db.Conn(ctx); err == nil {
		for _, i := range tables {
			if err = e.copy(ctx, snap.Tables[i], i, zone); err != nil {
				break
			}
		}
	}
	if err == nil {
		_, err = e.conn.ExecContext(ctx, "PRAGMA query_only = ON")
	}
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("copy the snapshot into a database in memory: %w", err)
	}
	return e, nil
}

// Close frees the memory.
func (e *Embedded) Close() error {
	if e.conn != nil {
		e.conn.Close()
	}
	return e.db.Close()
}

// Shadow is a SELECT of the rows of a table that are visible as of an instant, an SQL
// expression in microseconds UTC: the time rule's own row times decide.
func (e *Embedded) Shadow(t *schema.Table, number int, asOf string, strict bool) string {
	var names []string
	for _, c := range t.Columns {
		if c.Kind != schema.Opaque {
			names = append(names, quoteName(c.Name))
		}
	}
	op := "<="
	if strict {
		op = "<"
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE (%s IS NULL OR %s %s %s) AND (%s IS NULL OR %s > %s)", strings.Join(names, ", "), e.table(number),
		e.since(), e.since(), op, asOf, e.until(), e.until(), asOf)
}

func (e *Embedded) table(number int) string { return fmt.Sprintf(`"t%d_%s"`, number, e.mark) }
func (e *Embedded) since() string           { return `"since_` + e.mark + `"` }
func (e *Embedded) until() string           { return `"until_` + e.mark + `"` }

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// affinity is the declared type of a column.
var affinity = map[schema.Kind]string{schema.Int: "INTEGER", schema.Bool: "INTEGER", schema.Float: "REAL", schema.Text: "TEXT", schema.Time: "TEXT"}

// copy fills one table. Rows that are visible at no anchor are left out; those of a table
// without time have no instant and are visible always.
func (e *Embedded) copy(ctx context.Context, t *ingest.Table, number int, zone *time.Location) error {
	columns, marks := []string{e.since() + " INTEGER", e.until() + " INTEGER"}, "?, ?"
	var kept []int
	for i, c := range t.Def.Columns {
		if c.Kind != schema.Opaque {
			kept = append(kept, i)
			columns = append(columns, quoteName(c.Name)+" "+affinity[c.Kind])
			marks += ", ?"
		}
	}
	if _, err := e.conn.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", e.table(number), strings.Join(columns, ", "))); err != nil {
		return err
	}
	tx, err := e.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%s)", e.table(number), marks))
	if err != nil {
		return err
	}
	defer insert.Close()
	row := make([]any, len(kept)+2)
	for r := range t.Rows {
		if r%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at := t.TimeOf(int32(r))
		if at == ingest.Never {
			continue
		}
		row[0], row[1] = nil, nil
		if at != ingest.Always {
			row[0] = at
		}
		if t.Until != nil && t.Until[r] != ingest.Never {
			row[1] = t.Until[r]
		}
		for i, c := range kept {
			row[i+2] = embeddedValue(t, c, r, zone)
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// embeddedValue is a value as the embedded database holds it. Local times are read in the zone of
// the table's mapping.
func embeddedValue(t *ingest.Table, column, row int, zone *time.Location) any {
	v := t.Columns[column].Value(row)
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
		return 0
	case time.Time:
		return TimeText(ingest.LocalTime(t.ValueZone(column), v.UnixMicro()), zone)
	}
	return v
}

// Select implements [ingest.SQLSession].
func (e *Embedded) Select(ctx context.Context, text string, args ...any) (*ingest.SQLResult, error) {
	rows, err := e.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, complaint(ctx, err)
	}
	defer rows.Close()
	out := &ingest.SQLResult{}
	if out.Columns, err = rows.Columns(); err != nil {
		return nil, complaint(ctx, err)
	}
	for rows.Next() {
		values, into := make([]any, len(out.Columns)), make([]any, len(out.Columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, complaint(ctx, err)
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		out.Rows = append(out.Rows, values)
	}
	if err := rows.Err(); err != nil {
		return nil, complaint(ctx, err)
	}
	return out, nil
}

// complaint is what SQLite says about a statement.
func complaint(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	message := strings.TrimPrefix(err.Error(), "SQL logic error: ")
	if i := strings.LastIndex(message, " ("); i > 0 {
		message = message[:i] // the number of the error
	}
	return &ingest.SQLError{Message: message}
}
