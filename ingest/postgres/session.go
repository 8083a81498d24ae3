package postgres

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Limits of a reading transaction.
const (
	lockTimeout = 2 * time.Second  // wait no longer behind somebody's DDL
	pieceLimit  = 10 * time.Minute // for one statement: a table, or a range of its pages
	maxAge      = 30 * time.Minute // an older snapshot holds back the server's vacuum
	closeWait   = 5 * time.Second
)

// session is one connection in the state in which rowlink reads.
type session struct {
	conn   *pgx.Conn
	config *pgx.ConnConfig
	pooled bool // a pooler stands between us and the server
	ascii  bool // the database does not know the encoding of its text
	major  int  // server version: 15
	replay bool // the server is a standby

	quiet time.Duration // see silence
	buf   []byte        // of copyTo
}

// connect opens a session. Its errors name host and port, never the password.
func connect(ctx context.Context, config *pgx.ConnConfig) (*session, error) {
	s, err := dial(ctx, config)
	if err != nil {
		return nil, sourceError("connect to "+address(config), err, config)
	}
	return s, nil
}

// dial opens a session. Its errors are the driver's, which may hold the password.
func dial(ctx context.Context, config *pgx.ConnConfig) (*session, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, config: config, quiet: silence}
	var pid uint32
	var encoding, version string
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid(), current_setting('server_encoding'), current_setting('server_version_num'), pg_is_in_recovery()`).
		Scan(&pid, &encoding, &version, &s.replay)
	if err != nil {
		s.close()
		return nil, err
	}
	num, _ := strconv.Atoi(version)
	s.major = num / 10000
	// A pooler hands out a cancel key of its own, so the process ids differ.
	s.pooled = pid != conn.PgConn().PID()
	s.ascii = encoding == "SQL_ASCII"
	if !s.pooled {
		// Second fence beside READ ONLY: the session itself cannot write. Behind a
		// pooler it would leak into other clients' sessions.
		if err := s.exec(ctx, "SET default_transaction_read_only = on"); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func address(config *pgx.ConnConfig) string {
	if strings.HasPrefix(config.Host, "/") {
		return config.Host
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

func (s *session) exec(ctx context.Context, sql string) error {
	_, err := s.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// settings are what differs between reading transactions.
type settings struct {
	snapshot  string // exported one to import; empty = the transaction's own
	statement time.Duration
	filtered  bool // row-level security may hide rows; else that is an error
}

// begin starts a reading transaction.
func (s *session) begin(ctx context.Context, set settings) error {
	var b strings.Builder
	b.WriteString("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
	if set.snapshot != "" { // must be the transaction's first statement
		fmt.Fprintf(&b, "SET TRANSACTION SNAPSHOT %s;", quoteLiteral(set.snapshot))
	}
	security := "off"
	if set.filtered {
		security = "on"
	}
	encoding := "UTF8"
	if s.ascii {
		encoding = "SQL_ASCII" // else one bad byte makes the server abort the read
	}
	fmt.Fprintf(&b, `
SET LOCAL search_path = '';
SET LOCAL row_security = %s;
SET LOCAL client_encoding = '%s';
SET LOCAL "TimeZone" = 'UTC';
SET LOCAL "DateStyle" = 'ISO';
SET LOCAL "IntervalStyle" = 'iso_8601';
SET LOCAL extra_float_digits = 3;
SET LOCAL lock_timeout = '%dms';
SET LOCAL statement_timeout = '%dms';
SET LOCAL jit = off`, security, encoding, lockTimeout.Milliseconds(), set.statement.Milliseconds())
	return s.exec(ctx, b.String())
}

// export turns the running transaction into the exporter of a snapshot and returns
// its id. From here on it touches no table and so holds no lock.
func (s *session) export(ctx context.Context) (string, error) {
	if err := s.lift(ctx); err != nil {
		return "", err
	}
	var id string
	err := s.conn.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&id)
	return id, err
}

// lift takes the time-outs away that would end a transaction that waits for workers.
func (s *session) lift(ctx context.Context) error {
	lift := "SET LOCAL idle_in_transaction_session_timeout = 0"
	if s.major >= 17 {
		lift += "; SET LOCAL transaction_timeout = 0"
	}
	return s.exec(ctx, lift)
}

// rollback ends the transaction whatever its state; a dead connection is closed. Nothing was
// written, so a commit would do no more.
func (s *session) rollback() { s.end("ROLLBACK") }

// end runs sql, which ends a transaction or a part of one.
func (s *session) end(sql string) {
	if s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := s.exec(ctx, sql); err != nil {
		s.close()
	}
}

// close ends the connection and waits for its goroutines.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing was written; a failed goodbye loses nothing
	select {
	case <-s.conn.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}

// quote quotes an identifier.
func quote(names ...string) string { return pgx.Identifier(names).Sanitize() }

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
