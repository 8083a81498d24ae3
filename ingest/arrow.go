package ingest

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// arrowTypes are the types of stored columns, by kind.
var arrowTypes = map[schema.Kind]arrow.DataType{
	schema.Bool:  arrow.FixedWidthTypes.Boolean,
	schema.Int:   arrow.PrimitiveTypes.Int64,
	schema.Float: arrow.PrimitiveTypes.Float64,
	schema.Text:  arrow.BinaryTypes.LargeString,
	schema.Time:  arrow.FixedWidthTypes.Timestamp_us, // UTC
}

// arrowSchema lists the stored columns of a table, then one int32 per link with the
// parents' row numbers.
func arrowSchema(def *schema.Table) *arrow.Schema {
	var fields []arrow.Field
	for _, c := range def.Columns {
		if c.Kind != schema.Opaque {
			fields = append(fields, arrow.Field{Name: c.Name, Type: arrowTypes[c.Kind], Nullable: true})
		}
	}
	for _, l := range def.Links {
		fields = append(fields, arrow.Field{Name: "parent of " + l.Name, Type: arrow.PrimitiveTypes.Int32})
	}
	return arrow.NewSchema(fields, nil)
}

// writeTable writes a table as an Arrow IPC file of one record batch.
func writeTable(w io.Writer, t *Table) error {
	sc := arrowSchema(t.Def)
	var arrays []arrow.Array
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Kind != schema.Opaque {
			arrays = append(arrays, c.array(t.Rows))
		}
	}
	for _, p := range t.Parents {
		arrays = append(arrays, arrayOf(arrow.PrimitiveTypes.Int32, t.Rows, 0, nil, mapped.Bytes(p)))
	}
	out, err := ipc.NewFileWriter(w, ipc.WithSchema(sc))
	if err != nil {
		return err
	}
	if err := out.Write(array.NewRecordBatch(sc, arrays, int64(t.Rows))); err != nil {
		return err
	}
	return out.Close()
}

// array views a column as an Arrow array without copying.
func (c *Column) array(rows int) arrow.Array {
	nulls := 0
	if c.Valid != nil {
		nulls = rows
		for _, b := range c.Valid {
			nulls -= bits.OnesCount8(b)
		}
	}
	typ := arrowTypes[c.Kind]
	switch c.Kind {
	case schema.Bool:
		return arrayOf(typ, rows, nulls, c.Valid, c.Bits)
	case schema.Float:
		return arrayOf(typ, rows, nulls, c.Valid, mapped.Bytes(c.Floats))
	case schema.Text:
		return arrayOf(typ, rows, nulls, c.Valid, mapped.Bytes(c.Offsets), c.Bytes)
	}
	return arrayOf(typ, rows, nulls, c.Valid, mapped.Bytes(c.Ints))
}

func arrayOf(typ arrow.DataType, rows, nulls int, parts ...[]byte) arrow.Array {
	buffers := make([]*memory.Buffer, len(parts))
	for i, p := range parts {
		if p != nil {
			buffers[i] = memory.NewBufferBytes(p)
		}
	}
	return array.MakeFromData(array.NewData(typ, rows, buffers, nil, nulls, 0))
}

// refuse is the allocator of the reader: a snapshot is read without copies, and a
// file that would need memory, such as a compressed one, is none of ours.
type refuse struct{}

func (refuse) Allocate(size int) []byte {
	if size > 0 {
		panic(fmt.Errorf("the file asks for %d bytes of memory: it is compressed or corrupt", size))
	}
	return nil
}
func (r refuse) Reallocate(size int, _ []byte) []byte { return r.Allocate(size) }
func (refuse) Free([]byte)                            {}

// frame returns what tells the structure of an Arrow IPC file of one record batch:
// the bytes before the values and those behind them (Arrow columnar format, "IPC
// File Format": magic, schema message, message of the batch, values, end of stream,
// footer, its length, magic). For other bytes it returns some of them.
func frame(data []byte) [][]byte {
	const magic, prefix, end = 8, 8, 4 + 6 // with padding; marker and length; length and magic
	size, head := int64(len(data)), int64(magic)
	for range 2 { // two messages stand before the values
		if head+prefix > size {
			return [][]byte{data}
		}
		head += prefix + int64(binary.LittleEndian.Uint32(data[head+4:]))
	}
	if size < end {
		return [][]byte{data}
	}
	tail := size - end - int64(binary.LittleEndian.Uint32(data[size-end:])) - prefix
	if head > tail {
		return [][]byte{data}
	}
	return [][]byte{data[:head], data[tail:]}
}

