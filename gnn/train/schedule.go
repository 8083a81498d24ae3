package train

import (
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/internal/registry"
)

// schedules are the ways in which the step size goes from the first step to step total.
var schedules = registry.New[func(rate float64, total int) nn.Schedule]("schedule")

func init() {
	// A short linear warm-up, then half a cosine to a twentieth.
	schedules.Add("cosine", func(rate float64, total int) nn.Schedule {
		warm := min(20, total/10+1)
		return nn.Cosine(rate, rate/20, warm, max(total, warm+1))
	})
	schedules.Add("constant", func(rate float64, _ int) nn.Schedule { return nn.ConstantRate(rate) })
}

// Schedules lists the names for Options.Schedule.
func Schedules() []string { return schedules.Names() }
