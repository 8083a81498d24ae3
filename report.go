package rowlink

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tasks"
)

// Report says how a task's predictors did: the network never stands alone. It is printed
// as text and stored as JSON.
type Report struct {
	Task       string          `json:"task"`
	Type       string          `json:"type"`
	Reading    string          `json:"reading"`
	Regime     string          `json:"regime"`
	ValRegime  string          `json:"val_regime"`
	Metric     string          `json:"metric"` // chooses between predictors, on validation
	Snapshot   string          `json:"snapshot"`
	Source     string          `json:"source"`
	LabelHash  string          `json:"label_hash"`
	Examples   [3]int          `json:"examples"`           // train, val, test
	Served     string          `json:"served"`             // name of the row that answers
	LeftOut    []string        `json:"left_out,omitempty"` // predictors that were not fitted, with the reason
	Notes      []string        `json:"notes,omitempty"`    // what to know before believing the figures
	Known      *Score          `json:"known,omitempty"`    // on test, of what is served: entities with a training label
	New        *Score          `json:"new,omitempty"`      // and those without
	Blocks     []BlockReport   `json:"earlier_blocks,omitempty"`
	Refit      *Row            `json:"refit,omitempty"` // what is served, fitted anew with validation examples; it is what is stored
	Rows       []Row           `json:"rows"`            // the simplest first
	Choice     blend.Choice    `json:"choice"`          // why it is served; empty where it was named
	Blend      *blend.Weighing `json:"blend,omitempty"`
	Honesty    *Honesty        `json:"honesty,omitempty"`
	Frames     *FrameScores    `json:"by_frame,omitempty"` // of a forecast: what is served, timeframe by timeframe
	Members    []Row           `json:"members,omitempty"`  // of an ensemble: each network alone
	Model      string          `json:"model"`
	Parameters int             `json:"parameters"`
	Ensemble   int             `json:"ensemble"`                // networks whose predictions are averaged
	Scans      int             `json:"scan_ensemble,omitempty"` // the same of the layer scan beside them
	Weights    string          `json:"weights_sha256"`
	Kernel     string          `json:"kernel"`
	Seed       uint64          `json:"seed"`

	Epochs          []train.Epoch `json:"epochs"`
	BestEpoch       int           `json:"best_epoch"`
	SecondsPerEpoch float64       `json:"seconds_per_epoch"`
	SeedsPerSecond  float64       `json:"seeds_per_second"`
	Seconds         float64       `json:"seconds"`
	PeakBytes       int64         `json:"peak_bytes"` // largest resident memory of the process; 0 = unknown

	scaling *tasks.Scaling
	metric  tasks.Metric
	err     error
}

// Row is one predictor's scores by metric.
type Row struct {
	Name    string  `json:"name"`
	Setting string  `json:"setting"`
	Val     Scores  `json:"val"`
	Test    Scores  `json:"test"`
	Errors  Scores  `json:"standard_errors"` // of the metric that chooses, by split
	Seconds float64 `json:"seconds"`
}

// Scores are metric values by name; what is not defined is null in JSON.
type Scores map[string]float64

