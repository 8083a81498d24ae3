package quality

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

//go:embed tasks/*.sql
var texts embed.FS

// Case is a task in one regime of evaluation.
type Case struct {
	Task     string // name of the task and of its file
	Database string // folder below data/ of the reference data
	Regime   tasks.Regime
	Goal     Goal
	Ranking  bool // link prediction, whose predictors are others
}

// Goal is what published results set, in the metric of the task; 0 = nothing.
type Goal struct {
	Floor, Goal, Published float64
}

// relF1 is the database of RelBench's tasks, which is made of data/f1.
const relF1 = "f1"

// Cases are all tasks in all their regimes. Goals are on the test split.
func Cases() []Case {
	roll, frozen := tasks.Rolling, tasks.Frozen
	return []Case{
		{"driver_position", relF1, roll, Goal{2.52, 2.40, 2.417}, false},
		{"driver_dnf", relF1, roll, Goal{0.837, 0.845, 0.843}, false},
		{"driver_top3", relF1, roll, Goal{0.932, 0.938, 0.936}, false},
		{"driver_position", relF1, frozen, Goal{3.80, 3.52, 3.53}, false},
		{"driver_dnf", relF1, frozen, Goal{0.735, 0.765, 0.759}, false},
		{"driver_top3", relF1, frozen, Goal{0.867, 0.90, 0.878}, false},
		{"results_position", relF1, roll, Goal{0.90, 0.93, 0.927}, false},
		{"qualifying_position", relF1, roll, Goal{0.55, 0.61, 0.607}, false},
		{"driver_circuit_compete", relF1, roll, Goal{0.870, 0.890, 0.880}, true},
		{"stats_post_again", "stats_partial", roll, Goal{}, false},
		{"stats_badge", "stats_partial", roll, Goal{}, false},
		{"stats_avg_views", "stats_partial", roll, Goal{}, false},
		{"quantum_upvotes", "stackexchange_quantum", roll, Goal{}, false},
		{"quantum_comments_received", "stackexchange_quantum", roll, Goal{}, false},
		{"lahman_hr", "lahman", roll, Goal{}, false},
		{"lahman_franchise_hr", "lahman", roll, Goal{}, false},
		{"journey_baskets", "completejourney", roll, Goal{}, false},
		{"journey_sales", "completejourney", roll, Goal{}, false},
		{"journey_redeem", "completejourney", roll, Goal{}, false},
		{"journey_sales_up", "completejourney", roll, Goal{}, false},
	}
}

// Name names the case: task/regime.
func (c Case) Name() string { return c.Task + "/" + c.Regime.String() }

// Text is the text of the task.
func (c Case) Text() string {
	text, err := texts.ReadFile(path.Join("tasks", c.Task+".sql"))
	if err != nil {
		panic(fmt.Sprintf("quality: no text of task %s: %v", c.Task, err)) // a test reads all of them
	}
	return string(text)
}

// What says in words what is predicted: the comment above the task.
func (c Case) What() string {
	first, _, _ := strings.Cut(c.Text(), "\n")
	_, words, _ := strings.Cut(first, ": ")
	return words
}
