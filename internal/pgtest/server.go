package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Server is a running Postgres server.
type Server struct {
	base *url.URL // of the maintenance database, with user and password
	proc *process // nil for a server that somebody else runs
	who  *account // that runs it
}

// Options is what a server of [StartWith] has beyond the usual.
type Options struct {
	Settings []string // NAME=VALUE, after the usual ones
	Access   []string // lines in front of pg_hba.conf
}

// Use returns a server that somebody else runs, named by the URL of a superuser.
func Use(rawURL string) (*Server, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// The parse error would repeat the password.
		return nil, fmt.Errorf("%s is no postgres:// URL", Env)
	}
	return &Server{base: u}, nil
}

// URL returns the URL of a database of the server, with user and password.
func (s *Server) URL(database string) string {
	u := *s.base
	u.Path = "/" + database
	return u.String()
}

// Host returns host and port.
func (s *Server) Host() string { return s.base.Host }

// File writes a file beside the data of a server that this process started, such that only
// the server can read it, and returns its path.
func (s *Server) File(name, text string) (string, error) {
	path := filepath.Join(s.proc.dir, name)
	return path, s.who.write(path, text)
}

// Stop stops a server that [Start] started and removes its files.
func (s *Server) Stop() error {
	if s.proc == nil {
		return nil
	}
	return s.proc.stop()
}

// settings trade durability, which a throw-away server does not need, for speed,
// and keep the server quiet and alone on loopback.
var settings = []string{
	"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200",
	"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	"max_wal_size=4GB", "checkpoint_timeout=1h", "shared_buffers=128MB",
	"autovacuum=off", // catalog estimates change only when a test says ANALYZE
	"max_parallel_workers_per_gather=0",
	"wal_level=logical", "max_wal_senders=20", "max_replication_slots=20",
	"timezone=UTC", "log_timezone=UTC",
}

// Check returns the [MissingError] of [Start] without starting anything.
func Check() error {
	_, err := binaries()
	return err
}

// Start starts a server on a free port of loopback with a random password, in a new
// folder for temporary files. The server ends with [Server.Stop] or with this
// process, and its folder goes with it. As root it runs as the user postgres or
// nobody, because Postgres refuses root. A [MissingError] says that there are no
// server programs.
func Start(ctx context.Context) (*Server, error) { return StartWith(ctx, Options{}) }

// StartWith is [Start] with settings of one's own.
func StartWith(ctx context.Context, opt Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := runAs()
	if err != nil {
		return nil, fmt.Errorf("start throw-away Postgres: %w", err)
	}
	password := rand.Text()
	for try := 0; ; try++ {
		s, err := start(ctx, bin, who, password, opt)
		// Another process may take the port between our look and the server's bind.
		if err == nil || try == 2 || !errors.Is(err, errPortTaken) {
			return s, err
		}
	}
}

func start(ctx context.Context, bin string, who *account, password string, opt Options) (_ *Server, err error) {
	dir, err := who.folder()
	if err != nil {
		return nil, fmt.Errorf("start throw-away Postgres: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	data := filepath.Join(dir, "data")
	if err := initdb(ctx, bin, data, who, password); err != nil {
		return nil, err
	}
	if err := who.admit(data, opt.Access); err != nil {
		return nil, err
	}
	proc, port, err := postgres(ctx, bin, dir, who, opt.Settings)
	if err != nil {
		return nil, err
	}
	return &Server{proc: proc, who: who, base: &url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres",
		RawQuery: "sslmode=disable",
	}}, nil
}

// postgres starts the server over dir/data on a free port and waits until it is ready.
func postgres(ctx context.Context, bin, dir string, who *account, more []string) (*process, int, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	data := filepath.Join(dir, "data")
	program := []string{filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port)}
	for _, s := range slices.Concat(settings, more) {
		program = append(program, "-c", s)
	}
	proc, err := launch(dir, who, program...)
	if err != nil {
		return nil, 0, err
	}
	if err := ready(ctx, data, filepath.Join(dir, "log")); err != nil {
		return nil, 0, errors.Join(err, proc.stop())
	}
	return proc, port, nil
}

// admit puts lines in front of pg_hba.conf.
func (a *account) admit(data string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	name := filepath.Join(data, "pg_hba.conf")
	have, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("start throw-away Postgres: %w", err)
	}
	return a.write(name, strings.Join(lines, "\n")+"\n"+string(have))
}

// initdb writes a new cluster: UTF-8, byte order, password login only.
func initdb(ctx context.Context, bin, data string, who *account, password string) error {
	pwfile := filepath.Join(filepath.Dir(data), "password")
	if err := who.write(pwfile, password); err != nil {
		return fmt.Errorf("write the password for initdb: %w", err)
	}
	defer os.Remove(pwfile)
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres",
		"--pwfile", pwfile, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	cmd.Dir = filepath.Dir(data)
	who.apply(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w: %s", err, lastLines(string(out), 5))
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("look for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

var errPortTaken = errors.New("the port was taken by another process")

// startLimit is generous: initdb is done by then, but a loaded machine may be slow.
const startLimit = 60 * time.Second

// ready waits until the server accepts connections, as its pid file says, or ends
// with what its log says.
func ready(ctx context.Context, data, log string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid")); err == nil {
			// Line 8 is the state of the postmaster.
			if lines := strings.Split(string(pid), "\n"); len(lines) > 7 && slices.Contains([]string{"ready", "standby"}, strings.TrimSpace(lines[7])) {
				return nil
			}
		}
		text, _ := os.ReadFile(log) // absent until the server starts
		switch {
		case strings.Contains(string(text), "could not bind"):
			return errPortTaken
		case strings.Contains(string(text), "FATAL:"):
			return fmt.Errorf("start Postgres: %s", lastLines(string(text), 5))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for Postgres: %w: %s", ctx.Err(), lastLines(string(text), 5))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
