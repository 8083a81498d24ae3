package parquet

import (
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rowlink/rowlink/schema"
)

// Field is a column of a file that rows are written to.
type Field struct {
	Name string
	Kind schema.Kind
}

// Rows writes a Parquet file or an Arrow stream row by row, in batches, so that memory does
// not grow with their number.
type Rows struct {
	out batches
	b   *array.RecordBuilder
	n   int
}

// batches is what takes the batches.
type batches interface {
	Write(batch arrow.RecordBatch) error
	Close() error
}

// buffered lets a Parquet file fill its row groups from several batches.
type buffered struct{ *pqarrow.FileWriter }

func (b buffered) Write(batch arrow.RecordBatch) error { return b.WriteBuffered(batch) }

// arrowSchema is that of the columns.
func arrowSchema(fields []Field) *arrow.Schema {
	var columns []arrow.Field
	for _, f := range fields {
		columns = append(columns, arrow.Field{Name: f.Name, Type: written[f.Kind], Nullable: true})
	}
	return arrow.NewSchema(columns, nil)
}

// NewStream begins an Arrow IPC stream with the given columns.
func NewStream(w io.Writer, fields []Field) *Rows {
	sc := arrowSchema(fields)
	return &Rows{out: ipc.NewWriter(w, ipc.WithSchema(sc)), b: array.NewRecordBuilder(memory.DefaultAllocator, sc)}
}

// NewRows begins a file with the given columns.
func NewRows(w io.Writer, fields []Field) (*Rows, error) {
	sc := arrowSchema(fields)
	out, err := pqarrow.NewFileWriter(sc, w, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(batchRows)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return nil, fmt.Errorf("write Parquet: %w", err)
	}
	return &Rows{out: buffered{out}, b: array.NewRecordBuilder(memory.DefaultAllocator, sc)}, nil
}

// Add writes one row: a value per column, of the column's kind as Go has it (bool, int64,
// float64, string; a time as int64 microseconds), or nil. NaN is NULL.
func (r *Rows) Add(cells []any) error {
	for i, cell := range cells {
		if err := add(r.b.Field(i), cell); err != nil {
			return fmt.Errorf("write Parquet: column %d: %w", i+1, err)
		}
	}
	if r.n++; r.n == batchRows {
		return r.flush()
	}
	return nil
}

func add(b array.Builder, cell any) error {
	if f, ok := cell.(float64); cell == nil || ok && math.IsNaN(f) {
		b.AppendNull()
		return nil
	}
	fits := false
	switch b := b.(type) {
	case *array.BooleanBuilder:
		fits = put(b.Append, cell)
	case *array.Int64Builder:
		fits = put(b.Append, cell)
	case *array.Float64Builder:
		fits = put(b.Append, cell)
	case *array.StringBuilder:
		fits = put(b.Append, cell)
	case *array.TimestampBuilder:
		fits = put(func(v int64) { b.Append(arrow.Timestamp(v)) }, cell)
	}
	if !fits {
		return fmt.Errorf("%T in a column of %s", cell, b.Type())
	}
	return nil
}

// put appends a cell if it is of the column's kind.
func put[T any](to func(T), cell any) bool {
	v, fits := cell.(T)
	if fits {
		to(v)
	}
	return fits
}

func (r *Rows) flush() error {
	batch := r.b.NewRecordBatch()
	defer batch.Release()
	r.n = 0
	if err := r.out.Write(batch); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

// Close ends the file.
func (r *Rows) Close() error {
	defer r.b.Release()
	if r.n > 0 {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if err := r.out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

// Count returns how many rows a Parquet file has, from its footer.
func Count(path string) (int64, error) {
	f, _, err := open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.NumRows(), nil
}
