package parquet

import (
	"encoding/json"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// written are the types in which columns are written, by kind. A column that is not read
// keeps its place and holds NULLs.
var written = map[schema.Kind]arrow.DataType{
	schema.Opaque: arrow.BinaryTypes.Binary,
	schema.Bool:   arrow.FixedWidthTypes.Boolean,
	schema.Int:    arrow.PrimitiveTypes.Int64,
	schema.Float:  arrow.PrimitiveTypes.Float64,
	schema.Text:   arrow.BinaryTypes.String,
	schema.Time:   arrow.FixedWidthTypes.Timestamp_us,
}

// WriteTable writes table number n of a snapshot as a Parquet file that a source of this
// package reads back: values, key and foreign keys. Text columns of more than 2 GB in a
// batch of rows are none of its business: batches are small.
func WriteTable(w io.Writer, s *ingest.Snapshot, n int) error {
	t := s.Tables[n]
	meta, err := json.Marshal(declared(s.Schema, t.Def))
	if err != nil {
		return err
	}
	var fields []arrow.Field
	for _, c := range t.Def.Columns {
		fields = append(fields, arrow.Field{Name: c.Name, Type: written[c.Kind], Nullable: !c.NotNull || c.Kind == schema.Opaque})
	}
	sc := arrow.NewSchema(fields, nil)
	out, err := pqarrow.NewFileWriter(sc, w, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(batchRows)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return err
	}
	if err := out.AppendKeyValueMetadata(metadataKey, string(meta)); err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	defer b.Release()
	for from := 0; from < t.Rows; from += batchRows {
		for c := range t.Columns {
			write(b.Field(c), &t.Columns[c], from, min(from+batchRows, t.Rows))
		}
		batch := b.NewRecordBatch()
		err := out.WriteBuffered(batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// write appends rows [from, to) of a column.
func write(b array.Builder, c *ingest.Column, from, to int) {
	for r := from; r < to; r++ {
		if c.Kind == schema.Opaque || c.Null(r) {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.BooleanBuilder:
			b.Append(c.Bool(r))
		case *array.Int64Builder:
			b.Append(c.Ints[r])
		case *array.Float64Builder:
			b.Append(c.Floats[r])
		case *array.StringBuilder:
			b.Append(c.Text(r))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(c.Ints[r]))
		}
	}
}

// declared names the keys of a table.
func declared(s *schema.Schema, t *schema.Table) keys {
	k := keys{Key: t.Names(t.Key)}
	for _, u := range t.Unique {
		k.Unique = append(k.Unique, t.Names(u))
	}
	for _, l := range t.Links {
		to := s.Tables[l.To]
		k.Links = append(k.Links, keyLink{Name: l.Name, Columns: t.Names(l.Columns), To: to.Name, Ref: to.Names(l.Ref)})
	}
	return k
}
