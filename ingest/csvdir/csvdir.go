package csvdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() { ingest.Register("csv", open) }

// schemaFile declares the tables, where it is there, and loadFile what is added once the
// rows are loaded: foreign keys, as a rule.
const schemaFile, loadFile = "schema.sql", "load.sql"

// Source is a folder of CSV files.
type Source struct {
	dir   string   // as the user wrote it
	files []string // names of the CSV files, sorted

	generated map[string]*generated // table.column -> what computes it; nil before Schema
	findings  []ingest.Finding
}

var (
	_ ingest.Source   = (*Source)(nil)
	_ ingest.Reporter = (*Source)(nil)
)

// open opens the folder that a URL names: csv:FOLDER, csv://FOLDER too.
func open(_ context.Context, url string, opt ingest.OpenOptions) (ingest.Source, error) {
	const hint = "write csv:FOLDER with the path of a folder of .csv files"
	if len(opt.Schemas) > 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("unknown schema %q", opt.Schemas[0]), Hint: "a folder of CSV files has no schemas"}
	}
	dir := strings.TrimPrefix(strings.TrimPrefix(url, "csv:"), "//")
	if dir == "" {
		return nil, &ingest.UserError{Msg: "database URL names no folder", Hint: hint}
	}
	entries, err := os.ReadDir(dir)
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%q is a file", dir), Hint: hint}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &ingest.UserError{Msg: fmt.Sprintf("no folder %q", dir), Hint: hint}
	case err != nil:
		return nil, &ingest.SourceError{Op: fmt.Sprintf("read folder %q", dir), Err: err}
	}
	s := &Source{dir: dir}
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".csv") {
			s.files = append(s.files, e.Name())
		}
	}
	if len(s.files) == 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("no .csv file in %q", dir), Hint: hint}
	}
	return s, nil
}

// Close does nothing: files are open only while they are read.
func (s *Source) Close() error { return nil }

// Findings tells which values could not be read as their column's kind.
func (s *Source) Findings() []ingest.Finding { return s.findings }

// Schema reads the declarations of schema.sql and, where it is there, of load.sql, or
// infers the tables from the files. Tables come in the order of their names.
func (s *Source) Schema(ctx context.Context) (*schema.Schema, error) {
	s.generated = map[string]*generated{}
	text, err := s.text(schemaFile)
	if err != nil {
		return nil, err
	}
	more, err := s.text(loadFile)
	if err != nil {
		return nil, err
	}
	read := func() (*schema.Schema, error) { return s.declared(text, more) }
	if text == "" {
		read = func() (*schema.Schema, error) { return s.inferred(ctx) }
	}
	out, err := read()
	if err != nil {
		return nil, err
	}
	out.HideSecrets()
	return out, nil
}

// text reads a file of the folder, "" where there is none.
func (s *Source) text(name string) (string, error) {
	path := filepath.Join(s.dir, name)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &ingest.SourceError{Op: fmt.Sprintf("read %q", path), Err: err}
	}
	return string(text), nil
}

// file returns the file of a table, "" for none. Postgres folds names that are not quoted.
func (s *Source) file(table string) string {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		if i := slices.IndexFunc(s.files, func(f string) bool { return same(tableOf(f), table) }); i >= 0 {
			return s.files[i]
		}
	}
	return ""
}

// tableOf is the table of a file.
func tableOf(file string) string { return strings.TrimSuffix(file, filepath.Ext(file)) }
