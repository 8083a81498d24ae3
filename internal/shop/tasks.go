package shop

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// TaskFiles holds the texts of the shop's tasks: tasks/*.sql.
//
//go:embed tasks/*.sql
var TaskFiles embed.FS

// The texts of the shop's tasks, with their comments. All share one grid, which ends at [End].
var (
	Churn   = mustTask("churn")   // binary: no order in the next 30 days
	Spend   = mustTask("spend")   // regression: total of the orders in the next 30 days
	Channel = mustTask("channel") // multiclass: channel of the last order in the next 30 days
)

// The first anchors of evaluation in the tasks' texts; each split has three, a
// period apart.
var (
	ValAnchor  = Anchor(Periods - 6)
	TestAnchor = Anchor(Periods - 3)
)

// EvalAnchors is the number of anchors per evaluation split in the tasks' texts.
const EvalAnchors = 3

// TestAttainable returns the examples of task "churn" in its test split.
func (d *Database) TestAttainable() []Example {
	return d.Attainable(Anchor(Periods-3), Anchor(Periods-2), Anchor(Periods-1))
}

// Tasks returns the names of the tasks in order.
func Tasks() []string {
	files, err := fs.Glob(TaskFiles, "tasks/*.sql")
	if err != nil {
		panic("shop: " + err.Error())
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".sql")
	}
	return files
}

func mustTask(name string) string {
	text, err := TaskFiles.ReadFile("tasks/" + name + ".sql")
	if err != nil {
		panic("shop: " + err.Error())
	}
	return string(text)
}
