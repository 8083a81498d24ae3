package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rowlink/rowlink/ingest"
)

// selectTimeout bounds one statement of a user.
const selectTimeout = 10 * time.Minute

var _ ingest.SQLSource = (*Source)(nil)

// selection is a reading transaction on a connection of its own.
type selection struct {
	*session
	zone *time.Location
}

// OpenSQL implements [ingest.SQLSource]: a read-only REPEATABLE READ transaction whose
// search path is pg_catalog and whose TimeZone is zone.
func (s *Source) OpenSQL(ctx context.Context, zone *time.Location) (ingest.SQLSession, error) {
	on, err := s.openSQL(ctx, zone, "")
	if err != nil {
		return nil, err
	}
	return on, nil
}

// openSQL begins the transaction in the state of an exported snapshot, or with none in its own.
func (s *Source) openSQL(ctx context.Context, zone *time.Location, snapshot string) (*selection, error) {
	ses, err := connect(ctx, s.config)
	if err != nil {
		return nil, err
	}
	err = ses.begin(ctx, s.settings(snapshot))
	if err == nil {
		err = ses.exec(ctx, fmt.Sprintf(`SET LOCAL search_path = pg_catalog; SET LOCAL "TimeZone" = %s; SET LOCAL statement_timeout = '%dms'; SET LOCAL standard_conforming_strings = on`,
			quoteLiteral(zone.String()), selectTimeout.Milliseconds()))
	}
	if err != nil {
		ses.close()
		return nil, sourceError("begin to read", err, s.config)
	}
	return &selection{ses, zone}, nil
}

// Close ends the transaction and the connection.
func (s *selection) Close() error {
	s.rollback()
	s.close()
	return nil
}

// Select implements [ingest.SQLSession].
func (s *selection) Select(ctx context.Context, sql string, args ...any) (*ingest.SQLResult, error) {
	rows, err := s.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	out := &ingest.SQLResult{}
	fields := rows.FieldDescriptions()
	for _, f := range fields {
		out.Columns = append(out.Columns, f.Name)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, s.fault(err)
		}
		for i := range values {
			if values[i], err = s.value(values[i], fields[i].DataTypeOID); err != nil {
				return nil, err
			}
		}
		out.Rows = append(out.Rows, values)
	}
	if err := rows.Err(); err != nil {
		return nil, s.fault(err)
	}
	if len(out.Columns) == 0 { // the description may come with the first row only
		for _, f := range rows.FieldDescriptions() {
			out.Columns = append(out.Columns, f.Name)
		}
	}
	return out, nil
}

// fault turns the server's complaint about a statement into an [ingest.SQLError].
func (s *selection) fault(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &ingest.SQLError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint, Position: int(pg.Position)}
	}
	return sourceError("select", err, s.config)
}

// value brings a value to one of the few types that a result has.
func (s *selection) value(v any, oid uint32) (any, error) {
	switch v := v.(type) {
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case pgtype.Numeric:
		f, err := v.Float64Value()
		if err != nil {
			return nil, fmt.Errorf("read a numeric: %w", err)
		}
		if v.Exp >= 0 && !v.NaN && v.Int != nil && v.Exp == 0 && v.Int.IsInt64() {
			return v.Int.Int64(), nil
		}
		return f.Float64, nil
	case [16]byte:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]), nil
	case time.Time:
		if oid == pgtype.TimestampOID || oid == pgtype.DateOID { // a wall clock in the session's zone
			return time.UnixMicro(ingest.LocalTime(s.zone, v.UnixMicro())).In(s.zone), nil
		}
		return v, nil
	case []any:
		for i := range v {
			var err error
			if v[i], err = s.value(v[i], 0); err != nil {
				return nil, err
			}
		}
		return v, nil
	case nil, bool, int64, float64, string:
		return v, nil
	}
	return fmt.Sprint(v), nil
}
