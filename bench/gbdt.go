package bench

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tabular/boost"
	"github.com/rowlink/rowlink/tasks"
)

// gbdtLoad is a table to fit and another one to measure the fit on. The peers' gbdt.py has
// the same tables and options.
type gbdtLoad struct {
	train, test *boost.Dataset
	opt         boost.Options
	metric      string
	measure     func(label, predicted []float64) float64
}

// gbdtDetail is what a fit tells beside its time.
type gbdtDetail struct {
	Metric  string  `json:"metric"`
	Quality float64 `json:"quality"` // of the test rows
	CPU     float64 `json:"cpu_s"`   // of the fit, median
	Rows    int     `json:"rows"`
	Columns int     `json:"columns"`
}

// The shapes of the generated table.
const gbdtRows, gbdtTest, gbdtColumns = 200_000, 50_000, 50

func gbdtCases() []Case {
	var out []Case
	for _, l := range []struct {
		name, what string
		load       func(ctx context.Context) (*gbdtLoad, error)
	}{
		{"regression", "boosted trees on 200,000 rows of 50 columns, squared error, 100 rounds of 31 leaves, binning included",
			func(context.Context) (*gbdtLoad, error) { return generated("l2"), nil }},
		{"binary", "the same with labels 0 and 1 and the log loss",
			func(context.Context) (*gbdtLoad, error) { return generated("binary"), nil }},
		{"driver-position", "boosted trees on the as-of features of rel-f1's driver-position, absolute error, 200 rounds of 15 leaves", f1Features},
	} {
		c := Case{Name: "gbdt/" + l.name, What: l.what, Unit: Seconds, Long: true}
		c.measure = func(ctx context.Context, e Env) ([]Figure, error) {
			load, err := l.load(ctx)
			if err != nil {
				return nil, err
			}
			return c.boosted(ctx, e, load)
		}
		out = append(out, c)
	}
	return out
}

// boosted times whole fits: the bins are made anew each time.
func (c Case) boosted(ctx context.Context, e Env, l *gbdtLoad) ([]Figure, error) {
	l.opt.Threads = e.Threads
	var samples, used []float64
	var m *boost.Model
	for range max(1, e.Epochs) {
		start, before := time.Now(), CPUTime()
		var err error
		if m, err = boost.Fit(ctx, l.train, l.opt); err != nil {
			return nil, err
		}
		samples, used = append(samples, time.Since(start).Seconds()), append(used, (CPUTime()-before).Seconds())
	}
	cpu := newFigure(Case{Name: "cpu-" + c.Name, What: "processor time of it", Unit: Seconds}, e.Threads, used...)
	f := newFigure(c, e.Threads, samples...)
	f.Detail = gbdtDetail{l.metric, l.measure(l.test.Label, m.Predict(rowsOf(l.test), e.Threads)), cpu.Median, l.train.Rows(), len(l.train.Columns)}
	return []Figure{f, cpu}, nil
}

// rowsOf is a table row by row.
func rowsOf(d *boost.Dataset) []float64 {
	x := make([]float64, 0, d.Rows()*len(d.Columns))
	for i := range d.Rows() {
		for _, c := range d.Columns {
			x = append(x, c.Values[i])
		}
	}
	return x
}

func generated(objective string) *gbdtLoad {
	l := &gbdtLoad{train: gbdtTable(1, gbdtRows, objective), test: gbdtTable(2, gbdtTest, objective),
		opt: boost.Options{Objective: objective, Rounds: 100, LearningRate: 0.1, MaxLeaves: 31, MinRows: 20, L2: 1}}
	l.metric, l.measure = "rmse", metricNamed(tasks.Regression, "rmse")
	if objective == "binary" {
		l.metric, l.measure = "roc_auc", metricNamed(tasks.Binary, "roc_auc")
	}
	return l
}

func metricNamed(typ, name string) func(label, predicted []float64) float64 {
	m, err := tasks.MetricByName(typ, name, nil)
	if err != nil {
		panic(fmt.Sprintf("bench: %v", err)) // a name of ours
	}
	return m.Compute
}

