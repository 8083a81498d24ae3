// Package pgtest owns the throw-away Postgres server of tests: it finds the server
// programs, starts one server on loopback per test process (or takes the one named
// by [Env], so that all test processes share it), hands out empty databases and
// copies of reference data sets, and leaves nothing behind when the process ends,
// however it ends.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/testdata"
)

// The environment variables that tests with a database obey.
const (
	// Env is the URL of a superuser on an existing throw-away server. Tests create
	// and drop databases there. "none" skips the tests that need a server.
	Env = "ROWLINK_TEST_POSTGRES"
	// EnvRequire set to 1 turns the skip of tests without a server into a failure.
	EnvRequire = "ROWLINK_REQUIRE_POSTGRES"
	// EnvLong set to 1 lets repeating tests repeat as often as they were meant to.
	EnvLong = "ROWLINK_TEST_LONG"
)

// Times is how often a test repeats something: short always, long under [EnvLong].
func Times(short, long int) int {
	if os.Getenv(EnvLong) == "1" {
		return long
	}
	return short
}

// shared is the server of this process: started by the first test that needs one.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// server returns the server of this process, or skips the test (fails it under
// [EnvRequire]) when no server programs are installed.
func server(t testing.TB) *Server {
	t.Helper()
	if os.Getenv(Env) == "none" {
		t.Skip(Env + " is none")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		if url := os.Getenv(Env); url != "" {
			shared.server, shared.err = Use(url)
		} else {
			shared.server, shared.err = Start(context.Background())
		}
	}
	switch _, missing := shared.err.(*MissingError); {
	case shared.err == nil:
		return shared.server
	case missing && os.Getenv(EnvRequire) != "1":
		t.Skip(shared.err)
	default:
		t.Fatal(shared.err)
	}
	return nil
}

// Quiet returns a server that no other test process uses, for tests that count what depends
// on the transactions of the whole server: that of this process, or where processes share
// one, another that lives as long as the test.
func Quiet(t testing.TB) *Server {
	t.Helper()
	s := server(t)
	if s.proc != nil {
		return s
	}
	own, err := Start(t.Context())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	return own
}

// New creates an empty database on the server, drops it when the test ends, and returns its
// URL.
func (s *Server) New(t testing.TB) string {
	t.Helper()
	return fresh(t, s, "template1")
}

// Main runs the tests of a package and stops the server before the process ends.
// Without it the server stops by itself a moment after the process.
func Main(m *testing.M) {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// URL returns the URL of a fresh empty database; it is dropped when the test ends.
// The user is a superuser. Without server programs the test is skipped, or fails
// when [EnvRequire] is 1.
func URL(t testing.TB) string {
	t.Helper()
	return fresh(t, server(t), "template1")
}

// LoadF1 returns the URL of a database of the test's own with the Formula 1 tables
// in schema public and RelBench's nine tables rel-f1 in schema relf1.
func LoadF1(t testing.TB) string {
	t.Helper()
	return LoadDataset(t, "f1")
}

// LoadDataset returns the URL of a database of the test's own with the reference
// data set data/<name>: schema.sql, load.sql, then its other scripts by name. The
// first test that asks loads it; the others get copies. The test is skipped where
// the reference data is absent.
func LoadDataset(t testing.TB, name string) string {
	t.Helper()
	folder := testdata.Path(t, "data", name)
	s := server(t)
	template, err := s.template(t.Context(), name, folder)
	if err != nil {
		t.Fatal(err)
	}
	return fresh(t, s, template)
}

// fresh creates a copy of the template database and drops it when the test ends.
func fresh(t testing.TB, s *Server, template string) string {
	t.Helper()
	name := "test_" + rand.Text()
	if err := s.Create(t.Context(), name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

// Create creates a database as a copy of another; nobody may be connected to that one.
func (s *Server) Create(ctx context.Context, name, template string) error {
	return s.maintain(ctx, "create database "+name,
		"CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template))
}

// Drop drops a database together with the connections to it.
func (s *Server) Drop(ctx context.Context, name string) error {
	return s.maintain(ctx, "drop database "+name,
		"DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
}

// maintain runs one statement on a connection of its own to the maintenance database.
func (s *Server) maintain(ctx context.Context, act, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
