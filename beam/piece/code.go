package piece

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// A block is rows of one table one after the other: many rows to an element, because an
// engine's cost is per element. Its first word is a tag (an edge or a table number), then
// come rows: the row's number in the whole database, a bitmap of the values that are not
// NULL, and those values in the order of the columns. The opaque have none.

// AppendRow appends a row to a block. more are columns of text behind those of the table, nil
// for NULL.
func AppendRow(b []byte, columns []ingest.Column, row int, id uint64, more ...[]byte) []byte {
	b = binary.AppendUvarint(b, id)
	at := len(b)
	for range (len(columns) + len(more) + 7) / 8 {
		b = append(b, 0)
	}
	for i := range columns {
		c := &columns[i]
		if c.Null(row) {
			continue
		}
		b[at+i/8] |= 1 << (i % 8)
		switch c.Kind {
		case schema.Bool:
			if c.Bool(row) {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		case schema.Int:
			b = binary.AppendVarint(b, c.Ints[row])
		case schema.Time:
			b = binary.LittleEndian.AppendUint64(b, uint64(c.Ints[row]))
		case schema.Float:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.Floats[row]))
		case schema.Text:
			text := c.Text(row)
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	for k, text := range more {
		if i := len(columns) + k; text != nil {
			b[at+i/8] |= 1 << (i % 8)
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return b
}

// Reader reads what blocks hold. After a fault every value is zero, and Err tells.
type Reader struct {
	rest []byte
	err  error
}

// NewReader reads a block from its tag on.
func NewReader(block []byte) *Reader { return &Reader{rest: block} }

// More reports whether there is something to read.
func (r *Reader) More() bool { return r.err == nil && len(r.rest) > 0 }

// Err is the first fault of the bytes.
func (r *Reader) Err() error { return r.err }

func (r *Reader) fault(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("block of rows: %s is cut off or altered", what)
	}
	r.rest = nil
}

// Uint reads an unsigned number of variable length.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fault("a number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Int reads a number of variable length.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fault("a number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Fixed reads a word of 8 bytes.
func (r *Reader) Fixed() uint64 {
	b := r.Take(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// Bytes reads a length and as many bytes, which share the block's memory.
func (r *Reader) Bytes() []byte { return r.Take(int(min(r.Uint(), math.MaxInt32))) }

// Take reads n bytes.
func (r *Reader) Take(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		r.fault("a value")
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

// Row reads one row of a table into a builder, or past it where into is nil.
func (r *Reader) Row(def *schema.Table, into *ingest.TableBuilder) {
	bitmap := r.Take((len(def.Columns) + 7) / 8)
	if bitmap == nil {
		return
	}
	for i := range def.Columns {
		kind := def.Columns[i].Kind
		var c *ingest.ColumnBuilder
		if into != nil {
			c = &into.Columns[i]
		}
		if kind == schema.Opaque {
			continue
		}
		if bitmap[i/8]>>(i%8)&1 == 0 {
			if c != nil {
				c.Null()
			}
			continue
		}
		r.value(kind, c)
	}
	if into != nil {
		into.EndRow()
	}
}

func (r *Reader) value(kind schema.Kind, into *ingest.ColumnBuilder) {
	switch kind {
	case schema.Bool:
		b := r.Take(1)
		if into != nil {
			into.Bool(b != nil && b[0] != 0)
		}
	case schema.Int:
		v := r.Int()
		if into != nil {
			into.Int(v)
		}
	case schema.Time:
		v := int64(r.Fixed())
		if into != nil {
			into.Int(v)
		}
	case schema.Float:
		v := math.Float64frombits(r.Fixed())
		if into != nil {
			into.Float(v)
		}
	case schema.Text:
		v := r.Bytes()
		if into != nil {
			into.Text(v)
		}
	}
}
