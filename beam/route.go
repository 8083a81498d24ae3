package beam

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
)

// route gives the rows of every piece, as blocks keyed by the number of the piece. Rows
// that refer to the key of the entity go straight to its piece; others meet, level by
// level of the plan, those that ask for them in buckets by the hash of what the link
// joins. Nothing is ever held per row: a bucket holds what is asked for, and the rows
// stream by.
func route(s sdk.Scope, spec *Spec, splits []Split, made []sdk.PCollection) sdk.PCollection {
	text := spec.encode()
	pieces, asks, _ := read(s.Scope("Entities"), spec, text, 0, splits, made)
	all := []sdk.PCollection{pieces}
	for level := 1; level <= spec.Plan.Levels(); level++ {
		s := s.Scope(fmt.Sprintf("Level%d", level))
		pieces, more, rows := read(s, spec, text, level, splits, made)
		all = append(all, pieces)
		if !spec.joins(level) {
			asks = more
			continue
		}
		both := sdk.CoGroupByKey(s, asks, rows)
		joined, further := sdk.ParDo2(s, &joinFn{Spec: text}, both)
		all = append(all, joined)
		asks = sdk.Flatten(s, more, further)
	}
	return sdk.Flatten(s, all...)
}

// joins reports whether a level has rows that do not know their entity by themselves.
func (s *Spec) joins(level int) bool {
	return slices.ContainsFunc(s.Plan.At(level), func(e int) bool { return !s.Plan.Direct(s.Schema, e) })
}

// read reads the tables at the ends of the edges of a level; level 0 is the entities.
func read(s sdk.Scope, spec *Spec, text string, level int, splits []Split, made []sdk.PCollection) (pieces, asks, rows sdk.PCollection) {
	tables := []int{spec.Plan.Entity}
	if level > 0 {
		tables = nil
		for _, e := range spec.Plan.At(level) {
			tables = append(tables, spec.Plan.To(spec.Schema, e))
		}
	}
	own := create(s, splits, tables)
	if len(made) == 0 {
		return sdk.ParDo3(s, &readFn{Spec: text, Level: level}, sdk.GroupByKey(s, own))
	}
	return sdk.ParDo3(s, &readMadeFn{readFn{Spec: text, Level: level}}, sdk.CoGroupByKey(s, own, sdk.Flatten(s, made...)))
}

// create gives the splits of some tables by their keys.
func create(s sdk.Scope, splits []Split, tables []int) sdk.PCollection {
	var own []any
	for _, split := range splits {
		if slices.Contains(tables, split.Table) {
			data, err := json.Marshal(split)
			if err != nil {
				panic(err) // numbers
			}
			own = append(own, data)
		}
	}
	if len(own) == 0 {
		own = []any{[]byte(`{"table":-1}`)} // Create wants one
	}
	return sdk.ParDo(s, &keySplitFn{}, sdk.Create(s, own...))
}

// keySplitFn keys a split.
type keySplitFn struct{}

// ProcessElement hands the split over with its key.
func (keySplitFn) ProcessElement(data []byte) (int64, []byte, error) {
	var split Split
	err := json.Unmarshal(data, &split)
	return split.key(), data, err
}

// readFn reads splits for the edges of a level.
type readFn struct {
	Spec  string
	Level int

	job *job
}

