package rowlink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Options configures [Open].
type Options struct {
	URL       string   // database URL; may be empty when the workspace holds a snapshot
	Schemas   []string // namespaces to read; empty = the source's default
	Workspace string   // folder; empty = nothing is kept
	Fresh     bool     // takes a new snapshot even when the workspace holds one
	Snapshot  string   // id of the one to reopen; empty = the workspace's latest
	// Refresh takes a new snapshot too, and copies only what changed since the one that the
	// workspace holds of the same database, where the source can tell.
	Refresh bool
	Threads int // 0 = all cores; never changes a result

	// AcceptLinks uses the keys and links that are proposed and not declared; they are
	// written to the mapping file like declared ones.
	AcceptLinks bool
	// Include, AcceptRowSecurity and MaxAge are those of [ingest.OpenOptions].
	Include           []string
	AcceptRowSecurity bool
	MaxAge            time.Duration
	// Memory is the budget in bytes of what is held of the rows while they are read; 0 =
	// [ingest.DefaultMemory]. Indexes of keys come on top.
	Memory int64

	// RowCache says how the networks of a version hold the rows that they read. Without a
	// Budget they take a quarter of the memory at most.
	RowCache predict.CacheOptions

	OnProgress func(ingest.Progress)            // while the database is read; nil = silent
	OnNote     func(format string, args ...any) // what a user should know; nil = silent

	source ingest.Source // to take a snapshot from; nil = the one that URL names
}

// Database is one consistent snapshot of a database with its mapping applied.
type Database struct {
	Snap      *ingest.Snapshot
	Workspace *workspace.Workspace // nil when nothing is kept
	Source    string               // the database, without password
	Reused    bool                 // the snapshot was in the workspace already
	Ways      []ingest.Way         // of a refresh: how each table was brought up to date

	opt  Options
	mark []byte           // what the next refresh needs to know; nil = the source has none
	base *ingest.Snapshot // as stored, before the mapping
	dir  string           // the folder of the stored snapshot; empty = in memory

	part Part // what the snapshot cannot see; zero = it is whole

	place  *workspace.SnapshotDir // where the rows that were read are being written; nil = nowhere
	saving *ingest.Saving

	graphOnce sync.Once
	graph     *graph.Graph // see links
	graphErr  error
}

// Open takes a snapshot of the database, or reopens the one that the workspace holds of
// it, infers what the columns mean, and applies the workspace's mapping file, which it
// writes if there is none. The database is only read.
func Open(ctx context.Context, opt Options) (*Database, error) {
	if opt.OnNote == nil {
		opt.OnNote = func(string, ...any) {}
	}
	d := &Database{opt: opt, Source: Redact(opt.URL, opt.Schemas)}
	if opt.Workspace != "" {
		var err error
		if d.Workspace, err = workspace.Open(opt.Workspace); err != nil {
			return nil, err
		}
	}
	if err := d.reopen(); err != nil {
		return nil, err
	}
	if d.base == nil {
		if err := d.take(ctx); err != nil {
			return nil, err
		}
	}
	err := d.mapped()
	if err == nil && opt.AcceptLinks {
		err = d.accept()
	}
	if err == nil && d.Workspace != nil && !d.Reused {
		if err = d.store(); err == nil { // only now: a snapshot that the mapping does not fit is of no use
			err = d.remap()
		}
	}
	if err != nil {
		d.discardStore() // reads the rows of base
		d.base.Close()
		return nil, err
	}
	return d, nil
}

// Close releases the snapshot's memory.
func (d *Database) Close() error {
	var err error
	if d.graph != nil {
		err = d.graph.Close()
	}
	return errors.Join(err, d.base.Close())
}

// Files beside a snapshot: the database that it was taken from, and the source's mark.
const (
	sourceFile = "source"
	markFile   = "mark"
)

// beside reads a file beside a snapshot; nil where there is none.
func beside(dir, id, file string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(dir), id+"."+file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the %s of snapshot %s: %w", file, id, err)
	}
	return text, nil
}

// reopen maps the workspace's latest snapshot if it was taken from the same database.
func (d *Database) reopen() error {
	if d.Workspace == nil || d.opt.Fresh || d.opt.Refresh {
		return nil
	}
	id, dir, err := d.stored()
	if errors.Is(err, fs.ErrNotExist) && d.opt.Snapshot == "" {
		return nil
	}
	if err != nil {
		return err
	}
	source, err := beside(dir, id, sourceFile)
	if err != nil {
		return err
	}
	if d.opt.URL != "" && string(source) != d.Source {
		d.opt.OnNote("the workspace's snapshot is of %s; taking one of %s", source, d.Source)
		return nil
	}
	if d.base, err = ingest.OpenSnapshot(dir); err != nil {
		return fmt.Errorf("open snapshot %s: %w", id, err)
	}
	d.Source, d.Reused, d.dir = string(source), true, dir
	return nil
}

// stored finds the snapshot to reopen.
func (d *Database) stored() (id, dir string, err error) {
	if d.opt.Snapshot == "" {
		return d.Workspace.LatestSnapshot()
	}
	dir, err = d.Workspace.Snapshot(d.opt.Snapshot)
	return d.opt.Snapshot, dir, err
}