// gbdtTable is a table of uniform columns, every fifth one of ten values and every seventh
// one with a fifth of its values missing; 20 columns say something about the label.
func gbdtTable(key uint64, rows int, objective string) *boost.Dataset {
	u := func(j, i int) float64 { return 2*tensor.Uniform(tensor.Hash64(key, uint64(j)), uint64(i)) - 1 }
	d := &boost.Dataset{Label: make([]float64, rows)}
	for j := range gbdtColumns {
		v := make([]float64, rows)
		for i := range v {
			v[i] = u(j, i)
			if j%5 == 3 {
				v[i] = math.Floor(5 * v[i])
			}
			if j%7 == 5 && u(1000+j, i) > 0.6 {
				v[i] = math.NaN()
			}
		}
		d.Columns = append(d.Columns, boost.Column{Name: fmt.Sprintf("x%d", j), Values: v})
	}
	for i := range rows {
		x := func(j int) float64 { return d.Columns[j].Values[i] }
		y := 2*math.Sin(3*x(0)) + 2*x(1)*x(2) + math.Abs(x(3))/2 + math.Max(x(4), 0)*x(6)
		if x(5) == x(5) {
			y += x(5) * x(5)
		} else {
			y += 0.5
		}
		for j := 7; j < 20; j++ {
			if v := x(j); v == v {
				y += 0.1 * v
			}
		}
		if y += u(2000, i) + u(2001, i); objective == "binary" {
			y = math.Max(0, math.Copysign(1, y-1.6))
		}
		d.Label[i] = y
	}
	return d
}

// gbdtTableEnv names a file into which the table of as-of features is written for the peer.
const gbdtTableEnv = "BENCH_GBDT_TABLE"

func f1Features(context.Context) (*gbdtLoad, error) {
	w, err := loadWorld()
	if err != nil {
		return nil, err
	}
	task := w.labels.Task
	enc, err := model.Encoders(w.graph, task, 2)
	if err != nil {
		return nil, err
	}
	h := task.Pace()
	pool := tensor.NewPool(0)
	plan, err := asof.New(w.graph, enc, asof.Options{Entity: task.Entity, HalfLives: []float64{h, 4 * h, 16 * h}, Rule: task.Options.Rule}, pool)
	if err != nil {
		return nil, err
	}
	part := func(split tasks.Split) *boost.Dataset {
		d := &boost.Dataset{}
		var q []asof.Query
		for _, i := range w.labels.Rows(split) {
			q = append(q, asof.Query{Row: w.labels.Entity[i], Cut: w.labels.Cut(i)})
			d.Label = append(d.Label, w.labels.Label[i])
		}
		d.Columns = boost.FromRows(plan.Names, plan.Features(pool, q))
		return d
	}
	l := &gbdtLoad{train: part(tasks.Train), test: part(tasks.Test), metric: "mae", measure: metricNamed(tasks.Regression, "mae"),
		opt: boost.Options{Objective: "l1", Rounds: 200, LearningRate: 0.05, MaxLeaves: 15, MinRows: 30, L2: 5}}
	if path := os.Getenv(gbdtTableEnv); path != "" {
		return l, l.write(path)
	}
	return l, nil
}

// write writes both tables as one CSV file: test (0 or 1), label, features.
func (l *gbdtLoad) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the table for the peer: %w", err)
	}
	defer file.Close()
	w := csv.NewWriter(file)
	head := []string{"test", "label"}
	for _, c := range l.train.Columns {
		head = append(head, c.Name)
	}
	w.Write(head) // errors stay until Flush
	for test, d := range []*boost.Dataset{l.train, l.test} {
		x, width := rowsOf(d), len(d.Columns)
		for i, y := range d.Label {
			line := []string{strconv.Itoa(test), number(y)}
			for _, v := range x[i*width : (i+1)*width] {
				line = append(line, number(v))
			}
			w.Write(line)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write the table for the peer: %w", err)
	}
	return file.Close()
}

// number writes a float so that it reads back to the same bits; NaN is empty.
func number(v float64) string {
	if v != v {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
