package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// RunScript runs a psql script on conn: SQL, \copy ... FROM 'file' (relative to
// folder), COPY ... FROM stdin with its data up to \., and \set, which has no effect.
func RunScript(ctx context.Context, conn *pgx.Conn, folder string, script io.Reader) error {
	s := &scriptRun{ctx: ctx, conn: conn, folder: folder, in: bufio.NewReaderSize(script, 1<<16)}
	for {
		line, err := s.in.ReadString('\n')
		s.line++
		if line != "" {
			if err := s.step(line); err != nil {
				return fmt.Errorf("line %d: %w", s.line, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return s.flush()
		}
		if err != nil {
			return err
		}
	}
}

type scriptRun struct {
	ctx    context.Context
	conn   *pgx.Conn
	folder string
	in     *bufio.Reader
	sql    strings.Builder // statements not yet sent
	line   int
}

var (
	metaCopy  = regexp.MustCompile(`(?i)^\\copy\s+(.+?)\s+from\s+'([^']+)'\s*(.*?)\s*;?\s*$`)
	stdinCopy = regexp.MustCompile(`(?i)^copy\s+.+\sfrom\s+stdin\b.*;\s*$`)
)

func (s *scriptRun) step(line string) error {
	switch {
	case strings.HasPrefix(line, `\set`):
		return nil
	case strings.HasPrefix(line, `\`):
		m := metaCopy.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("%q is none of the commands understood: \\set, \\copy ... FROM 'file'", strings.TrimSpace(line))
		}
		f, err := os.Open(filepath.Join(s.folder, m[2]))
		if err != nil {
			return err
		}
		defer f.Close()
		return s.copy("COPY "+m[1]+" FROM STDIN "+m[3], f)
	case stdinCopy.MatchString(line):
		return s.copy(line, &inlineData{in: s.in, line: &s.line})
	}
	s.sql.WriteString(line)
	return nil
}

func (s *scriptRun) copy(sql string, data io.Reader) error {
	if err := s.flush(); err != nil {
		return err
	}
	_, err := s.conn.PgConn().CopyFrom(s.ctx, data, sql)
	return err
}

// flush sends the statements collected so far by the simple protocol, which takes
// several at once.
func (s *scriptRun) flush() error {
	sql := s.sql.String()
	s.sql.Reset()
	_, err := s.conn.PgConn().Exec(s.ctx, sql).ReadAll()
	return err
}

// inlineData reads the data lines of COPY ... FROM stdin up to the line \. .
type inlineData struct {
	in   *bufio.Reader
	line *int
	rest []byte
	done bool
}

func (d *inlineData) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		if d.done {
			return 0, io.EOF
		}
		line, err := d.in.ReadBytes('\n')
		*d.line++
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err != nil || bytes.Equal(bytes.TrimRight(line, "\r\n"), []byte(`\.`)) {
			d.done = true
			return 0, io.EOF
		}
		d.rest = line
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
