package tasks

import (
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/internal/registry"
)

// Type is a kind of answer: what a head puts out for it, how far that is from the truth,
// and what it means. Losses and decoding are plain functions of numbers; a trainer hands
// their gradients to its engine.
type Type interface {
	// Outputs is the number of raw outputs per example.
	Outputs(s *Scaling) int
	// Loss returns the mean loss of n examples and stores its gradient. out and grad are
	// n x Outputs, row-major; target has n labels, as [LabelTable.Truth] gives them.
	Loss(s *Scaling, out, target, grad []float64) float64
	// Decode turns raw outputs into predictions, n x Outputs: the probability of the
	// positive class, the value, or the probability of each class.
	Decode(s *Scaling, out []float64) []float64
}

var types = registry.New[Type]("task type")

// TypeOf returns the task type of that name.
func TypeOf(name string) (Type, error) { return types.Get(name) }

// TypeNames lists the task types.
func TypeNames() []string { return types.Names() }

// Scaling is what training labels say about the scale of the answers. It is stored with
// the model.
type Scaling struct {
	Center  float64  `json:"center"` // median of the training labels
	Scale   float64  `json:"scale"`  // mean distance from it, above 0
	Low     float64  `json:"low"`    // 2nd percentile: values are clipped to [Low, High]
	High    float64  `json:"high"`   // 98th percentile
	Std     float64  `json:"std"`    // standard deviation (n-1), the divisor of nMAE
	Classes []string `json:"classes,omitempty"`
	Frames  int      `json:"frames,omitempty"` // timeframes of a forecast
}

// maxClasses is the most classes of a multiclass task (code TK177).
const maxClasses = 1000

// FitScaling reads the training labels of a table. The error, of type [Error], names a
// table without them, with one class only (TK176) or with too many classes (TK177).
func FitScaling(l *LabelTable) (*Scaling, error) {
	y := l.truths(Train)
	if len(y) == 0 {
		return nil, &Error{Code: "TK133", Msg: fmt.Sprintf("task %s has no training examples", l.Task.Name), Hint: "check WHERE, the window and data_from with rowlink explain"}
	}
	slices.Sort(y)
	if !Quantity(l.Task.Type) && l.Task.Type != Multilabel && y[0] == y[len(y)-1] {
		return nil, &Error{Code: "TK176", Msg: fmt.Sprintf("all %d training labels of task %s are %s", len(y), l.Task.Name, className(l, y[0])),
			Hint: "widen the window, change the condition, or choose other anchors"}
	}
	if n := len(l.Classes); n > maxClasses {
		return nil, tooMany(l.Task, n, maxClasses)
	}
	s := &Scaling{Center: y[len(y)/2], Low: y[len(y)*2/100], High: y[(len(y)-1)*98/100], Std: deviation(y), Classes: l.Classes}
	if l.Task.Forecast != nil {
		s.Frames = l.Task.Forecast.Frames
	}
	for _, v := range y {
		s.Scale += math.Abs(v-s.Center) / float64(len(y))
	}
	if s.Scale == 0 {
		s.Scale = 1
	}
	return s, nil
}

func tooMany(t *Task, n, most int) *Error {
	return &Error{Code: "TK177", Msg: fmt.Sprintf("task %s has %d classes, want at most %d", t.Name, n, most), Hint: "group the rare values, or predict a number"}
}

func className(l *LabelTable, y float64) string {
	if l.Classes != nil {
		return fmt.Sprintf("%q", l.Classes[int(y)])
	}
	return map[float64]string{0: "false", 1: "true"}[y]
}
