// Command transfer measures what a pretrained network gains: each task is trained with a
// hundredth, a tenth and all of its training labels, by a fresh network and by one that
// begins with the network that was pretrained on the same database, over several seeds. It
// prints a table of Markdown: means over seeds with their standard deviations.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/bench/quality"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	_ "github.com/rowlink/rowlink/ingest/csvdir"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/tasks"
)

// shares of the training labels.
var shares = []float64{0.01, 0.1, 1}

func main() {
	folder := flag.String("data", "../shared/data", "folder of the reference data")
	names := flag.String("tasks", "driver_dnf,journey_redeem,stats_post_again,driver_position", "tasks of the quality page")
	seeds := flag.Int("seeds", 3, "trainings of each kind")
	epochs := flag.Int("pretrain-epochs", 5, "passes of the pretraining")
	split := flag.String("split", "test", "where the scores are from: val or test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println("| task | metric | labels | fresh | pretrained | gain | pretraining, s |\n|---|---|--:|--:|--:|--:|--:|")
	for _, name := range strings.Split(*names, ",") {
		if err := measure(ctx, *folder, name, *seeds, *epochs, *split == "val"); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

// measure prints the rows of one task.
func measure(ctx context.Context, folder, name string, seeds, epochs int, val bool) error {
	c, err := caseOf(name)
	if err != nil {
		return err
	}
	d, err := quality.Open(ctx, filepath.Join(folder, c.Database), 0)
	if err != nil {
		return err
	}
	defer d.Close()
	task, err := d.Task(c.Text())
	if err != nil {
		return err
	}
	labels, err := tasks.Label(ctx, d.Snap, task, 0)
	if err != nil {
		return err
	}
	links, err := graph.Build(d.Snap)
	if err != nil {
		return err
	}
	start := time.Now()
	var pre []*model.Model
	for seed := range seeds {
		r, err := train.Pretrain(ctx, train.Unlabelled{Name: name, Graph: links, Entity: task.Entity, Rule: task.Options.Rule, Until: task.Options.ValAnchor, Horizon: task.Pace()},
			train.Options{Seed: uint64(seed + 1), Epochs: epochs})
		if err != nil {
			return err
		}
		log.Printf("%s: pretraining loss %.4f to %.4f", name, r.Epochs[0].Loss, r.Epochs[len(r.Epochs)-1].Loss)
		pre = append(pre, r.Bound.(*model.Bound).Model)
	}
	pretraining := time.Since(start).Seconds() / float64(seeds)
	g, err := model.GraphOver(ctx, links, task, true)
	if err != nil {
		return err
	}
	for _, share := range shares {
		n := len(labels.Rows(tasks.Train))
		few := labels.Thinned(tasks.Train, max(10, int(share*float64(n))))
		if _, err := tasks.FitScaling(few); err != nil {
			log.Printf("%s, %g: %v", name, share, err)
			continue
		}
		scores := map[bool][]float64{}
		for seed := range seeds {
			for _, begun := range []bool{false, true} {
				data := train.Data{Graph: g, Labels: few}
				if begun {
					data.Pretrained = pre[seed]
				}
				s, err := score(ctx, data, uint64(seed+1), val)
				if err != nil {
					return err
				}
				scores[begun] = append(scores[begun], s)
			}
		}
		metric, err := metricOf(few)
		if err != nil {
			return err
		}
		fresh, fs := mean(scores[false])
		begun, bs := mean(scores[true])
		gain := begun - fresh
		if !metric.HigherIsBetter() {
			gain = -gain
		}
		fmt.Printf("| %s | %s | %d | %.4g (%.2g) | %.4g (%.2g) | %+.3g | %.0f |\n", name, metric.Name(), len(few.Rows(tasks.Train)), fresh, fs, begun, bs, gain, pretraining)
	}
	return nil
}

func caseOf(name string) (quality.Case, error) {
	for _, c := range quality.Cases() {
		if c.Task == name && c.Regime == tasks.Rolling {
			return c, nil
		}
	}
	return quality.Case{}, fmt.Errorf("no such task of the quality page")
}

func metricOf(l *tasks.LabelTable) (tasks.Metric, error) {
	scaling, err := tasks.FitScaling(l)
	if err != nil {
		return nil, err
	}
	return l.Task.MetricOf(scaling)
}

// leastSteps is how many steps a training makes at least: few labels fill few batches.
const leastSteps = 200

// score trains one network, as long however many labels there are, and scores it.
func score(ctx context.Context, d train.Data, seed uint64, val bool) (float64, error) {
	o := train.Options{Seed: seed}
	steps := (len(d.Labels.Rows(tasks.Train)) + 255) / 256
	if o.Epochs = 20; o.Epochs*steps < leastSteps {
		o.Epochs = (leastSteps + steps - 1) / steps
		o.Patience = o.Epochs * 3 / 10
	}
	r, err := train.Fit(ctx, d, o)
	if err != nil {
		return 0, err
	}
	if val {
		return r.Best.Val, nil
	}
	scaling, err := tasks.FitScaling(d.Labels)
	if err != nil {
		return 0, err
	}
	s, err := predict.Of(r.Bound, d.Labels.Task, scaling, tensor.NewPool(0))
	if err != nil {
		return 0, err
	}
	scores, err := rowlink.Evaluate(ctx, s, d.Labels, scaling, tasks.Test)
	if err != nil {
		return 0, err
	}
	return scores[r.Metric], nil
}

// mean and standard deviation.
func mean(x []float64) (m, sd float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - m) * (v - m)
	}
	return m, math.Sqrt(sd / math.Max(1, float64(len(x)-1)))
}
