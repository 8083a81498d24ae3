package bench

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// scoringLoad is a graph with a network and the questions that it is asked.
type scoringLoad struct {
	graph    *graph.Graph
	entity   int
	encoders func(hops int) ([]*encode.Table, error) // of the tables within so many hops
	rule     ingest.TimeRule
	horizon  float64 // days
	queries  []model.Query
}

// scoringNets are the networks of the scoring cases: the default one with 128 neighbours,
// and that of the reference pipeline.
var scoringNets = []struct {
	name, what string
	config     func() model.Config
}{
	{"width=32", "32 channels, 128 neighbours of each kind, latest, decayed means", func() model.Config {
		return model.Config{FanOut: []int{128, 0}, Outputs: 1}
	}},
	{"width=128", "128 channels, 128 and 64 neighbours, uniform, sums, four-block row encoder", func() model.Config {
		c := reference()
		c.Outputs = 1
		return c
	}},
}

// scoringGraph is a graph that is scored.
type scoringGraph struct {
	name, what string
	load       func(ctx context.Context) (*scoringLoad, error)
}

// scoringGraphs are the graphs of the scoring cases.
var scoringGraphs = []scoringGraph{
	{"rel-f1", "8,712 examples of driver-position", f1Scoring},
	{"shop", "65,536 of 1 M entities with 20 M facts", shopScoring},
}

// scoringCases score without row tables, and with tables of every precision.
func scoringCases() []Case {
	var out []Case
	for _, g := range scoringGraphs {
		for _, n := range scoringNets {
			for _, p := range []string{"off", "float32", "float16", "bfloat16"} {
				if g.name == "shop" && n.name != "width=32" {
					continue // tables of 20 GB
				}
				c := Case{Name: fmt.Sprintf("score/%s/%s/%s", g.name, n.name, p), Unit: Seeds, Long: true,
					What: fmt.Sprintf("%s scored: %s; row tables: %s", g.what, n.what, p)}
				c.measure = func(ctx context.Context, e Env) ([]Figure, error) {
					load, err := g.load(ctx)
					if err != nil {
						return nil, err
					}
					return c.scoring(ctx, e, load, n.config(), p)
				}
				out = append(out, c)
			}
		}
	}
	return out
}

// scoring measures passes over all queries: seeds per second, and the processor time of
// a seed, which says more on a machine that others use too. The parameters of the
// network are fresh: they change no amount of work.
func (c Case) scoring(ctx context.Context, e Env, l *scoringLoad, config model.Config, cache string) ([]Figure, error) {
	encoders, err := l.encoders(2)
	if err != nil {
		return nil, err
	}
	m, err := model.New(config.Complete(l.horizon), l.graph, l.entity, encoders, 1)
	if err != nil {
		return nil, err
	}
	pool := tensor.NewPool(e.Threads)
	bound, err := m.Bind(l.graph, pool)
	if err != nil {
		return nil, err
	}
	shards, err := bound.NewShards(l.rule, pool)
	if err != nil {
		return nil, err
	}
	detail := map[string]float64{}
	if cache != "off" {
		format, err := tensor.ParseFormat(cache)
		if err != nil {
			return nil, err
		}
		start := CPUTime()
		tables, err := bound.NewRowTables(ctx, model.TableOptions{Format: format}, pool)
		if err != nil {
			return nil, err
		}
		detail["tables_cpu_s"], detail["tables_mb"] = (CPUTime() - start).Seconds(), float64(tables.Bytes())/1e6
		shards.Use(tables)
	}
	return c.passes(ctx, e, len(l.queries), detail, func() error {
		_, err := shards.Score(ctx, l.queries)
		return err
	})
}

// passes measures a pass over some queries, again and again.
func (c Case) passes(ctx context.Context, e Env, queries int, detail any, pass func() error) ([]Figure, error) {
	var used []float64
	samples, err := c.repeat(ctx, func() (float64, error) {
		before := CPUTime()
		err := pass()
		used = append(used, (CPUTime()-before).Seconds()*1e6/float64(queries))
		return float64(queries), err
	}, e.Quick)
	if err != nil {
		return nil, err
	}
	rate := newFigure(c, e.Threads, samples...)
	rate.Detail = detail
	cpu := newFigure(Case{Name: "cpu-" + c.Name, What: "processor time of a seed", Unit: Micros}, e.Threads, used[len(used)-len(samples):]...)
	return []Figure{rate, cpu}, nil
}

// CPUTime is what the process has used of processors, in all threads; 0 where the system
// does not tell.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func f1Scoring(context.Context) (*scoringLoad, error) {
	w, err := loadWorld()
	if err != nil {
		return nil, err
	}
	task := w.labels.Task
	encoders := func(hops int) ([]*encode.Table, error) { return model.Encoders(w.graph, task, hops) }
	return &scoringLoad{w.graph, task.Entity, encoders, task.Options.Rule, task.Horizon.ApproxDays(), w.queries()}, nil
}

// shopScoring is built once: it takes half a minute and 1.5 GB.
func shopScoring(ctx context.Context) (*scoringLoad, error) { return buildShop() }

var buildShop = sync.OnceValues(func() (*scoringLoad, error) { return newShopLoad(1_000_000, 100_000, 20_000_000, 1<<16) })
