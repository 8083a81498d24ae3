package rowlink

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// SQL returns a SELECT for PostgreSQL that labels the task and computes the features that SQL
// can compute, and their positions in Names: see [asof.Wide.SQL]. Columns are k1, k2, ... (the
// entity's key), cut, f0, f1, ... The regime must be rolling.
func (f *Features) SQL() (sql string, features []int, err error) {
	task := f.Labels.Task
	if task.Raw != nil || task.Static() || task.Options.Regime == tasks.Frozen || task.Options.ValRegime == tasks.Frozen {
		return "", nil, &ingest.UserError{Msg: "features of this task are not lowered to SQL", Hint: "a target with a window, in the task language, and --regime rolling"}
	}
	grid, err := task.Grid()
	if err != nil {
		return "", nil, err
	}
	labels, err := tql.SQL(task, f.snap.Schema, grid)
	if err != nil {
		return "", nil, err
	}
	key := len(f.Entity.Def.Key)
	columns := []string{"entity AS k1"}
	for i := range key {
		if key > 1 {
			columns = append(columns[:i], fmt.Sprintf("entity_%d AS k%d", i+1, i+1))
		}
	}
	return f.wide.SQL("SELECT "+strings.Join(columns, ", ")+", anchor AS cut FROM (\n"+labels+"\n) l", len(f.snap.Tables))
}
