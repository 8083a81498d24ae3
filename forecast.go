package rowlink

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// FrameScores are values of the metric that chooses, one per timeframe of a forecast.
type FrameScores struct {
	Val  []*float64 `json:"val"`
	Test []*float64 `json:"test"` // nil where the metric is not defined
}

// byFrame measures what is served in each timeframe of a forecast.
func (f *Fitted) byFrame() {
	if f.Task.Forecast == nil {
		return
	}
	served := f.outcomes[f.Report.Served]
	test := served[tasks.Test]
	if f.refitted != nil {
		test = f.refitted
	}
	f.Report.Frames = &FrameScores{Val: served[tasks.Val].byFrame(f.Report.metric), Test: test.byFrame(f.Report.metric)}
}

// byFrame computes a metric for each timeframe apart.
func (o *Outcome) byFrame(m tasks.Metric) []*float64 {
	if o == nil {
		return nil
	}
	out := make([]*float64, o.frames)
	for frame := range out {
		out[frame] = o.where(func(i int) bool { return i%o.frames == frame }).score(m).Value
	}
	return out
}

// mostShown is how many timeframes a printed line names.
const mostShown = 12

func (s *FrameScores) text(w io.Writer, metric string) {
	line := func(name string, values []*float64) {
		var parts []string
		for i, v := range values {
			if i == mostShown {
				parts = append(parts, fmt.Sprintf("... (%d in all)", len(values)))
				break
			}
			x := math.NaN()
			if v != nil {
				x = *v
			}
			parts = append(parts, fmt.Sprintf("%.4f", x))
		}
		fmt.Fprintf(w, "%s %s by timeframe: %s\n", name, metric, strings.Join(parts, ", "))
	}
	line("val", s.Val)
	if len(s.Test) > 0 {
		line("test", s.Test)
	}
}
