package main

import (
	"fmt"
	"strings"
)

// table prints the results in Markdown: per stage microseconds of processor time per
// unit of work, and the largest memory besides mapped files.
func table(results []Result) string {
	var b strings.Builder
	b.WriteString("| links | snapshot MB | graph MB | limit MB |")
	if len(results) > 0 {
		for _, s := range results[0].Stages {
			fmt.Fprintf(&b, " %s, s (CPU s) |", s.Name)
		}
	}
	b.WriteString(" peak MB besides files |\n|---|---|---|---|" + strings.Repeat("---|", len(stages(results))+1) + "\n")
	for _, r := range results {
		limit := "none"
		if r.LimitMB > 0 {
			limit = fmt.Sprint(r.LimitMB)
		}
		fmt.Fprintf(&b, "| %.0e | %.1f | %.1f | %s |", float64(r.Links), r.SnapshotMB, r.GraphMB, limit)
		peak := 0.0
		for _, s := range r.Stages {
			fmt.Fprintf(&b, " %.2f (%.2f) |", s.Seconds, s.CPU)
			peak = max(peak, s.AnonMB)
		}
		fmt.Fprintf(&b, " %.0f |\n", peak)
	}
	return b.String()
}

// stages are those of the first result; all results have the same.
func stages(results []Result) []Stage {
	if len(results) == 0 {
		return nil
	}
	return results[0].Stages
}
