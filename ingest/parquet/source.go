package parquet

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

func init() {
	ingest.Register("parquet", openFolder)
	ingest.Register("relbench", openRelBench)
}

// manifestFile is where RelBench 3 keeps keys, in the folder above the files.
const manifestFile = "manifest.yaml"

// Source is a folder of Parquet files.
type Source struct {
	dir      string            // of the files
	files    map[string]string // table -> path
	manifest string            // path; empty = keys stand in the files
	must     bool              // every file must say its keys: a data set of RelBench

	findings []ingest.Finding
}

var (
	_ ingest.Source   = (*Source)(nil)
	_ ingest.Reporter = (*Source)(nil)
)

// openFolder opens parquet:FOLDER.
func openFolder(_ context.Context, url string, opt ingest.OpenOptions) (ingest.Source, error) {
	dir, err := folder(url, "parquet", opt)
	if err != nil {
		return nil, err
	}
	s := &Source{dir: dir}
	return s, s.list("write parquet:FOLDER with the path of a folder of .parquet files")
}

// openRelBench opens relbench:FOLDER, where FOLDER holds manifest.yaml and db/ (RelBench 3)
// or db/ alone, or is a db folder itself (the cache of RelBench 2).
func openRelBench(_ context.Context, url string, opt ingest.OpenOptions) (ingest.Source, error) {
	dir, err := folder(url, "relbench", opt)
	if err != nil {
		return nil, err
	}
	s := &Source{dir: dir, must: true}
	if sub := filepath.Join(dir, "db"); isDir(sub) {
		s.dir = sub
	}
	if path := filepath.Join(dir, manifestFile); exists(path) {
		s.manifest = path
	}
	return s, s.list("write relbench:FOLDER with the folder of a data set that holds manifest.yaml and db/, or the db folder of RelBench's cache")
}

// folder returns the folder that a URL names: SCHEME:FOLDER, SCHEME://FOLDER too.
func folder(url, scheme string, opt ingest.OpenOptions) (string, error) {
	if len(opt.Schemas) > 0 {
		return "", &ingest.UserError{Msg: fmt.Sprintf("unknown schema %q", opt.Schemas[0]), Hint: "a folder of Parquet files has no schemas"}
	}
	dir := strings.TrimPrefix(strings.TrimPrefix(url, scheme+":"), "//")
	switch {
	case dir == "":
		return "", &ingest.UserError{Msg: "database URL names no folder", Hint: "write " + scheme + ":FOLDER"}
	case !exists(dir):
		return "", &ingest.UserError{Msg: fmt.Sprintf("no folder %q", dir), Hint: "write " + scheme + ":FOLDER"}
	case !isDir(dir):
		return "", &ingest.UserError{Msg: fmt.Sprintf("%q is a file", dir), Hint: "write " + scheme + ":FOLDER with the folder that holds it"}
	}
	return dir, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// list finds the files of the folder.
func (s *Source) list(hint string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return &ingest.SourceError{Op: fmt.Sprintf("read folder %q", s.dir), Err: err}
	}
	s.files = map[string]string{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".parquet"); ok && !e.IsDir() && name != "" {
			s.files[name] = filepath.Join(s.dir, e.Name())
		}
	}
	if len(s.files) == 0 {
		return &ingest.UserError{Msg: fmt.Sprintf("no .parquet file in %q", s.dir), Hint: hint}
	}
	return nil
}

// Close does nothing: files are open only while they are read.
func (s *Source) Close() error { return nil }

// Findings tells which values of the last Read a snapshot cannot hold.
func (s *Source) Findings() []ingest.Finding { return s.findings }

// Schema reads the columns of the files and the keys that they or the manifest declare.
// Tables come in the order of their names.
func (s *Source) Schema(ctx context.Context) (*schema.Schema, error) {
	manifest, err := readManifest(s.manifest)
	if err != nil {
		return nil, err
	}
	out := &schema.Schema{}
	var declared []*keys
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range s.files {
			if !yield(n) {
				return
			}
		}
	}) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t, k, err := describe(name, s.files[name])
		if err != nil {
			return nil, err
		}
		if manifest != nil {
			if k = manifest[name]; k == nil {
				out.Skipped = append(out.Skipped, schema.Skipped{Object: name, Reason: "not in " + manifestFile})
				continue
			}
		}
		if k == nil && s.must {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("%s says nothing of its keys", s.files[name]),
				Hint: "a data set of RelBench has a manifest.yaml beside db/, or keys in the metadata of its files; for other files write parquet:FOLDER"}
		}
		out.Tables = append(out.Tables, t)
		declared = append(declared, k)
	}
	for name := range manifest {
		if s.files[name] == "" {
			out.Skipped = append(out.Skipped, schema.Skipped{Object: name, Reason: "in " + manifestFile + ", but its file is not there"})
		}
	}
	slices.SortFunc(out.Skipped, func(a, b schema.Skipped) int { return strings.Compare(a.Object, b.Object) })
	for i, k := range declared {
		if k != nil {
			k.keysTo(out.Tables[i])
		}
	}
	for i, k := range declared {
		if k != nil {
			k.linksTo(out, out.Tables[i])
		}
	}
	out.HideSecrets()
	return out, nil
}
