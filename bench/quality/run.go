package quality

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/bench"
	"github.com/rowlink/rowlink/bench/relf1"
)

// Options configures [Run].
type Options struct {
	Data    string         // folder of the reference data, with data/ in it
	Store   string         // folder that keeps what was measured
	Match   *regexp.Regexp // only cases whose name it matches; nil = all
	Fit     rowlink.FitOptions
	Threads int
	OnNote  func(format string, args ...any)
}

// Result is what one case gave, and where.
type Result struct {
	Case    string          `json:"case"`
	Machine bench.Machine   `json:"machine"`
	Report  *rowlink.Report `json:"report"`
	// Networks is the text of the column of that name, where the figure of each network is not
	// known any more.
	Networks string `json:"networks,omitempty"`
}

// Run fits every case and keeps its result in the store as soon as it is there. A
// database that is not on this machine is noted and left out. It returns how many ran.
func Run(ctx context.Context, o Options) (int, error) {
	done := 0
	var skipped string // database whose absence was noted
	for _, c := range Cases() {
		if o.Match != nil && !o.Match.MatchString(c.Name()) {
			continue
		}
		folder := filepath.Join(o.Data, "data", c.Database)
		if _, err := os.Stat(folder); err != nil {
			if skipped != c.Database {
				o.OnNote("%s is left out: no folder %s", c.Database, folder)
				skipped = c.Database
			}
			continue
		}
		r, err := c.run(ctx, folder, o)
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Name(), err)
		}
		if err := r.save(o.Store); err != nil {
			return done, err
		}
		done++
		o.OnNote("%s: %s is served, %.0f s", c.Name(), r.Report.Served, r.Report.Seconds)
	}
	return done, nil
}

// run takes a snapshot of the case's database and fits its task. Nothing of it stays.
func (c Case) run(ctx context.Context, folder string, o Options) (*Result, error) {
	d, err := Open(ctx, folder, o.Threads)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if c.Ranking {
		f, err := d.FitRanking(ctx, c.Text(), &c.Regime)
		if err != nil {
			return nil, err
		}
		return &Result{Case: c.Name(), Machine: bench.ThisMachine(), Report: asReport(f.Report)}, nil
	}
	fit := o.Fit
	fit.Regime = &c.Regime
	f, err := d.Fit(ctx, c.Text(), fit)
	if err != nil {
		return nil, err
	}
	f.Report.Source = "" // a path of this machine
	return &Result{Case: c.Name(), Machine: bench.ThisMachine(), Report: f.Report}, nil
}

// Open takes a snapshot of a database of the reference data.
func Open(ctx context.Context, folder string, threads int) (*rowlink.Database, error) {
	url := "csv:" + folder
	if filepath.Base(folder) == relF1 { // RelBench cuts it and adds times
		dir, err := os.MkdirTemp("", "quality")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "relf1.db")
		if err := relf1.Write(ctx, folder, path); err != nil {
			return nil, err
		}
		url = "sqlite:" + path
	}
	return rowlink.Open(ctx, rowlink.Options{URL: url, Threads: threads})
}
