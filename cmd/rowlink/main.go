// Command rowlink turns a relational database into predictions: it takes a snapshot,
// links the rows into a temporal graph, trains a network for a task written as text,
// and answers on the command line and over REST.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are the three standard streams; data goes to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if bug := recover(); bug != nil {
			fmt.Fprintf(s.err, "BUG:  %v\nHINT:  this is a fault of rowlink; please report it with the command and these lines\n%s", bug, debug.Stack())
			code = exitFailure
		}
	}()
	a := &app{streams: s}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	a.progress.clear()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		report(s.err, err)
	}
	return exitCode(ctx, err)
}
