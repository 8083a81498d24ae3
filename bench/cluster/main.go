// Command cluster computes how long work takes on many workers, from what a core was measured
// to do: by division for the sizes, and by a simulation of slow workers, hot keys and killed
// processes. Nothing here runs on a cluster; the page docs/scale.md says what is measured.
//
//	go run ./bench/cluster                        the tables of docs/scale.md
//	go run ./bench/cluster -stages mine.json      with rates of your own
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

// Stage is one kind of work and what a core was measured to do of it.
type Stage struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`   // what is counted: fact rows or entities
	Per    float64 `json:"per"`    // units per fact row
	Rate   float64 `json:"rate"`   // units per second of processor time
	Shared bool    `json:"shared"` // done by many workers; else by one machine
	Bytes  float64 `json:"bytes"`  // that a fact row takes on disk, or in a shuffle
	Source string  `json:"source"` // where the rate comes from
}

//go:embed stages.json
var measured []byte

func main() {
	path := flag.String("stages", "", "JSON file of stages (default: those that were measured)")
	flag.Parse()
	if err := run(*path, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, out io.Writer) error {
	data := measured
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return err
		}
	}
	var stages []Stage
	if err := json.Unmarshal(data, &stages); err != nil {
		return fmt.Errorf("read stages: %w", err)
	}
	if err := sizes(out, stages); err != nil {
		return err
	}
	return scenarios(out)
}

// cores of a worker in the tables.
const cores = 4

// sizes prints the hours of each stage by size.
func sizes(out io.Writer, stages []Stage) error {
	fmt.Fprintln(out, "| stage | counted | per second and core | 10^9 rows | 10^10 rows | 10^11 rows |\n|---|---|---|---|---|---|")
	for _, s := range stages {
		if s.Rate <= 0 {
			return fmt.Errorf("stage %q has no rate", s.Name)
		}
		fmt.Fprintf(out, "| %s | %s | %.3g |", s.Name, s.Unit, s.Rate)
		for _, rows := range []float64{1e9, 1e10, 1e11} {
			hours := rows * s.Per / s.Rate / 3600
			fmt.Fprintf(out, " %s", span(hours))
			if s.Shared {
				fmt.Fprintf(out, "; 100 workers: %s", span(hours/(100*cores)))
			}
			fmt.Fprint(out, " |")
		}
		fmt.Fprintln(out)
	}
	return nil
}

// span prints hours of processor time.
func span(hours float64) string {
	if hours < 1 {
		return fmt.Sprintf("%.2g min", hours*60)
	}
	return fmt.Sprintf("%.3g h", hours)
}

// scenarios prints what slow workers, hot keys and kills cost.
func scenarios(out io.Writer) error {
	fmt.Fprintln(out, "\n| what goes wrong | shards | 4 workers | 16 | 64 | 100 |\n|---|---|---|---|---|---|")
	for _, c := range cases {
		for _, per := range []int{1, 10, 100} {
			fmt.Fprintf(out, "| %s | %d a worker%s |", c.name, per, map[bool]string{true: ", shared out beforehand"}[c.Static])
			for _, workers := range []int{4, 16, 64, 100} {
				w := c.World
				w.Workers, w.Shards = workers, per*workers
				fmt.Fprintf(out, " %.2f |", w.Mean(50))
			}
			fmt.Fprintln(out)
		}
	}
	return nil
}

// cases are the worlds of the table. Times are in units of what each worker would do of the
// whole if nothing went wrong.
var cases = []struct {
	name string
	World
}{
	{"nothing", World{}},
	{"a tenth of the workers runs at a third of the speed", World{Slow: .1, SlowBy: 3}},
	{"the same", World{Slow: .1, SlowBy: 3, Static: true}},
	{"shard costs spread by a factor of 2 (lognormal)", World{Spread: .7}},
	{"each worker is killed once on average, taken over after 1 % of the time", World{Kills: 1, Takeover: .01}},
	{"one key has 2 % of all rows and cannot be cut", World{Hot: .02}},
}
