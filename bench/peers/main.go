// Command peers runs the loads of rowlink bench and the same loads in other engines in
// turn, keeps what they said in bench/out, and writes docs/benchmarks.md from it.
//
//	go run ./bench/peers                       everything (about 40 minutes)
//	go run ./bench/peers -parts kernels,layers  some parts; the others stay as they were
//	go run ./bench/peers -page                 only write the page anew
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/bench/relf1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "ERROR: ", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	parts    string
	rounds   int
	quick    bool
	pageOnly bool
	epochs   int
	rowlink  string
	python   string
	scripts  string
	store    string
	page     string
	f1       string // folder of the rel-f1 CSV files; empty = not there
}

func run(ctx context.Context, args []string) error {
	o := options{scripts: filepath.Join("bench", "peers")}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&o.parts, "parts", "", "parts to measure, separated by commas (default all): "+strings.Join(partNames(), ", "))
	f.IntVar(&o.rounds, "rounds", 3, "how often peer and ours take turns")
	f.BoolVar(&o.quick, "quick", false, "one round of few repetitions, to see that everything works; its figures are rough")
	f.BoolVar(&o.pageOnly, "page", false, "measure nothing, write the page from what is stored")
	f.IntVar(&o.epochs, "epochs", 6, "epochs of the loss curves")
	f.StringVar(&o.rowlink, "rowlink", filepath.Join("bin", "rowlink"), "the program to measure")
	f.StringVar(&o.python, "python", "", "the peers' Python (default: $BENCH_VENV/bin/python, or that of bench/peers/.venv)")
	f.StringVar(&o.store, "store", filepath.Join("bench", "out"), "folder of the raw figures")
	f.StringVar(&o.page, "out", filepath.Join("docs", "benchmarks.md"), "the page")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.quick {
		o.rounds, o.epochs = 1, 1
	}
	if o.rounds < 1 || o.epochs < 1 {
		return fmt.Errorf("%d rounds, %d epochs, want at least 1 of each", o.rounds, o.epochs)
	}
	if o.python == "" {
		venv := os.Getenv("BENCH_VENV")
		if venv == "" {
			venv = filepath.Join(o.scripts, ".venv")
		}
		o.python = filepath.Join(venv, "bin", "python")
	}
	if folder, err := relf1.Folder(); err == nil {
		o.f1 = folder
	} else {
		fmt.Fprintln(os.Stderr, "left out what reads rel-f1:", err)
	}
	s, err := openStore(o.store)
	if err != nil {
		return err
	}
	if !o.pageOnly {
		if err := measure(ctx, o, s); err != nil {
			return err
		}
	}
	return writePage(o, s)
}

// measure runs the chosen parts and stores each as soon as it is whole.
func measure(ctx context.Context, o options, s *store) error {
	names := partNames()
	if o.parts != "" {
		names = strings.Split(o.parts, ",")
	}
	for _, name := range names {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("no part %q (have %s)", name, strings.Join(partNames(), ", "))
		}
		if parts[i].data && o.f1 == "" {
			continue
		}
		result, err := parts[i].measure(ctx, o)
		if err != nil {
			return fmt.Errorf("part %s: %w", name, err)
		}
		if err := s.put(name, result); err != nil {
			return err
		}
	}
	return nil
}
