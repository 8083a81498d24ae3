// Command rowlink-beam runs the bulk jobs of rowlink (labels, features, scores) on engines
// for many machines, as Apache Beam pipelines. It is a program of its own, so that rowlink
// stays small.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/rowlink/rowlink/beam"
)

func main() {
	if slices.ContainsFunc(os.Args[1:], isWorker) { // an engine started this process: its flags are the SDK's
		flag.Parse()
	}
	beam.Init() // never returns in a worker
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// isWorker tells the flag by which an engine's container starts a worker.
func isWorker(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "worker") }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(errs, "ERROR:  %v\n", err)
		if hint := hintOf(err); hint != "" {
			fmt.Fprintf(errs, "HINT:  %s\n", hint)
		}
	}
	return exitCode(ctx, err)
}
