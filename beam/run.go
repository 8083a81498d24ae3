package beam

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec/optimized" // calls without reflection
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/flink"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/spark"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Options configure a job.
type Options struct {
	Runner  string // prism (default), universal, flink or spark
	Shards  int    // pieces; 0 = by the number of entities
	Out     string // folder of the result, on storage that all workers reach
	Scratch string // folder on each worker for the columns of large pieces; empty = in memory
}

// entitiesPerShard makes a piece of some ten thousand entities: small beside a worker's
// memory, large beside what a piece costs by itself.
const entitiesPerShard = 10_000

// Labels computes the label table of a task over a stored snapshot and returns what was
// written. snap is the snapshot in folder with its mapping applied; only its schema, its
// row counts and the times that the options of the task follow from are read here.
func Labels(ctx context.Context, snap *ingest.Snapshot, folder string, task *tasks.Task, opt Options) (*Done, error) {
	spec, err := newSpec("labels", snap, folder, task, opt)
	if err != nil {
		return nil, err
	}
	spec.Plan.AddLabels(spec.Schema, task)
	return spec.run(ctx, snap, opt)
}

func newSpec(name string, snap *ingest.Snapshot, folder string, task *tasks.Task, opt Options) (*Spec, error) {
	if task.Raw != nil {
		return nil, &ingest.UserError{Msg: "the labels of task " + task.Name + " come from SQL, which only the database answers", Hint: "rowlink labels --executor sql runs it there"}
	}
	if err := tasks.Resolve(task, snap); err != nil {
		return nil, err
	}
	entity := snap.Tables[task.Entity]
	if len(entity.Def.Key) == 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("table %s has no key, so its rows cannot be sent to pieces", entity.Def.FullName()), Hint: "name the key in the mapping"}
	}
	out, err := filepath.Abs(opt.Out)
	if err != nil {
		return nil, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	shards := opt.Shards
	if shards == 0 {
		shards = max(1, (entity.Rows+entitiesPerShard-1)/entitiesPerShard)
	}
	s := &Spec{Work: name, Source: Source{"snapshot", folder}, Plan: piece.NewPlan(snap.Schema, task.Entity), Shards: shards,
		Buckets: max(shards, runtime.GOMAXPROCS(0)), Out: out, Scratch: opt.Scratch, Snapshot: snap.ID, Spans: spansOf(snap)}
	s.describe(snap.Schema, task)
	return s, nil
}

// run lays the job out, lets the engine run it, and says in the folder that it is done.
func (s *Spec) run(ctx context.Context, snap *ingest.Snapshot, opt Options) (*Done, error) {
	hash := s.Hash()
	if done, err := s.prepareOut(hash); done != nil || err != nil {
		return done, err
	}
	j, err := load(s.encode())
	if err != nil {
		return nil, err
	}
	var splits []Split
	for t := range snap.Tables {
		splits = append(splits, splitsOf(t, int64(snap.Tables[t].Rows))...)
	}
	runner := opt.Runner
	if runner == "" {
		runner = "prism"
	}
	ran, err := sdk.Run(ctx, runner, build(j, splits))
	if err != nil {
		return nil, fmt.Errorf("run the pipeline on %s: %w", runner, err)
	}
	done, err := j.finish(hash)
	if err == nil {
		done.Shuffled = counted(ran)
	}
	return done, err
}

// counted is how many bytes of blocks the engine moved, as far as it tells.
func counted(ran sdk.PipelineResult) int64 {
	sum := int64(0)
	if ran == nil {
		return 0
	}
	for _, c := range ran.Metrics().AllMetrics().Counters() {
		if c.Key.Name == shuffled {
			sum += c.Result()
		}
	}
	return sum
}
