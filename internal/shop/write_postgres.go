package shop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// WritePostgres writes the shop into a schema of a Postgres database, creating the
// schema if need be, in one transaction by COPY. Tables that exist are an error.
func (d *Database) WritePostgres(ctx context.Context, url, schema string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	defer conn.Close(ctx)
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return d.fill(ctx, tx, schema) }); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	return nil
}

func (d *Database) fill(ctx context.Context, tx pgx.Tx, schema string) error {
	prefix := pgx.Identifier{schema}.Sanitize() + "."
	if _, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+strings.TrimSuffix(prefix, ".")); err != nil {
		return err
	}
	for _, t := range d.tables() {
		if _, err := tx.Exec(ctx, t.create(postgresDialect, prefix)); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		rows := pgx.CopyFromSlice(t.rows, func(i int) ([]any, error) { return t.row(i), nil })
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{schema, t.name}, t.columnNames(), rows); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	for _, t := range d.tables() {
		for _, statement := range t.linkStatements(prefix) {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
	}
	return nil
}

// Seeded reports whether the schema of a Postgres database holds a shop already.
func Seeded(ctx context.Context, url, schema string) (bool, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false, fmt.Errorf("look for the shop: %w", err)
	}
	defer conn.Close(ctx)
	var have bool
	err = conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", pgx.Identifier{schema, "support_tickets"}.Sanitize()).Scan(&have)
	if err != nil {
		return false, fmt.Errorf("look for the shop: %w", err)
	}
	return have, nil
}

// WriteSQL writes the shop as a script for psql: tables, COPY with the rows, foreign
// keys, into the schema of the search path.
func (d *Database) WriteSQL(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	tables := d.tables()
	for _, t := range tables {
		fmt.Fprintf(b, "%s;\n\nCOPY %s (%s) FROM stdin;\n", t.create(postgresDialect, ""), t.name, strings.Join(t.columnNames(), ", "))
		for i := range t.rows {
			b.WriteString(t.copyLine(i))
		}
		b.WriteString("\\.\n\n")
	}
	for _, t := range tables {
		for _, statement := range t.linkStatements("") {
			b.WriteString(statement + ";\n")
		}
	}
	b.WriteString("ANALYZE;\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	return nil
}

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// copyLine prints row i in COPY's text format.
func (t *table) copyLine(i int) string {
	fields := make([]string, len(t.columns))
	for c, v := range t.row(i) {
		switch v := v.(type) {
		case nil:
			fields[c] = `\N`
		case int64:
			fields[c] = strconv.FormatInt(v, 10)
		case float64:
			fields[c] = strconv.FormatFloat(v, 'g', -1, 64)
		case bool:
			fields[c] = strconv.FormatBool(v)[:1]
		case string:
			fields[c] = copyEscapes.Replace(v)
		case time.Time:
			fields[c] = t.columns[c].typ.format(v)
		default:
			panic(fmt.Sprintf("shop: column %s.%s has a value of type %T", t.name, t.columns[c].name, v))
		}
	}
	return strings.Join(fields, "\t") + "\n"
}
