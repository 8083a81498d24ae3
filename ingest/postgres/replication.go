package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rowlink/rowlink/ingest/postgres/pgoutput"
)

// replication is a connection that streams the log of the database through a temporary
// slot, which ends with the connection. Creating one needs the REPLICATION right and writes
// to no table; while it lives the server keeps the log that was not confirmed.
type replication struct {
	conn  *pgconn.PgConn
	slot  string
	start pgoutput.LSN // transactions that committed before are in the exported snapshot

	confirmed pgoutput.LSN // everything below was taken in
	sent      pgoutput.LSN // what the server has sent, by its last keepalive
	told      time.Time    // when the server was last told so
	every     time.Duration
}

// tellEvery is how often the server hears of us; it hangs up after wal_sender_timeout (60 s).
const tellEvery = 5 * time.Second

// listen is how long a wait for one message may last.
const listen = time.Second

// errQuiet says that nothing came for a while.
var errQuiet = errors.New("no message yet")

// replicate connects, creates a temporary slot and returns the snapshot that it exports,
// which lives until the stream is begun.
func (s *Source) replicate(ctx context.Context) (r *replication, snapshot string, err error) {
	config := s.config.Config.Copy()
	encoding := "UTF8"
	if s.session.ascii {
		encoding = "SQL_ASCII"
	}
	for k, v := range map[string]string{"replication": "database", "client_encoding": encoding, "TimeZone": "UTC", "DateStyle": "ISO",
		"IntervalStyle": "iso_8601", "extra_float_digits": "3", "idle_in_transaction_session_timeout": "0", "statement_timeout": "0"} {
		config.RuntimeParams[k] = v
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, "", sourceError("connect to "+address(s.config)+" for replication", err, s.config)
	}
	r = &replication{conn: conn, slot: fmt.Sprintf("rowlink_%d", conn.PID())}
	results, err := conn.Exec(ctx, "CREATE_REPLICATION_SLOT "+r.slot+" TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT").ReadAll()
	if err == nil && (len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) < 3) {
		err = errors.New("the server described the slot in an unknown way")
	}
	if err == nil {
		r.start, err = parseLSN(string(results[0].Rows[0][1]))
	}
	if err != nil {
		r.close()
		return nil, "", sourceError("create a temporary replication slot", err, s.config)
	}
	r.confirmed = r.start
	return r, string(results[0].Rows[0][2]), nil
}

// begin starts the stream of a publication.
func (r *replication) begin(ctx context.Context, publication string) error {
	sql := fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %s (proto_version '1', publication_names %s)", r.slot, textLSN(r.start), quoteLiteral(quote(publication)))
	r.conn.Frontend().SendQuery(&pgproto3.Query{String: sql})
	if err := r.conn.Frontend().Flush(); err != nil {
		return err
	}
	for {
		m, err := r.conn.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *pgproto3.CopyBothResponse:
			return nil
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		}
	}
}

// next returns the next message of the stream, or errQuiet after a moment without any. The
// server is told now and then what was taken in.
func (r *replication) next(ctx context.Context) (pgoutput.Message, error) {
	if time.Since(r.told) > r.every {
		if err := r.tell(); err != nil {
			return nil, err
		}
	}
	wait, cancel := context.WithTimeout(ctx, min(listen, r.every))
	defer cancel()
	m, err := r.conn.ReceiveMessage(wait)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && pgconn.Timeout(err):
		return nil, errQuiet
	case err != nil:
		return nil, err
	}
	switch m := m.(type) {
	case *pgproto3.ErrorResponse:
		return nil, pgconn.ErrorResponseToPgError(m)
	case *pgproto3.CopyData:
		return r.unpack(m.Data)
	}
	return nil, errQuiet
}

// unpack reads what a CopyData holds: a piece of the log, or a keepalive.
//
// Format: https://www.postgresql.org/docs/current/protocol-replication.html
func (r *replication) unpack(data []byte) (pgoutput.Message, error) {
	const logHeader, keepalive = 1 + 3*8, 1 + 2*8 + 1
	switch {
	case len(data) > logHeader && data[0] == 'w':
		return pgoutput.Decode(data[logHeader:])
	case len(data) == keepalive && data[0] == 'k':
		r.sent = pgoutput.LSN(binary.BigEndian.Uint64(data[1:]))
		if data[keepalive-1] != 0 {
			return nil, errors.Join(r.tell(), errQuiet)
		}
		return nil, errQuiet
	}
	return nil, fmt.Errorf("unknown message of %d bytes in the stream of the log", len(data))
}

// tell confirms what was taken in, so that the server need not keep it.
func (r *replication) tell() error {
	b := []byte{'r'}
	for range 3 { // written, flushed, applied
		b = binary.BigEndian.AppendUint64(b, uint64(r.confirmed))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixMicro()-epochMicros))
	b = append(b, 0)
	r.conn.Frontend().Send(&pgproto3.CopyData{Data: b})
	r.told = time.Now()
	return r.conn.Frontend().Flush()
}

// close ends the connection, and with it the slot.
func (r *replication) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	_ = r.conn.Close(ctx) // nothing is lost
	select {
	case <-r.conn.CleanupDone():
	case <-ctx.Done():
	}
}

func parseLSN(s string) (pgoutput.LSN, error) {
	var hi, lo uint32
	if _, err := fmt.Sscanf(s, "%X/%X", &hi, &lo); err != nil {
		return 0, fmt.Errorf("position %q of the log cannot be read", s)
	}
	return pgoutput.LSN(hi)<<32 | pgoutput.LSN(lo), nil
}

func textLSN(l pgoutput.LSN) string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }
