package tasks

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/internal/registry"
	"github.com/rowlink/rowlink/schema"
)

// Metric is a figure of merit of predictions.
type Metric interface {
	// Name is the name under which the metric is registered.
	Name() string
	// HigherIsBetter tells its direction.
	HigherIsBetter() bool
	// Compute compares n labels with n x k predictions as a task type decodes them
	// (row-major; k = 1 but for classes). NaN means undefined, as AUROC is for labels of
	// one class, and every metric for no labels.
	Compute(truth, predicted []float64) float64
}

// metricMaker makes a metric; order is its place among those of its task types, the first
// being the default.
type metricMaker struct {
	types []string
	order int
	// build gets the scale of the training labels, nil when it is not known.
	build func(s *Scaling) (Metric, error)
}

var metrics = registry.New[metricMaker]("metric")

// measure is a metric that needs the predictions only.
type measure struct {
	name   string
	higher bool
	f      func(truth, predicted []float64) float64
}

func (m measure) Name() string         { return m.name }
func (m measure) HigherIsBetter() bool { return m.higher }

func (m measure) Compute(truth, predicted []float64) float64 {
	if len(truth) == 0 {
		return math.NaN()
	}
	return m.f(truth, predicted)
}

// register registers a metric of some task types.
func register(order int, m measure, types ...string) {
	metrics.Add(m.name, metricMaker{types, order, func(*Scaling) (Metric, error) { return m, nil }})
}

// MetricNames lists the metrics of a task type, the default first.
func MetricNames(typ string) []string {
	var names []string
	for _, n := range metrics.Names() {
		if m, _ := metrics.Get(n); slices.Contains(m.types, typ) {
			names = append(names, n)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, _ := metrics.Get(a)
		y, _ := metrics.Get(b)
		return cmp.Compare(x.order, y.order)
	})
	return names
}

// MetricByName returns a metric of a task type. s is the scale of the training labels,
// which nmae needs; it may be nil for the others. The error, of type [Error], names the
// metrics that there are.
func MetricByName(typ, name string, s *Scaling) (Metric, error) {
	names := MetricNames(typ)
	if !slices.Contains(names, name) {
		e := &Error{Code: "TK194", Msg: "no metric \"" + name + "\" for " + typ, Hint: "have " + strings.Join(names, ", ")}
		if near := schema.Nearest(name, names); near != "" {
			e.Hint = "did you mean " + near + "? Have " + strings.Join(names, ", ")
		}
		return nil, e
	}
	m, err := metrics.Get(name)
	if err != nil {
		return nil, err
	}
	return m.build(s)
}

// MetricOf returns the metric that chooses among models of the task: the option metric,
// else the default of the task type. The scale of the training labels may follow.
func (t *Task) MetricOf(s ...*Scaling) (Metric, error) {
	name := t.Options.Metric
	if name == "" {
		names := MetricNames(t.Type)
		if len(names) == 0 {
			_, err := types.Get(t.Type)
			return nil, err
		}
		name = names[0]
	}
	var scale *Scaling
	if len(s) > 0 {
		scale = s[0]
	}
	return MetricByName(t.Type, name, scale)
}

// width is the number of predictions per label.
func width(truth, predicted []float64) int { return len(predicted) / len(truth) }

// argMax is the position of the largest value, the first of equals.
func argMax(row []float64) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
