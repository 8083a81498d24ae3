// Command throwpg runs a command beside a throw-away Postgres server:
//
//	go run ./internal/pgtest/throwpg [-load f1,chinook] -- go test ./...
//
// The command finds the server's URL in ROWLINK_TEST_POSTGRES, so that all test
// processes share one server. With -load, each named folder of the reference data
// becomes a database of that name. The server is gone when throwpg ends, however
// it ends; the exit code is the command's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/testdata"
)

func main() {
	load := flag.String("load", "", "comma-separated folders of reference data to load, each into a database of its name")
	data := flag.String("data", "", "folder that holds the data sets (default: data below $"+testdata.Env+", else ../shared/data)")
	check := flag.Bool("check", false, "only say whether the server programs are installed")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: throwpg [flags] -- command [argument ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *check {
		if err := pgtest.Check(); err != nil {
			fmt.Fprintln(os.Stderr, "throwpg:", err)
			os.Exit(1)
		}
		return
	}
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	code, err := run(context.Background(), datasets(*load, *data), flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "throwpg:", err)
	}
	os.Exit(code)
}

// datasets returns the folders named by -load.
func datasets(load, data string) []string {
	if load == "" {
		return nil
	}
	if data == "" {
		base := os.Getenv(testdata.Env)
		if base == "" {
			base = filepath.Join("..", "shared")
		}
		data = filepath.Join(base, "data")
	}
	folders := strings.Split(load, ",")
	for i, f := range folders {
		folders[i] = filepath.Join(data, f)
	}
	return folders
}

func run(ctx context.Context, folders, command []string) (code int, err error) {
	server, err := pgtest.Start(ctx)
	if err != nil {
		return 1, err
	}
	defer func() {
		if stop := server.Stop(); stop != nil {
			code, err = max(code, 1), errors.Join(err, stop)
		}
	}()
	for _, f := range folders {
		if err := server.Create(ctx, filepath.Base(f), "template1"); err != nil {
			return 1, err
		}
		if err := server.Load(ctx, filepath.Base(f), f); err != nil {
			return 1, err
		}
	}
	fmt.Fprintln(os.Stderr, "throwpg: Postgres at", server.Host())
	return child(command, server.URL("postgres"))
}

// child runs the command and passes signals on to it; it ends when the command ends.
func child(command []string, url string) (int, error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), pgtest.Env+"="+url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			// A command that has just ended cannot take the signal; Wait tells.
			_ = cmd.Process.Signal(s)
		case err := <-ended:
			return exitCode(err)
		}
	}
}

// exitCode follows the shell: 128 + signal for a command that a signal ended.
func exitCode(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		if err != nil {
			return 1, err
		}
		return 0, nil
	}
	if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
		return 128 + int(st.Signal()), nil
	}
	return exit.ExitCode(), nil
}
