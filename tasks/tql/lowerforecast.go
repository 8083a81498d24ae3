package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// mostColumns is the most timeframes that one SELECT can hold: PostgreSQL allows 1,664
// columns of an intermediate result.
const mostColumns = 1500

// series is the target of a forecast: an array with the label of each timeframe.
func (l *lowering) series(here place) string {
	var parts []string
	for _, a := range l.task.Targets() {
		parts = append(parts, l.expr(here, a).cast("float8").sql)
	}
	return "ARRAY[" + strings.Join(parts, ", ") + "]"
}

// checkSeries refuses a forecast of more timeframes than a SELECT has columns.
func checkSeries(task *tasks.Task) error {
	if n := task.Frames(); n > mostColumns {
		return fmt.Errorf("lower to SQL: %d timeframes, and one SELECT has at most %d", n, mostColumns)
	}
	return nil
}
