package main

import (
	"fmt"
	"io"
	"math"
)

// evaluationDocument is what evaluate prints with --json.
type evaluationDocument struct {
	Task      string           `json:"task"`
	Type      string           `json:"type"`
	Version   int              `json:"version"`
	Alias     string           `json:"alias,omitempty"`
	Served    string           `json:"served"`
	Snapshot  string           `json:"snapshot"`
	LabelHash string           `json:"label_hash"`
	AsTrained bool             `json:"labels_as_trained"`
	Rounds    int              `json:"bootstrap_rounds"`
	Parts     []evaluationPart `json:"evaluations"`
}

func (e *evaluation) document() any {
	return evaluationDocument{e.Version.Task, e.Task.Type, e.Version.Version, e.alias, e.Served, e.Snap.ID, e.labels.Hash(), e.asTrained(), bootstrapRounds, e.parts}
}

// text prints one table per split: a row for each metric, a column for each predictor.
func (e *evaluation) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\nsnapshot %s, labels %.12s\n", e.origin().title(e.Task.Type), e.Snap.ID, e.labels.Hash())
	for _, p := range e.parts {
		fmt.Fprintf(w, "\n%s: %d examples, %s, regime %s\n", p.Split, p.Examples, p.span(), p.Regime)
		if p.UnseenClass > 0 {
			fmt.Fprintf(w, "%d labels left out: training never saw their class\n", p.UnseenClass)
		}
		header := "metric"
		for _, s := range p.Scores {
			header += "\t" + s.Name
			if s.Served {
				header += " (served)"
			}
		}
		rows := []string{header}
		for _, m := range e.metrics {
			row := m.Name()
			for _, s := range p.Scores {
				row += "\t" + plusMinus(s.Metrics[m.Name()], s.Errors[m.Name()])
			}
			rows = append(rows, row)
		}
		if err := table(w, rows...); err != nil {
			return err
		}
		fmt.Fprintf(w, "± is the standard error of %d draws of %s\n", bootstrapRounds, p.drawn())
	}
	return nil
}

// span names the anchors.
func (p *evaluationPart) span() string {
	if p.Anchors == 1 {
		return "anchor " + p.First
	}
	return fmt.Sprintf("%d anchors (%s .. %s)", p.Anchors, p.First, p.Last)
}

func (p *evaluationPart) drawn() string {
	if p.Bootstrap == "examples" {
		return "examples, as if those of the one anchor were independent"
	}
	return "whole anchors"
}

func plusMinus(v, e float64) string {
	switch {
	case math.IsNaN(v):
		return "undefined"
	case math.IsNaN(e):
		return fmt.Sprintf("%.4f", v)
	}
	return fmt.Sprintf("%.4f ± %.4f", v, e)
}
