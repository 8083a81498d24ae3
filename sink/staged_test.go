package sink_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

var stagedColumns = []sink.Column{{Name: "id", Kind: schema.Int}, {Name: "at", Kind: schema.Time}, {Name: "p", Kind: schema.Float}}

// staged is what both sinks of runs do.
type staged interface {
	Has(ctx context.Context, shard int) (bool, error)
	Put(ctx context.Context, shard int, m sink.Mark, next func() ([]any, error)) (bool, error)
	Publish(ctx context.Context) (sink.Published, error)
	Close() error
}

// shardRows yields the rows of a shard, and then fails if it shall.
func shardRows(shard, n int, fail error) func() ([]any, error) {
	i := 0
	return func() ([]any, error) {
		if i++; i > n {
			return nil, fail
		}
		return []any{int64(100*shard + i), int64(1_000_000 * i), float64(i) / 4}, nil
	}
}

// contract is what holds for every sink of runs. open opens the run as another process
// would; rows counts what readers see, -1 where they see nothing.
func contract(t *testing.T, open func(run sink.Run) (staged, error), rows func() int) {
	run := sink.Run{ID: "abc1", Shards: 3, Spec: []byte(`{"task": "x"}`)}
	var all []staged
	for range 4 {
		s, err := open(run)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		all = append(all, s)
	}
	ctx := t.Context()
	if _, err := all[0].Put(ctx, 0, sink.Mark{}, shardRows(0, 5, errors.New("disk full"))); err == nil {
		t.Error("a shard that failed was taken")
	}
	if in, err := all[1].Has(ctx, 0); in || err != nil {
		t.Errorf("the failed shard: %v %v", in, err)
	}
	for shard := range 3 {
		if p, err := all[1].Publish(ctx); err != nil || p.Done || p.In != shard || rows() > 0 {
			t.Fatalf("with %d shards: %+v, %v, readers see %d rows", shard, p, err, rows())
		}
		var wg sync.WaitGroup
		added, errs := make([]bool, len(all)), make([]error, len(all))
		for i, s := range all { // at once, as by workers that were thought dead
			wg.Go(func() {
				added[i], errs[i] = s.Put(ctx, shard, sink.Mark{Worker: fmt.Sprint(i)}, shardRows(shard, 10+shard, nil))
			})
		}
		wg.Wait()
		n := 0
		for i := range all {
			if errs[i] != nil {
				t.Error(errs[i])
			}
			if added[i] {
				n++
			}
		}
		if n != 1 {
			t.Errorf("shard %d was added %d times", shard, n)
		}
		if again, err := all[0].Put(ctx, shard, sink.Mark{}, shardRows(shard, 99, nil)); again || err != nil {
			t.Errorf("shard %d again: %v %v", shard, again, err)
		}
	}
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			if p, err := s.Publish(ctx); err != nil || !p.Done || p.Rows != 33 {
				t.Errorf("published: %+v, %v", p, err)
			}
		})
	}
	wg.Wait()
	if rows() != 33 {
		t.Errorf("readers see %d rows", rows())
	}
	late, err := open(run) // a worker that comes late finds nothing to do
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if in, err := late.Has(ctx, 1); !in || err != nil {
		t.Errorf("late: %v %v", in, err)
	}
	if added, err := late.Put(ctx, 1, sink.Mark{}, shardRows(1, 5, nil)); added || err != nil || rows() != 33 {
		t.Errorf("late: %v %v, %d rows", added, err, rows())
	}
	if other, err := open(sink.Run{ID: run.ID, Shards: 4}); err == nil {
		other.Close()
		t.Error("a run with another number of shards was opened")
	}
}

func TestStageTable(t *testing.T) {
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	count := func() int {
		n := -1
		_ = conn.QueryRow(t.Context(), `SELECT count(*) FROM "My scores"`).Scan(&n) // there is none yet
		return n
	}
	to := sink.Table{Name: "public.My scores"}
	open := func(run sink.Run) (staged, error) {
		s, err := sink.StageTable(t.Context(), url, run, to, stagedColumns)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	contract(t, open, count)
	if got := query(t, url, `SELECT count(DISTINCT id) || ' ' || max(run) || ' ' || extract(epoch FROM max(at))::int FROM "My scores"`); got != "33 abc1 12" {
		t.Errorf("rows: %s", got)
	}
	// Over a table that is there: replaced, or appended to, and grants and views stay.
	if _, err := conn.Exec(t.Context(), `GRANT SELECT ON "My scores" TO PUBLIC; CREATE VIEW seen AS SELECT id FROM "My scores"`); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{7, 14} {
		to.Append = i == 1
		s, err := open(sink.Run{ID: fmt.Sprint("next", i), Shards: 1})
		if err == nil {
			_, err = s.Put(t.Context(), 0, sink.Mark{}, shardRows(0, 7, nil))
		}
		if err == nil {
			_, err = s.Publish(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got := query(t, url, `SELECT (SELECT count(*) FROM "My scores") || ' ' || (SELECT count(*) FROM seen)`); got != fmt.Sprint(want, " ", want) {
			t.Errorf("run %d: %s", i, got)
		}
	}
	if got := query(t, url, `SELECT count(*)::text FROM pg_class WHERE relname LIKE 'rowlink_staging%'`); got != "0" {
		t.Errorf("%s staging tables are left", got)
	}
}

func TestStageFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "scores")
	open := func(run sink.Run) (staged, error) {
		s, err := sink.StageFolder(out, run, stagedColumns)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	rows := func() int {
		if _, err := os.Stat(out); err != nil {
			return -1
		}
		s, err := open(sink.Run{ID: "abc1", Shards: 3})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Publish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(p.Rows)
	}
	contract(t, open, rows)
	if left, _ := filepath.Glob(out + ".*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := open(sink.Run{ID: "other", Shards: 3}); err == nil {
		t.Error("the folder of another run was opened")
	}
	if _, err := sink.StageFolder(t.TempDir(), sink.Run{ID: "x", Shards: 1}, stagedColumns); err == nil {
		t.Error("a folder with something else was opened")
	}
}
