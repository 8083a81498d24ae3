package parquet

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// batchRows is the number of rows that are decoded at once.
const batchRows = 1 << 15

// open opens a file and its reader of Arrow batches.
func open(path string) (*file.Reader, *pqarrow.FileReader, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, nil, &ingest.SourceError{Op: fmt.Sprintf("open %q", path), Err: err}
	}
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	if err != nil {
		f.Close()
		return nil, nil, &ingest.SourceError{Op: fmt.Sprintf("open %q", path), Err: err}
	}
	return f, r, nil
}

// describe reads the columns of a file and the keys that its metadata holds.
func describe(name, path string) (*schema.Table, *keys, error) {
	f, r, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	sc, err := r.Schema()
	if err != nil {
		return nil, nil, &ingest.SourceError{Op: fmt.Sprintf("read the columns of %q", path), Err: err}
	}
	t := &schema.Table{Name: name, Estimate: f.NumRows()}
	for _, field := range sc.Fields() {
		d := decoderOf(field.Type)
		t.Columns = append(t.Columns, schema.Column{Name: field.Name, DBType: field.Type.String(), Kind: d.kind, NotNull: !field.Nullable})
	}
	// The Arrow schema stored in the file hides keys that were added behind it.
	meta := sc.Metadata()
	if kv := f.MetaData().KeyValueMetadata(); kv != nil {
		names, values := append([]string{}, meta.Keys()...), append([]string{}, meta.Values()...)
		meta = arrow.NewMetadata(append(names, kv.Keys()...), append(values, kv.Values()...))
	}
	k, err := keysOf(path, meta)
	return t, k, err
}

// Read appends all rows of the tables of sc.
func (s *Source) Read(ctx context.Context, sc *schema.Schema, b *ingest.Builder) error {
	s.findings = nil
	for i, t := range sc.Tables {
		path := s.files[t.Name]
		if path == "" {
			return &ingest.SourceError{Op: fmt.Sprintf("read table %q", t.Name), Err: fmt.Errorf("its file is gone from %q", s.dir)}
		}
		if err := s.table(ctx, path, t, b.Tables[i]); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
	return nil
}

// table reads one file, batch by batch.
func (s *Source) table(ctx context.Context, path string, t *schema.Table, into *ingest.TableBuilder) error {
	f, r, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fail := func(err error) error { return &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err} }
	sc, err := r.Schema()
	if err != nil {
		return fail(err)
	}
	if sc.NumFields() != len(t.Columns) {
		return fail(fmt.Errorf("%d columns, want %d: the file has changed", sc.NumFields(), len(t.Columns)))
	}
	decoders := make([]decoder, len(t.Columns))
	for c := range decoders {
		decoders[c] = decoderOf(sc.Field(c).Type)
		if sc.Field(c).Name != t.Columns[c].Name || decoders[c].kind != t.Columns[c].Kind && t.Columns[c].Kind != schema.Opaque {
			return fail(fmt.Errorf("column %q is another one now", sc.Field(c).Name))
		}
	}
	batches, err := r.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return fail(err)
	}
	defer batches.Release()
	lost := make([]int, len(t.Columns))
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		batch, err := batches.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail(err)
		}
		for c := range decoders {
			if t.Columns[c].Kind == schema.Opaque {
				continue
			}
			n, err := decoders[c].append(&into.Columns[c], batch.Column(c))
			if err != nil {
				return fail(fmt.Errorf("column %q: %w", t.Columns[c].Name, err))
			}
			lost[c] += n
		}
		for range batch.NumRows() {
			into.EndRow()
		}
	}
	if into.Rows() != f.NumRows() {
		return fail(fmt.Errorf("%d rows, want %d", into.Rows(), f.NumRows()))
	}
	for c, n := range lost {
		if n > 0 {
			s.findings = append(s.findings, ingest.Finding{Level: ingest.LevelWarning, Check: "values",
				Detail: fmt.Sprintf("%s.%s: not finite or out of range in %d rows, read as NULL", t.Name, t.Columns[c].Name, n)})
		}
	}
	return nil
}