// readTable returns the table of def whose columns are slices into data, the bytes
// of an Arrow IPC file whose frame was verified. Whatever the values are, it returns
// an error and never panics, and a table that it returns can be read without panics.
func readTable(data []byte, def *schema.Table, rows int, parentRows func(link int) int) (t *Table, err error) {
	defer func() {
		// The decoder trusts positions inside the file.
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("not a table of a snapshot: %v", p)
		}
	}()
	want := arrowSchema(def)
	r, err := ipc.NewMappedFileReader(data, ipc.WithAllocator(refuse{}), ipc.WithBodySizeLimit(0), ipc.WithEnsureNativeEndian(false))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if !r.Schema().Equal(want) {
		return nil, fmt.Errorf("columns %v, want %v", r.Schema(), want)
	}
	if !r.Schema().IsNativeEndian() {
		return nil, fmt.Errorf("written on a machine of other byte order")
	}
	if r.NumRecords() != 1 {
		return nil, fmt.Errorf("%d record batches, want 1", r.NumRecords())
	}
	rec, err := r.RecordBatch(0)
	if err != nil {
		return nil, err
	}
	if rec.NumRows() != int64(rows) {
		return nil, fmt.Errorf("%d rows, want %d", rec.NumRows(), rows)
	}
	t = &Table{Def: def, Rows: rows, Columns: make([]Column, len(def.Columns)), Parents: make([][]int32, len(def.Links))}
	field := 0
	for i, c := range def.Columns {
		t.Columns[i].Kind = c.Kind
		if c.Kind == schema.Opaque {
			continue
		}
		if err := t.Columns[i].take(rec.Column(field).Data(), rows); err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		field++
	}
	for l := range def.Links {
		b, err := part(rec.Column(field+l).Data(), 1, rows*4)
		if err != nil {
			return nil, fmt.Errorf("link %q: %w", def.Links[l].Name, err)
		}
		t.Parents[l] = viewOf[int32](b)
		limit := int32(parentRows(l))
		for row, p := range t.Parents[l] {
			if p < -1 || p >= limit {
				return nil, fmt.Errorf("link %q: row %d has parent %d, want one below %d", def.Links[l].Name, row, p, limit)
			}
		}
	}
	return t, nil
}

// take sets the slices of a column to the buffers of an Arrow array.
func (c *Column) take(d arrow.ArrayData, rows int) (err error) {
	if d.Len() != rows || d.Offset() != 0 {
		return fmt.Errorf("%d values, want %d", d.Len(), rows)
	}
	if d.NullN() != 0 {
		if c.Valid, err = part(d, 0, (rows+7)/8); err != nil {
			return err
		}
	}
	var b []byte
	switch c.Kind {
	case schema.Bool:
		c.Bits, err = part(d, 1, (rows+7)/8)
	case schema.Int, schema.Time:
		b, err = part(d, 1, rows*8)
		c.Ints = viewOf[int64](b)
	case schema.Float:
		b, err = part(d, 1, rows*8)
		c.Floats = viewOf[float64](b)
	case schema.Text:
		err = c.takeText(d, rows)
	}
	return err
}

func (c *Column) takeText(d arrow.ArrayData, rows int) error {
	if rows == 0 {
		c.Offsets = []int64{0}
		return nil
	}
	b, err := part(d, 1, (rows+1)*8)
	if err != nil {
		return err
	}
	c.Offsets = viewOf[int64](b)
	for i, o := range c.Offsets {
		if o < 0 || i > 0 && o < c.Offsets[i-1] {
			return fmt.Errorf("text %d begins at %d, before the one before it", i, o)
		}
	}
	c.Bytes, err = part(d, 2, int(c.Offsets[rows]))
	return err
}

// part returns the first n bytes of a buffer of an array.
func part(d arrow.ArrayData, i, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	var have []byte
	if b := d.Buffers(); i < len(b) && b[i] != nil {
		have = b[i].Bytes()
	}
	if len(have) < n {
		return nil, fmt.Errorf("buffer %d has %d bytes, want %d", i, len(have), n)
	}
	if uintptr(unsafe.Pointer(&have[0]))%8 != 0 {
		return nil, fmt.Errorf("buffer %d does not begin at a multiple of 8", i)
	}
	return have[:n:n], nil
}

// viewOf returns memory as values of type T; nil for no memory.
func viewOf[T int32 | int64 | float64](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var v T
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(v)))
}
