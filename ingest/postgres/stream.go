package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	streamBuffer = 256 << 10
	// silence is how long a stream may bring nothing before its connection counts as dead:
	// longer than the server needs to find the first row of a range.
	silence = 2 * time.Minute
)

// Messages of the server that matter in a COPY
// (https://www.postgresql.org/docs/current/protocol-message-formats.html).
const (
	msgCopyData = 'd'
	msgError    = 'E'
	msgComplete = 'C'
	msgReady    = 'Z'
)

// copyTo runs sql, a COPY ... TO STDOUT, and hands its rows to d; it returns how many the
// server says that it sent. It reads the connection itself, many messages at a time: the
// server sends one for each row. An answer of the server leaves the connection usable; after
// any other error it is closed.
func (s *session) copyTo(ctx context.Context, sql string, d *decoder) (rows int64, err error) {
	pg := s.conn.PgConn()
	if err := pg.SyncConn(ctx); err != nil {
		return 0, err
	}
	conn := pg.Conn()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	st := &copying{ctx: ctx, conn: conn, quiet: s.quiet, d: d, buf: s.buf}
	err = st.run(sql)
	s.buf = st.buf
	if !stop() || err != nil {
		conn.Close()
		s.close()
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return 0, err
	}
	if st.failed != nil {
		return 0, st.failed
	}
	return st.rows, nil
}

// copying is one COPY under way.
type copying struct {
	ctx   context.Context
	conn  net.Conn
	quiet time.Duration
	d     *decoder

	buf    []byte
	lo, hi int // what of buf was read and not yet used
	rows   int64
	failed error // the server's answer
	idle   bool  // the server is ready for the next statement
}

// run sends the statement and reads until the server is ready for the next.
func (s *copying) run(sql string) error {
	if s.buf == nil {
		s.buf = make([]byte, streamBuffer)
	}
	query, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return err
	}
	if err := s.deadline(); err != nil {
		return err
	}
	if _, err := s.conn.Write(query); err != nil {
		return err
	}
	for {
		ready, err := s.messages()
		if ready || err != nil {
			return err
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

func (s *copying) deadline() error {
	if err := s.conn.SetDeadline(time.Now().Add(s.quiet)); err != nil {
		return err
	}
	return s.ctx.Err() // it may have ended before the deadline was moved
}

// messages uses the complete messages in the buffer and moves their rows. ready tells the
// end.
func (s *copying) messages() (ready bool, err error) {
	const head = 5 // type and length, which counts itself
	for !ready && s.hi-s.lo >= head {
		typ, n := s.buf[s.lo], int(int32(binary.BigEndian.Uint32(s.buf[s.lo+1:])))
		if n < 4 {
			return false, fmt.Errorf("the server sent a message of length %d", n)
		}
		end := s.lo + 1 + n
		if end > s.hi {
			break
		}
		body := s.lo + head
		s.lo = end
		if typ == msgCopyData {
			if s.failed == nil {
				err = s.d.message(s.buf[:end], body)
			}
		} else {
			ready, err = s.other(typ, s.buf[body:end])
		}
		if err != nil {
			return false, err
		}
	}
	return ready, s.d.flush(s.buf[:s.hi])
}

// other takes a message that holds no row.
func (s *copying) other(typ byte, body []byte) (ready bool, err error) {
	switch typ {
	case msgError:
		var e pgproto3.ErrorResponse
		if err := e.Decode(body); err != nil {
			return false, err
		}
		if s.idle { // it ends the session: a shutdown, a standby's conflict
			return false, pgconn.ErrorResponseToPgError(&e)
		}
		s.failed = pgconn.ErrorResponseToPgError(&e)
	case msgComplete:
		var c pgproto3.CommandComplete
		if err := c.Decode(body); err != nil {
			return false, err
		}
		s.rows = pgconn.NewCommandTag(string(c.CommandTag)).RowsAffected()
	case msgReady:
		s.idle = true
	}
	return s.idle && s.lo == s.hi, nil // what else may come: notices and settings
}

// fill reads more, behind the message that is not complete.
func (s *copying) fill() error {
	s.hi = copy(s.buf, s.buf[s.lo:s.hi])
	s.lo = 0
	if s.hi == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	if err := s.deadline(); err != nil {
		return err
	}
	n, err := s.conn.Read(s.buf[s.hi:])
	s.hi += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
