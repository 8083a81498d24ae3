package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
)

// signature begins every binary COPY stream.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

// errStreamEnded says that a COPY stream stopped before its trailer.
var errStreamEnded = errors.New("the stream of rows ended early")

// decoder is an io.Writer that takes a binary COPY stream in pieces of any size and
// appends its rows to a table. It copies only rows that a piece cuts in two.
//
// Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
type decoder struct {
	rows   *ingest.TableBuilder
	fields []field

	rest   []byte // start of a row whose end has not come yet
	need   int    // rest must reach this length before it is worth looking again
	header bool   // the header was read
	ended  bool   // the trailer was read
}

// field is one column of the stream and where its values go.
type field struct {
	name string
	col  *ingest.ColumnBuilder
	put  putFunc
	odd  oddities
	key  bool   // values are never cut
	buf  []byte // scratch for numbers in decimal
}

// Write appends the rows that p completes.
func (d *decoder) Write(p []byte) (int, error) {
	n := len(p)
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		if len(d.rest) < d.need {
			return n, nil
		}
		used, err := d.take(d.rest)
		if err != nil {
			return 0, err
		}
		d.rest = d.rest[:copy(d.rest, d.rest[used:])]
		return n, nil
	}
	used, err := d.take(p)
	if err != nil {
		return 0, err
	}
	d.rest = append(d.rest[:0], p[used:]...)
	return n, nil
}

// close checks that the stream was whole.
func (d *decoder) close() error {
	if !d.ended {
		return errStreamEnded
	}
	return nil
}

// take reads everything complete in b and returns how many bytes it used.
func (d *decoder) take(b []byte) (used int, err error) {
	if !d.header {
		n, err := d.readHeader(b)
		if n == 0 || err != nil {
			return 0, err
		}
		used = n
	}
	for used < len(b) {
		if d.ended {
			return 0, fmt.Errorf("%d bytes after the end of the stream of rows", len(b)-used)
		}
		n, err := d.row(b[used:])
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		used += n
	}
	return used, nil
}

// readHeader returns the length of the header, 0 if it is not complete.
func (d *decoder) readHeader(b []byte) (int, error) {
	const fixed = 19 // signature, flags, length of the extension
	if n := min(len(b), len(signature)); !bytes.Equal(b[:n], signature[:n]) {
		return 0, fmt.Errorf("stream of rows begins with %q, want %q", b[:n], signature)
	}
	d.need = fixed
	if len(b) < fixed {
		return 0, nil
	}
	if flags := binary.BigEndian.Uint32(b[11:]); flags>>16 != 0 {
		return 0, fmt.Errorf("stream of rows has flags %#x, want none of the upper 16 bits", flags)
	}
	ext := int32(binary.BigEndian.Uint32(b[15:]))
	if ext < 0 || ext > 1<<20 {
		return 0, fmt.Errorf("stream of rows has a header extension of %d bytes", ext)
	}
	d.need = fixed + int(ext)
	if len(b) < d.need {
		return 0, nil
	}
	d.header = true
	return d.need, nil
}

// row appends the row at the start of b and returns its length, 0 if it is not complete.
func (d *decoder) row(b []byte) (int, error) {
	d.need = 2
	if len(b) < 2 {
		return 0, nil
	}
	count := int(int16(binary.BigEndian.Uint16(b)))
	if count == -1 {
		d.ended = true
		return 2, nil
	}
	if count != len(d.fields) {
		return 0, fmt.Errorf("row %d has %d columns, want %d", d.rows.Rows()+1, count, len(d.fields))
	}
	size, err := d.size(b)
	if err != nil || size == 0 {
		return 0, err
	}
	pos := 2
	for i := range d.fields {
		f := &d.fields[i]
		n := int(int32(binary.BigEndian.Uint32(b[pos:])))
		pos += 4
		if n < 0 {
			f.col.Null()
			continue
		}
		if err := f.put(f, b[pos:pos+n]); err != nil {
			return 0, fmt.Errorf("row %d, column %q: %w", d.rows.Rows()+1, f.name, err)
		}
		pos += n
	}
	d.rows.EndRow()
	return size, nil
}

// size returns the length of the row at the start of b, 0 if b ends before it does:
// a row is appended whole or not at all.
func (d *decoder) size(b []byte) (int, error) {
	pos := 2
	for i := range d.fields {
		d.need = pos + 4
		if len(b) < d.need {
			return 0, nil
		}
		n := int(int32(binary.BigEndian.Uint32(b[pos:])))
		if n < -1 {
			return 0, fmt.Errorf("row %d, column %q: length %d", d.rows.Rows()+1, d.fields[i].name, n)
		}
		pos += 4 + max(n, 0)
	}
	d.need = pos
	if len(b) < pos {
		return 0, nil
	}
	return pos, nil
}