// Setup reads the job.
func (f *readFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement sends the rows of a split to their pieces where they know them, else to
// the bucket where they are asked for, and asks for the rows of the next level.
func (f *readFn) ProcessElement(ctx context.Context, _ int64, splits func(*[]byte) bool, toPiece, ask, toJoin func(int64, []byte)) error {
	return eachSplit(splits, func(split Split) error {
		return f.read(&reader{job: f.job, split: split, pieces: newBlocks(ctx, toPiece), asks: newAsks(ctx, f.job, ask), rows: newBlocks(ctx, toJoin)})
	})
}

// eachSplit hands over the splits of tables, one by one.
func eachSplit(splits func(*[]byte) bool, f func(split Split) error) error {
	var data []byte
	for splits(&data) {
		var split Split
		if err := json.Unmarshal(data, &split); err != nil {
			return err
		}
		if split.Table < 0 {
			continue
		}
		if err := f(split); err != nil {
			return err
		}
	}
	return nil
}

// readMadeFn reads splits whose rows have got further columns.
type readMadeFn struct{ readFn }

// ProcessElement is that of [readFn] with what was made for the rows of the split.
func (f *readMadeFn) ProcessElement(ctx context.Context, _ int64, splits, made func(*[]byte) bool, toPiece, ask, toJoin func(int64, []byte)) error {
	return eachSplit(splits, func(split Split) error {
		r := &reader{job: f.job, split: split, pieces: newBlocks(ctx, toPiece), asks: newAsks(ctx, f.job, ask), rows: newBlocks(ctx, toJoin)}
		if err := r.take(made); err != nil {
			return err
		}
		return f.read(r)
	})
}

func (f *readFn) read(r *reader) error {
	src, err := f.job.open()
	if err != nil {
		return err
	}
	split := r.split
	columns, lo, hi, id, err := src.rows(split)
	if err != nil {
		return fmt.Errorf("read table %s: %w", f.job.Schema.Tables[split.Table].FullName(), err)
	}
	r.columns = columns
	edges := []int{-1}
	if f.Level > 0 {
		edges = f.job.Plan.At(f.Level)
	}
	for _, e := range edges {
		if f.job.Plan.To(f.job.Schema, e) == split.Table {
			r.edge(e, split.Table, lo, hi, id)
		}
	}
	r.pieces.flush()
	r.asks.flush()
	r.rows.flush()
	return nil
}

// reader sends the rows of one split on their ways.
type reader struct {
	*job
	split   Split
	columns []ingest.Column
	made    [][][]byte // per column that is made of the table: of each row of the split
	pieces  *blocks
	asks    *asks
	rows    *blocks
}

func (r *reader) edge(e, table, lo, hi int, id uint64) {
	far := r.entity.Key
	if e >= 0 {
		far = r.Plan.Far(r.Schema, e)
	}
	direct := e < 0 || r.Plan.Direct(r.Schema, e)
	behind := r.Plan.Behind(e)
	for row := lo; row < hi; row++ {
		h, ok := piece.Hash(r.columns, far, row)
		if !ok {
			continue
		}
		at := id + uint64(row-lo)
		if direct && !r.Draw.drawn(h) {
			continue
		}
		if !direct {
			r.rows.add(piece.Bucket(e, h, r.Buckets), e, func(b []byte) []byte { return r.forJoin(b, h, behind, row, at) })
			continue
		}
		shard := piece.Shard(h, r.Shards)
		r.pieces.add(shard, table, func(b []byte) []byte { return piece.AppendRow(b, r.columns, row, at, r.more(at)...) })
		for _, next := range behind {
			if near, ok := piece.Hash(r.columns, r.Plan.Near(r.Schema, next), row); ok && !r.Plan.Direct(r.Schema, next) {
				r.asks.add(next, near, shard)
			}
		}
	}
}

// forJoin appends a row with the hash that it is asked for by, and those by which it asks
// in turn; 0 is none.
func (r *reader) forJoin(b []byte, h uint64, behind []int, row int, id uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, h)
	for _, next := range behind {
		near, ok := piece.Hash(r.columns, r.Plan.Near(r.Schema, next), row)
		if !ok {
			near = 0
		}
		b = binary.LittleEndian.AppendUint64(b, near)
	}
	whole := piece.AppendRow(nil, r.columns, row, id, r.more(id)...)
	return append(binary.AppendUvarint(b, uint64(len(whole))), whole...)
}

// asks gathers who wants which rows: pieces that ask for the rows behind an edge with a hash.
type asks struct {
	job  *job
	out  *blocks
	said map[ask]struct{}
}

type ask struct {
	edge  int
	hash  uint64
	shard int64
}

func newAsks(ctx context.Context, j *job, emit func(int64, []byte)) *asks {
	return &asks{j, newBlocks(ctx, emit), map[ask]struct{}{}}
}

// add asks once for the same.
func (a *asks) add(edge int, hash uint64, shard int64) {
	k := ask{edge, hash, shard}
	if _, again := a.said[k]; again {
		return
	}
	a.said[k] = struct{}{}
	a.out.add(piece.Bucket(edge, hash, a.job.Buckets), edge, func(b []byte) []byte {
		return binary.AppendUvarint(binary.LittleEndian.AppendUint64(b, hash), uint64(shard))
	})
}

func (a *asks) flush() { a.out.flush() }
