package layertable

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
)

// Marks around the section that [Write] owns in a page.
const (
	begin = "<!-- rowlink bench layers: from here on written by the program -->\n"
	end   = "<!-- rowlink bench layers: end -->\n"
)

// Section is the table as Markdown: one table for each task, one line per layer.
func Section(results map[string]map[string]*Result) string {
	var b strings.Builder
	o := Settings("", 0)
	s := Settings(model.Scan, 0)
	fmt.Fprintf(&b, "## All layers on seven tasks\n\nOne training each, seed %d, the same settings for all layers and no tuning: %d channels, fan-out %v, %d epochs of at most %d steps of 256\n"+
		"examples. `scan` samples nothing and runs with its defaults, at most %d epochs. The epoch is chosen on validation; test scores were\n"+
		"printed with every run, and nothing was chosen by them. That is far from trained out, and with one seed differences of some thousandths (AUROC) or some hundredths (MAE) say nothing: the\n"+
		"tables tell what a layer costs, and which one has trouble. Seconds were taken at one thread on a machine that other jobs shared, so the\n"+
		"clock says little: CPU seconds (training with validation) compare, clock seconds (training passes) stand beside them. **Bold**: the best\n"+
		"on validation. `rowlink bench quality` trains longer and compares with other predictors.\n",
		o.Seed, o.Model.Width, o.Model.FanOut, o.Epochs, o.Steps, s.Epochs)
	for _, c := range Cases() {
		writeTask(&b, c.Task, c.Database, c.What(), results)
	}
	b.WriteString("\n`rowlink bench layers --threads 1` measures what is missing and writes this section; `--again` measures all of it anew.\n")
	return b.String()
}

func writeTask(b *strings.Builder, task, database, what string, results map[string]map[string]*Result) {
	var rows []*Result
	var missing []string
	for _, layer := range model.Layers() {
		switch r, why := results[layer][task], tooLarge[task+"/"+layer]; {
		case r != nil:
			rows = append(rows, r)
		case why != "":
			missing = append(missing, layer+" ("+why+")")
		default:
			missing = append(missing, layer)
		}
	}
	if len(rows) == 0 {
		fmt.Fprintf(b, "\n### %s\n\nNot measured.\n", task)
		return
	}
	best := slices.MinFunc(rows, func(x, y *Result) int {
		if x.Val == y.Val {
			return 0
		}
		if (x.Val > y.Val) == x.Higher {
			return -1
		}
		return 1
	})
	r := rows[0]
	fmt.Fprintf(b, "\n### %s\n\n%s (%s; %d, %d, %d examples).\n\n| layer | val %s | test %s | parameters | CPU s | clock s | epoch | measured |\n|---|--:|--:|--:|--:|--:|--:|---|\n",
		task, what, database, r.Examples[0], r.Examples[1], r.Examples[2], r.Metric, r.Metric)
	for _, r := range rows {
		val, test := fmt.Sprintf("%.4f", r.Val), fmt.Sprintf("%.4f", r.Test)
		if r == best {
			val, test = "**"+val+"**", "**"+test+"**"
		}
		epoch := fmt.Sprintf("%d of %d", r.Best, r.Epochs)
		if r.Stopped {
			epoch += ", out of time"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %.1f | %.1f | %s | %s |\n", r.Layer, val, test, r.Parameters, r.CPU, r.Seconds, epoch, strings.TrimSpace(r.Machine.Time.UTC().Format(time.DateOnly)+fmt.Sprintf(" %.7s", r.Machine.Commit)))
	}
	if len(missing) > 0 {
		fmt.Fprintf(b, "\nNot measured: %s.\n", strings.Join(missing, ", "))
	}
}

// Write puts the section into a page, in place of the one that it has, else at its end.
func Write(path string, results map[string]map[string]*Result) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	from, to := bytes.Index(page, []byte(begin)), bytes.Index(page, []byte(end))
	switch {
	case from < 0 && to < 0:
		page = append(page, "\n"+begin+end...)
		from, to = bytes.Index(page, []byte(begin)), bytes.Index(page, []byte(end))
	case from < 0 || to < from:
		return fmt.Errorf("%s has one of the lines %q and %q without the other, or in the wrong order: mend it by hand", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	out := slices.Concat(page[:from], []byte(begin), []byte(Section(results)), page[to:])
	return os.WriteFile(path, out, 0o644)
}
