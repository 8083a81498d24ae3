package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Read appends all rows of the tables of sc, in one transaction. It fails when the
// tables were altered since Schema.
func (s *Source) Read(ctx context.Context, sc *schema.Schema, b *ingest.Builder) error {
	if s.version < 0 {
		if _, err := s.Schema(ctx); err != nil {
			return err
		}
	}
	s.findings = nil
	err := s.inTransaction(ctx, func(conn *sql.Conn) error {
		version, err := schemaVersion(ctx, conn)
		if err != nil {
			return s.failed("read the catalog", err)
		}
		if version != s.version {
			return s.failed("read the tables", errors.New("the tables were altered meanwhile; run again"))
		}
		for i, t := range sc.Tables {
			if err := s.table(ctx, conn, t, b.Tables[i]); err != nil {
				return s.failed(fmt.Sprintf("read table %q", t.Name), err)
			}
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// cell is how the values of one column of the query are stored.
type cell struct {
	into *ingest.ColumnBuilder
	put  putFunc
	lost int
}

func (s *Source) table(ctx context.Context, conn *sql.Conn, t *schema.Table, b *ingest.TableBuilder) error {
	var (
		cells []*cell
		exprs []string
		cols  []int
	)
	for i := range t.Columns {
		if t.Columns[i].Kind == schema.Opaque {
			continue
		}
		cells = append(cells, &cell{into: &b.Columns[i], put: putOf(t.Columns[i])})
		cols = append(cols, i)
		// As an expression the column has no declared type, by which the driver
		// would turn values into times and booleans.
		exprs = append(exprs, "+"+quote(t.Columns[i].Name))
	}
	if len(exprs) == 0 {
		exprs = []string{"0"} // only the number of rows
	}
	query := "SELECT " + strings.Join(exprs, ", ") + " FROM " + quote(t.Name)
	// Below database/sql, which would convert every cell once more.
	err := conn.Raw(func(c any) error { return readRows(ctx, c.(driver.QueryerContext), query, cells, len(exprs), b) })
	if err != nil {
		return err
	}
	for i, c := range cells {
		if c.lost > 0 {
			def := t.Columns[cols[i]]
			s.findings = append(s.findings, ingest.Finding{Level: ingest.LevelWarning, Check: "values",
				Detail: fmt.Sprintf("table %q, column %q: %d values are no %s and were read as NULL", t.Name, def.Name, c.lost, def.DBType)})
		}
	}
	return nil
}

func readRows(ctx context.Context, conn driver.QueryerContext, query string, cells []*cell, width int, b *ingest.TableBuilder) error {
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]driver.Value, width)
	for {
		err := rows.Next(values)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for i, c := range cells {
			if v := values[i]; v == nil {
				c.into.Null()
			} else if !c.put(c.into, v) {
				c.lost++
				c.into.Null()
			}
		}
		b.EndRow()
	}
}

// putOf returns how cells of a column are stored. Kinds alone do not tell a time of
// day from a number.
func putOf(c schema.Column) putFunc {
	switch c.Kind {
	case schema.Bool:
		return putBool
	case schema.Int:
		return putInt
	case schema.Text:
		return putText
	case schema.Time:
		return putTime
	}
	if strings.HasPrefix(c.DBType, "time ") {
		return putTimeOfDay
	}
	return putFloat
}