// take reads the database into a snapshot with its inferred schema.
func (d *Database) take(ctx context.Context) error {
	if d.opt.URL == "" {
		return &ingest.UserError{Msg: "no database: the workspace holds no snapshot",
			Hint: "name one with --db postgres://user@host/database, --db sqlite:FILE, --db csv:FOLDER or --db parquet:FOLDER, or set DATABASE_URL"}
	}
	if d.opt.source != nil {
		return d.takeFrom(ctx, d.opt.source)
	}
	src, err := d.opt.openSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	return d.takeFrom(ctx, src)
}

func (opt Options) openSource(ctx context.Context) (ingest.Source, error) {
	return ingest.Open(ctx, opt.URL, ingest.OpenOptions{Schemas: opt.Schemas, Include: opt.Include, AcceptRowSecurity: opt.AcceptRowSecurity, MaxAge: opt.MaxAge, Memory: opt.Memory})
}

func (d *Database) takeFrom(ctx context.Context, src ingest.Source) error {
	opt := ingest.TakeOptions{Progress: d.opt.OnProgress, Memory: d.opt.Memory / 4}
	if d.Workspace != nil {
		opt.Spill = d.Workspace.Scratch()
	}
	if err := d.earlier(src, &opt); err != nil {
		return err
	}
	raw, err := ingest.Take(ctx, src, opt)
	if err != nil {
		return err
	}
	d.learn(src, raw, opt.Old)
	if err := d.beginStore(raw); err != nil {
		raw.Close()
		return err
	}
	inferred := raw.Schema.Clone()
	schema.Infer(inferred, raw.Stats())
	d.base, err = raw.Derive(inferred)
	if err != nil {
		d.discardStore()
		raw.Close()
	}
	return err
}

// mapped applies the mapping file, or writes one.
func (d *Database) mapped() error {
	if d.Workspace == nil {
		d.Snap = d.base
		return nil
	}
	text, err := d.Workspace.Mapping()
	if errors.Is(err, fs.ErrNotExist) {
		d.Snap = d.base
		return d.writeMapping()
	}
	if err != nil {
		return err
	}
	mapping, err := schema.ReadMapping(bytes.NewReader(text))
	if faults := (schema.MappingErrors)(nil); err != nil && !errors.As(err, &faults) {
		return &ingest.UserError{Msg: fmt.Sprintf("%s: %v", filepath.Join(d.Workspace.Dir(), "mapping.yaml"), err),
			Hint: "correct it, or remove it: the next command writes what it infers"}
	}
	if err != nil {
		return err
	}
	sc, err := mapping.Apply(d.base.Schema)
	if err != nil {
		return err
	}
	d.Snap, err = d.base.Derive(sc)
	return err
}

// accept uses what is proposed. A mapping file that the user has edited decides itself.
func (d *Database) accept() error {
	proposals := d.Snap.Propose()
	if len(proposals) == 0 {
		return nil
	}
	if d.Workspace != nil {
		have, err := d.Workspace.Mapping()
		if err != nil {
			return err
		}
		own, err := d.mappingOf(d.base)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, own) {
			return &ingest.UserError{Msg: fmt.Sprintf("%s decides which links are used, and it was edited or written for another snapshot", filepath.Join(d.Workspace.Dir(), "mapping.yaml")),
				Hint: "add to it the lines that rowlink schema proposes, or remove the file"}
		}
	}
	linked, err := d.base.Derive(d.base.Schema.Accept(proposals))
	if err != nil {
		return err
	}
	sc := linked.Schema.Clone()
	schema.Infer(sc, linked.Stats())
	accepted, err := linked.Derive(sc)
	if err != nil {
		return err
	}
	d.base, d.Snap = accepted, accepted
	d.opt.OnNote("accepted %d keys and links that the database does not declare", len(proposals))
	if d.Workspace == nil {
		return nil
	}
	return d.writeMapping()
}

func (d *Database) mappingOf(s *ingest.Snapshot) ([]byte, error) {
	var buf bytes.Buffer
	err := schema.WriteMapping(&buf, s.Schema, schema.MappingInfo{Database: d.Source, Snapshot: s.ID})
	return buf.Bytes(), err
}

func (d *Database) writeMapping() error {
	text, err := d.mappingOf(d.Snap)
	if err != nil {
		return err
	}
	d.opt.OnNote("wrote %s: what each table and column means; edit it to override", filepath.Join(d.Workspace.Dir(), "mapping.yaml"))
	return d.Workspace.SaveMapping(text)
}

// Task binds a task's text to the database and fills in the options that depend on the
// data. Its errors are [tql.Errors] or a [tasks.Error].
func (d *Database) Task(text string) (*tasks.Task, error) {
	task, err := d.bind(text)
	if err != nil {
		return nil, err
	}
	return task, tasks.Resolve(task, d.Snap)
}

// Redact names a database without the password and the parameters of its URL, and with
// the schemas that are read.
func Redact(rawURL string, schemas []string) string {
	name := rawURL
	if scheme, rest, ok := strings.Cut(rawURL, "://"); ok {
		name = scheme + "://"
		u, err := url.Parse(rawURL)
		switch {
		case err != nil: // never echo what could hold a password
			name += strings.TrimRight(strings.Repeat(".", min(3, len(rest))), " ")
		default:
			if user := u.User.Username(); user != "" {
				name += user + "@"
			}
			name += u.Host + u.Path
		}
	}
	if len(schemas) > 0 {
		name += " schema " + strings.Join(schemas, ", ")
	}
	return name
}
