package beam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
)

// work is what runs on a piece.
type work struct {
	fields func(j *job) []parquet.Field // behind those of the key
	// run calls emit for each row of the result, in their order. owns says which entities
	// are of the piece: others may be in it as neighbours, with part of their rows. The
	// classes that training saw in the piece are told to seen.
	run func(ctx context.Context, p *pieceOf, emit func(cells []any) error) error
}

// works are the jobs, by name.
var works = map[string]work{"labels": labelsWork, "score": scoreWork, "features": featuresWork, "sample": sampleWork, "states": statesWork}

// pieceOf is a piece and what is computed over it.
type pieceOf struct {
	*job
	snap *ingest.Snapshot
	made [][]ingest.Column // per table: columns that were made for its rows
	seen func(class string)
	self int64
}

// owns reports whether an entity row is one of the piece's own.
func (p *pieceOf) owns(row int32) bool {
	return p.shardOf(p.entities().Columns, int(row)) == p.self
}

func (p *pieceOf) entities() *ingest.Table { return p.snap.Tables[p.Plan.Entity] }

// pieceFn makes a snapshot of the rows of a piece and computes its part of the result.
type pieceFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *pieceFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement writes the part of the result that a piece is, whole or not at all, and
// tells which file that is; where classes must be gathered from all pieces first, it hands
// the part on instead.
func (f *pieceFn) ProcessElement(ctx context.Context, shard int64, next func(*[]byte) bool, later func(int64, []byte), classes func([]byte)) (err error) {
	return f.job.withPiece(shard, next, func(p *pieceOf) error {
		seen := map[string]bool{}
		p.seen = func(class string) {
			if !seen[class] {
				seen[class] = true
				classes([]byte(class))
			}
		}
		part := partRows{fields: p.fields()}
		if err := works[p.Work].run(ctx, p, part.add); err != nil {
			return err
		}
		later(shard, part.bytes)
		return nil
	})
}

// withPiece builds the snapshot of a piece for f, and takes it away again.
func (j *job) withPiece(shard int64, rows func(*[]byte) bool, f func(p *pieceOf) error) (err error) {
	dir, err := j.scratch()
	if err != nil {
		return err
	}
	if dir != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	snap, err := piece.Build(j.wide, rows, dir)
	if err != nil {
		return fmt.Errorf("build piece %d: %w", shard, err)
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	p := &pieceOf{job: j, snap: snap, made: narrowed(snap, j.Schema), self: shard}
	snap.Spans = j.Spans
	if err := f(p); err != nil {
		return fmt.Errorf("piece %d: %w", shard, err)
	}
	return nil
}

// scratch makes a folder for one piece; empty where pieces stay in memory.
func (j *job) scratch() (string, error) {
	if j.Scratch == "" {
		return "", nil
	}
	if err := os.MkdirAll(j.Scratch, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(j.Scratch, "piece-*")
}

// checkFn writes the files of the result.
type checkFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *checkFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement writes one file. A retry writes the same bytes again.
func (f *checkFn) ProcessElement(_ context.Context, shard int64, part []byte, classes func(*[]byte) bool) error {
	known, err := f.job.classes(classes)
	if err != nil {
		return err
	}
	return f.job.writePart(filepath.Join(f.job.Out, partName(int(shard), f.job.Shards)), part, known)
}

// build lays out the whole pipeline of a job.
func build(j *job, splits []Split) *sdk.Pipeline {
	p, s := sdk.NewPipelineWithRoot()
	spec, text := j.Spec, j.encode()
	rows := route(s.Scope("Route"), spec, splits, j.passes(s, text, splits))
	parts, classes := sdk.ParDo2(s.Scope("Pieces"), &pieceFn{Spec: text}, sdk.GroupByKey(s, rows))
	sdk.ParDo0(s.Scope("Write"), &checkFn{Spec: text}, parts, sdk.SideInput{Input: classes})
	return p
}
