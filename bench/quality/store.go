package quality

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/bench"
)

// fileOf is the file of a case in a store.
func fileOf(dir, name string) string {
	return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".json")
}

func (r *Result) save(dir string) error { return bench.Keep(fileOf(dir, r.Case), r) }

// check refuses a file that is no result.
func (r *Result) check() error {
	if r.Report == nil {
		return errors.New("it has no report")
	}
	return nil
}

// Measured is what a page is made of.
type Measured struct {
	Results []*Result // in the order of [Cases]; nil for cases that never ran
	Peers   map[string]Peer
}

// memory is the form of the file beside a page.
type memory struct {
	Results []*Result       `json:"results"`
	Peers   map[string]Peer `json:"lightgbm"`
}

// Load reads what a store has, and for what it lacks the file beside a page, where there is
// one: a store lies on the machine that measured, the page's file travels with the page.
func Load(dir, beside string) (*Measured, error) {
	before, _, err := bench.Kept(beside, func(*memory) error { return nil })
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = &memory{}
	}
	out := &Measured{Peers: map[string]Peer{}}
	maps.Copy(out.Peers, before.Peers)
	found, err := peers(dir)
	if err != nil {
		return nil, err
	}
	maps.Copy(out.Peers, found)
	for _, c := range Cases() {
		r, _, err := bench.Kept(fileOf(dir, c.Name()), (*Result).check)
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(before.Results, func(b *Result) bool { return b.Case == c.Name() }); r == nil && at >= 0 {
			r = before.Results[at]
		}
		out.Results = append(out.Results, r)
	}
	return out, nil
}

// Keep writes what a page shows into the file beside it.
func (m *Measured) Keep(path string) error {
	out := memory{Peers: m.Peers}
	for _, r := range m.Results {
		if r != nil {
			out.Results = append(out.Results, &Result{Case: r.Case, Machine: r.Machine, Report: shown(r.Report), Networks: r.Networks})
		}
	}
	return bench.Keep(path, out)
}

// shown is what of a report a page shows.
func shown(r *rowlink.Report) *rowlink.Report {
	out := &rowlink.Report{Task: r.Task, Type: r.Type, Regime: r.Regime, ValRegime: r.ValRegime, Metric: r.Metric, Examples: r.Examples, Served: r.Served,
		Seconds: r.Seconds, PeakBytes: r.PeakBytes}
	only := func(row rowlink.Row) rowlink.Row {
		row.Val, row.Test = rowlink.Scores{r.Metric: row.Val[r.Metric]}, rowlink.Scores{r.Metric: row.Test[r.Metric]}
		return row
	}
	for _, row := range r.Rows {
		out.Rows = append(out.Rows, only(row))
	}
	for _, row := range r.Members {
		out.Members = append(out.Members, only(row))
	}
	if r.Refit != nil {
		again := only(*r.Refit)
		out.Refit = &again
	}
	return out
}
