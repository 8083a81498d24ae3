package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// signature begins every binary COPY stream.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

// errStreamEnded says that a COPY stream stopped before its trailer.
var errStreamEnded = errors.New("the stream of rows ended early")

// decoder is an io.Writer that takes a binary COPY stream in pieces of any size and
// appends its rows to a table. It first finds where the values of complete rows lie
// ([decoder.scan]) and then moves them column by column ([decoder.flush]), so that what
// depends on a column's type is decided once for many rows.
//
// Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
type decoder struct {
	rows   *ingest.TableBuilder
	fields []field

	cells []cell // of the rows that were found and not moved yet, row by row
	found int    // how many rows that are

	rest   []byte // start of a row whose end has not come yet
	need   int    // rest must reach this length before it is worth looking again
	header bool   // the header was read
	ended  bool   // the trailer was read
}

// cell is where a value lies in the bytes that were scanned; n is -1 for NULL.
type cell struct{ at, n int32 }

// field is one column of the stream and where its values go.
type field struct {
	name string
	col  *ingest.ColumnBuilder
	take takeFunc
	odd  oddities
	key  bool   // values are never cut
	buf  []byte // scratch for numbers in decimal
}

// Write appends the rows that p completes.
func (d *decoder) Write(p []byte) (int, error) {
	if err := d.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d *decoder) write(p []byte) error {
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		if len(d.rest) < d.need {
			return nil
		}
		used, err := d.scan(d.rest, 0)
		if err == nil {
			err = d.flush(d.rest)
		}
		if err != nil {
			return err
		}
		d.rest = d.rest[:copy(d.rest, d.rest[used:])]
		return nil
	}
	used, err := d.scan(p, 0)
	if err == nil {
		err = d.flush(p)
	}
	if err != nil {
		return err
	}
	d.rest = append(d.rest[:0], p[used:]...)
	return nil
}

// message takes the payload b[lo:] of one message, which the server fills with whole rows,
// without moving the values: flush must follow before b changes.
func (d *decoder) message(b []byte, lo int) error {
	if len(d.rest) > 0 {
		return d.write(b[lo:])
	}
	used, err := d.scan(b, lo)
	if err != nil || used == len(b) {
		return err
	}
	if err := d.flush(b); err != nil {
		return err
	}
	d.rest = append(d.rest[:0], b[used:]...)
	return nil
}

// close checks that the stream was whole.
func (d *decoder) close() error {
	if !d.ended {
		return errStreamEnded
	}
	return nil
}

// scan finds every complete row in b[pos:] and returns where the first incomplete begins.
func (d *decoder) scan(b []byte, pos int) (used int, err error) {
	if !d.header {
		n, err := d.readHeader(b[pos:])
		if n == 0 || err != nil {
			return pos, err
		}
		pos += n
	}
	for pos < len(b) {
		if d.ended {
			return 0, fmt.Errorf("%d bytes after the end of the stream of rows", len(b)-pos)
		}
		end, err := d.row(b, pos)
		if err != nil {
			return 0, err
		}
		if end == 0 {
			break
		}
		pos = end
	}
	return pos, nil
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

// row finds the values of the row that begins at b[from] and returns where it ends, 0 if
// it is not complete: a row is taken whole or not at all.
func (d *decoder) row(b []byte, from int) (end int, err error) {
	d.need = 2
	if len(b)-from < 2 {
		return 0, nil
	}
	count := int(int16(binary.BigEndian.Uint16(b[from:])))
	if count == -1 {
		d.ended = true
		return from + 2, nil
	}
	if count != len(d.fields) {
		return 0, fmt.Errorf("row %d has %d columns, want %d", d.number(), count, len(d.fields))
	}
	have := len(d.cells)
	d.cells = slices.Grow(d.cells, count)
	cells := d.cells[have : have+count]
	pos := from + 2
	for i := range cells {
		if len(b)-pos < 4 {
			d.need = pos + 4 - from
			return 0, nil
		}
		n := int(int32(binary.BigEndian.Uint32(b[pos:])))
		pos += 4
		cells[i] = cell{int32(pos), int32(n)}
		if n < -1 {
			return 0, fmt.Errorf("row %d, column %q: length %d", d.number(), d.fields[i].name, n)
		}
		pos += max(n, 0)
	}
	if pos > len(b) {
		d.need = pos - from
		return 0, nil
	}
	d.cells, d.found = d.cells[:have+count], d.found+1
	return pos, nil
}

// number is that of the next row in the stream, from 1.
func (d *decoder) number() int64 { return d.rows.Rows() + int64(d.found) + 1 }

// flush moves the values that were found in b to their columns.
func (d *decoder) flush(b []byte) error {
	if d.found == 0 {
		return nil
	}
	for i := range d.fields {
		f := &d.fields[i]
		v := values{data: b, cells: d.cells[i:], step: len(d.fields), n: d.found}
		if row, err := f.take(f, v); err != nil {
			return fmt.Errorf("row %d, column %q: %w", d.rows.Rows()+int64(row)+1, f.name, err)
		}
	}
	d.rows.EndRows(d.found)
	d.cells, d.found = d.cells[:0], 0
	return nil
}