// MarshalJSON writes NaN as null.
func (s Scores) MarshalJSON() ([]byte, error) {
	out := map[string]*float64{}
	for k, v := range s {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out[k] = nil
			continue
		}
		out[k] = &v
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads null as NaN.
func (s *Scores) UnmarshalJSON(data []byte) error {
	var in map[string]*float64
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*s = Scores{}
	for k, v := range in {
		(*s)[k] = math.NaN()
		if v != nil {
			(*s)[k] = *v
		}
	}
	return nil
}

func newReport(d *Database, f *Fitted) *Report {
	o := &f.Task.Options
	r := &Report{Task: f.Task.Name, Type: f.Task.Type, Reading: f.Task.Reading, Regime: o.Regime.String(), ValRegime: o.ValRegime.String(),
		Snapshot: d.Snap.ID, Source: d.Source, LabelHash: f.labelHash, Examples: f.Labels.Report.Examples, Notes: f.drawn}
	if r.scaling, r.err = tasks.FitScaling(f.Labels); r.err != nil {
		return r
	}
	if r.metric, r.err = f.Task.MetricOf(r.scaling); r.err == nil {
		r.Metric = r.metric.Name()
	}
	return r
}

func (r *Report) finish(start time.Time) {
	r.Seconds = time.Since(start).Seconds()
	r.PeakBytes = peakBytes()
}

// Text prints the comparison for people.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "task %s: %s, regime %s (validation %s), %d/%d/%d examples, metric %s\n", r.Task, r.Type, r.Regime, r.ValRegime,
		r.Examples[0], r.Examples[1], r.Examples[2], r.Metric)
	fmt.Fprintf(w, "%s\n\n", r.Model)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "predictor\tval %s\ttest %s\tseconds\tsetting\n", r.Metric, r.Metric)
	for _, row := range r.Rows {
		served := ""
		if row.Name == r.Served {
			served = "  <- served"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.1f\t%s%s\n", row.Name, row.figure(row.Val, r.Metric, tasks.Val), row.figure(row.Test, r.Metric, tasks.Test), row.Seconds, row.Setting, served)
	}
	for _, row := range r.Members {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%.1f\t%s\n", row.Name, row.figure(row.Val, r.Metric, tasks.Val), row.figure(row.Test, r.Metric, tasks.Test), row.Seconds, row.Setting)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, line := range r.LeftOut {
		fmt.Fprintf(w, "left out: %s\n", line)
	}
	r.partsText(w)
	if r.Frames != nil {
		r.Frames.text(w, r.Metric)
	}
	if len(r.Blocks) > 0 {
		if err := r.blocksText(w); err != nil {
			return err
		}
	}
	if c := r.Choice; c.Name != c.Best {
		fmt.Fprintf(w, "%s is served, not %s, which is ahead by %.4f on validation with a standard error of %.4f: the simpler of equals\n", c.Name, c.Best, c.Behind, c.Error)
	}
	if r.Refit != nil {
		fmt.Fprintf(w, "%s, %s: test %s %s; this is what is stored\n", r.Refit.Name, r.Refit.Setting, r.Metric, r.Refit.figure(r.Refit.Test, r.Metric, tasks.Test))
	}
	fmt.Fprint(w, r.coldText())
	if r.Honesty != nil {
		r.Honesty.text(w)
	}
	for _, line := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", line)
	}
	_, err := fmt.Fprintf(w, "\n%.2f s/epoch, %.0f seeds/s, %.1f s in all, peak %.0f MB, kernels %s, seed %d, weights %.12s\n",
		r.SecondsPerEpoch, r.SeedsPerSecond, r.Seconds, float64(r.PeakBytes)/1e6, r.Kernel, r.Seed, r.Weights)
	return err
}

// figure is a metric with its standard error where there is one.
func (row *Row) figure(s Scores, metric string, split tasks.Split) string {
	if e, ok := row.Errors[split.String()]; ok && !math.IsNaN(e) {
		return fmt.Sprintf("%.4f ± %.4f", s[metric], e)
	}
	return fmt.Sprintf("%.4f", s[metric])
}

// partsText prints what each part adds to the blend: what validation says without it.
func (r *Report) partsText(w io.Writer) {
	if r.Blend == nil || r.Blend.Blend == nil {
		return
	}
	var parts []string
	for i, name := range r.Blend.Blend.Names {
		parts = append(parts, fmt.Sprintf("%.4f without %s", r.Blend.Without[i], name))
	}
	fmt.Fprintf(w, "the blend's validation %s: %s\n", r.Metric, strings.Join(parts, ", "))
}

// blocksText prints the scores of earlier validation blocks beside the last.
func (r *Report) blocksText(w io.Writer) error {
	fmt.Fprintf(w, "\nvalidation %s in %d blocks, whose mean chooses:\n", r.Metric, len(r.Blocks)+1)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "predictor\tlast")
	for _, b := range r.Blocks {
		fmt.Fprintf(tw, "\tfrom %s (%d)", time.UnixMicro(b.ValAnchor).UTC().Format(time.DateOnly), b.Examples)
	}
	fmt.Fprintln(tw)
	for _, row := range r.Rows {
		if _, ok := r.Blocks[0].Scores[row.Name]; !ok {
			continue
		}
		fmt.Fprintf(tw, "%s\t%.4f", row.Name, row.Val[r.Metric])
		for _, b := range r.Blocks {
			fmt.Fprintf(tw, "\t%.4f", b.Scores[row.Name])
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}
