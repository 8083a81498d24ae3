package csvdir

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Read appends all rows of the tables of sc.
func (s *Source) Read(ctx context.Context, sc *schema.Schema, b *ingest.Builder) error {
	if s.generated == nil {
		if _, err := s.Schema(ctx); err != nil {
			return err
		}
	}
	s.findings = nil
	for i, t := range sc.Tables {
		if err := s.table(ctx, t, b.Tables[i]); err != nil {
			return err
		}
	}
	return nil
}

// column is where the values of one column come from and go to.
type column struct {
	def   *schema.Column
	into  *ingest.ColumnBuilder
	put   putFunc
	field int // of a record
	lost  int
	where int    // line of the first value that was lost
	what  string // that value
}

// checkEvery is the number of records between two looks at the context.
const checkEvery = 4096

func (s *Source) table(ctx context.Context, t *schema.Table, b *ingest.TableBuilder) error {
	name := s.file(t.Name)
	if name == "" {
		return &ingest.SourceError{Op: fmt.Sprintf("read table %q", t.Name), Err: fmt.Errorf("its file is gone from %q", s.dir)}
	}
	path := filepath.Join(s.dir, name)
	f, err := os.Open(path)
	if err != nil {
		return &ingest.SourceError{Op: fmt.Sprintf("read table %q", t.Name), Err: err}
	}
	defer f.Close()
	r := newRecords(f)
	header, err := r.header(path)
	if err != nil {
		return err
	}
	columns, generated, err := s.match(path, header, t, b)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		more, err := r.row(path, len(header))
		if err != nil {
			return err
		}
		if !more {
			break
		}
		for i := range columns {
			columns[i].append(r)
		}
		for i := range generated {
			generated[i].append(r)
		}
		b.EndRow()
	}
	s.report(t, columns)
	return nil
}

// look reads the names of a file's columns and counts its lines, which are about as many
// as its rows.
func (s *Source) look(name string) (header []string, lines int64, err error) {
	path := filepath.Join(s.dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err}
	}
	defer f.Close()
	r := newRecords(f)
	if header, err = r.header(path); err != nil {
		return nil, 0, err
	}
	for buf := make([]byte, 1<<18); ; {
		n, err := r.in.Read(buf)
		lines += int64(bytes.Count(buf[:n], []byte{'\n'}))
		if err == io.EOF {
			return header, lines, nil
		}
		if err != nil {
			return nil, 0, &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err}
		}
	}
}

// header reads the names of the columns.
func (r *records) header(path string) ([]string, error) {
	more, err := r.next()
	if err != nil {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%s: %v", path, err)}
	}
	if !more || r.blank() {
		return nil, &ingest.UserError{Msg: path + " is empty", Hint: "the first line names the columns"}
	}
	names := make([]string, r.fields())
	for i := range names {
		v, _ := r.field(i)
		names[i] = strings.TrimSpace(string(v))
	}
	return names, nil
}

// row reads the next record that is no empty line, which must have as many fields as the
// header; false at the end.
func (r *records) row(path string, fields int) (bool, error) {
	for {
		more, err := r.next()
		if err != nil {
			return false, &ingest.UserError{Msg: fmt.Sprintf("%s: %v", path, err), Hint: "write a quote within quotes twice"}
		}
		if !more || r.fields() == fields && (fields > 1 || !r.blank()) {
			return more, nil
		}
		if !r.blank() {
			return false, &ingest.UserError{Msg: fmt.Sprintf("%s, line %d: %d fields, the header has %d", path, r.first, r.fields(), fields),
				Hint: "put text with commas or line ends in double quotes"}
		}
	}
}

// match finds the columns of a table in the header, or what computes them. Case counts only where two names
// differ in nothing else.
func (s *Source) match(path string, header []string, t *schema.Table, b *ingest.TableBuilder) (out []column, made []computed, err error) {
	for i := range t.Columns {
		def := &t.Columns[i]
		if def.Kind == schema.Opaque {
			continue
		}
		at := position(header, def.Name)
		if at < 0 {
			if g := s.generated[t.Name+"."+def.Name]; g != nil {
				if c, ok := g.compute(header, &b.Columns[i]); ok {
					made = append(made, c)
					continue
				}
			}
			return nil, nil, &ingest.UserError{Msg: fmt.Sprintf("%s has no column %q", path, def.Name), Hint: "its first line names " + strings.Join(header, ", ")}
		}
		out = append(out, column{def: def, into: &b.Columns[i], put: putOf(def), field: at})
	}
	return out, made, nil
}

// position is the place of a column in the header, -1 for none.
func position(header []string, name string) int {
	if at := slices.Index(header, name); at >= 0 {
		return at
	}
	return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, name) })
}

// byKind stores values whose type says no more than their kind.
var byKind = map[schema.Kind]putFunc{schema.Bool: putBool, schema.Int: putInt, schema.Float: putFloat, schema.Text: putText, schema.Time: putTime}

// putOf returns how a column is stored. Where a type alone leaves the kind open, its kind
// decides.
func putOf(c *schema.Column) putFunc {
	if s := typeOf(strings.ToLower(c.DBType), false); s.kind == c.Kind {
		return s.put
	}
	return byKind[c.Kind]
}

func (c *column) append(r *records) {
	v, null := r.field(c.field)
	if null {
		c.into.Null()
		return
	}
	if field := string(v); !c.put(c.into, field) {
		c.into.Null()
		if c.lost == 0 {
			c.where, c.what = r.first, field
		}
		c.lost++
	}
}

// longest is how much of a value is shown.
const longest = 40

func (s *Source) report(t *schema.Table, columns []column) {
	for _, c := range columns {
		if c.lost == 0 {
			continue
		}
		what := []rune(c.what)
		if len(what) > longest {
			what = append(what[:longest], '…')
		}
		s.findings = append(s.findings, ingest.Finding{Level: ingest.LevelWarning, Check: "values",
			Detail: fmt.Sprintf("table %q, column %q: %d values are no %s and were read as NULL, first %q in line %d", t.Name, c.def.Name, c.lost, c.def.DBType, string(what), c.where)})
	}
}
