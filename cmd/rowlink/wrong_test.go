package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// TestExitCode classifies errors also when they are wrapped.
func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("some failure"), exitFailure},
		{usage("", "--x is wrong"), exitUsage},
		{tql.Errors{{Code: "TK101"}}, exitUsage},
		{&tql.Error{Code: "TK101"}, exitUsage},
		{schema.MappingErrors{{Line: 1}}, exitUsage},
		{&schema.MappingError{Line: 1}, exitUsage},
		{&workspace.NotFoundError{Kind: "task"}, exitUsage},
		{&sample.UnknownEdgeError{Name: "orders.id"}, exitUsage},
		{&ingest.UserError{Msg: "no file"}, exitUsage},
		{&tasks.Error{Code: "TK194"}, exitUsage},
		{&tasks.Error{Code: "TK176"}, exitData},
		{&predict.AnchorError{}, exitData},
		{dataError{errors.New("no labels")}, exitData},
		{&ingest.SourceError{Op: "connect", Err: syscall.ECONNREFUSED}, exitDatabase},
		{&fs.PathError{Op: "write", Err: syscall.ENOSPC}, exitResource},
		{context.Canceled, exitInterrupted},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("do something: %w", err)
		}
		if got := exitCode(t.Context(), err); got != c.want {
			t.Errorf("exit code of %T is %d, want %d", c.err, got, c.want)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got := exitCode(stopped, errors.New("the connection was closed")); got != exitInterrupted {
		t.Errorf("an error after the interrupt: exit code %d", got)
	}
}

// canary is a password that must never be printed or written.
const canary = "CaNaRy-7f3a"

// TestPassword_neverShown fails to connect in several ways, and connects: the password
// stands nowhere.
func TestPassword_neverShown(t *testing.T) {
	inShop(t)
	urls := []string{
		"mysql://me:" + canary + "@localhost/shop",
		"postgres://me:" + canary + "@127.0.0.1:1/shop",
		"postgres://me:" + canary + "%zz@127.0.0.1:1/shop",
		"postgres://me:" + canary + "@127.0.0.1:port/shop",
		"postgres://127.0.0.1:1/shop?user=me&password=" + canary,
		"postgres://me:" + canary + "@127.0.0.1:1/shop?connect_timeout=never",
		"host=127.0.0.1 port=1 user=me password=" + canary,
		canary,
	}
	for _, u := range urls {
		for _, command := range []string{"schema", "doctor", "ingest", "train churn.sql --json", "serve"} {
			t.Setenv("DATABASE_URL", u)
			r := rowlinkRun(t.Context(), words(command))
			if r.code != exitUsage && r.code != exitDatabase {
				t.Errorf("%s with %q: exit %d", command, u, r.code)
			}
			if strings.Contains(r.out+r.err, canary) {
				t.Errorf("%s shows the password of %q:\n%s%s", command, u, r.out, r.err)
			}
		}
	}
	for _, name := range subcommands.Names() {
		if r := rowlinkRun(t.Context(), []string{name, "--help"}); strings.Contains(r.out+r.err, canary) {
			t.Errorf("%s --help shows $DATABASE_URL", name)
		}
	}
	searchFiles(t, ".")
}

// searchFiles fails if a file below a folder holds the canary.
func searchFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("the password stands in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPostgres refuses a wrong password with exit code 3, and reads the shop with the
// right one, which stands nowhere afterwards.
func TestPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Postgres server")
	}
	inShop(t)
	owner := pgtest.URL(t)
	if err := shop.Generate(shop.Options{Customers: 60}).WritePostgres(t.Context(), owner, "public"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	right, _ := u.User.Password()
	u.User = url.UserPassword(u.User.Username(), canary)
	for _, command := range []string{"schema", "doctor"} {
		t.Setenv("DATABASE_URL", u.String())
		r := rowlinkRun(t.Context(), words(command))
		if r.code != exitDatabase || !strings.Contains(r.err, "password authentication failed") {
			t.Errorf("%s with a wrong password: exit %d, %s", command, r.code, r.err)
		}
		if strings.Contains(r.out+r.err, canary) {
			t.Errorf("%s shows the wrong password: %s", command, r.err)
		}
	}
	if _, err := os.Stat(".rowlink"); err == nil {
		t.Error("a refused connection left a workspace behind")
	}
	t.Setenv("DATABASE_URL", owner)
	for _, command := range []string{"doctor", "schema", "labels churn.sql --split test", "explain churn.sql --sql"} {
		r := rowlinkRun(t.Context(), words(command))
		if r.code != exitOK || r.out == "" {
			t.Errorf("%s: exit %d, %s", command, r.code, r.err)
		}
		if strings.Contains(r.out+r.err, right) {
			t.Errorf("%s shows the password", command)
		}
	}
	sameLabels(t, owner)
	u.Path = "/nowhere"
	u.User = url.UserPassword(u.User.Username(), right)
	r := rowlinkRun(t.Context(), []string{"schema", "--workspace", "w", "--db", u.String()})
	if r.code != exitDatabase || strings.Contains(r.err, right) || !strings.Contains(r.err, "nowhere") {
		t.Errorf("unknown database: exit %d, %s", r.code, r.err)
	}
}

// sameLabels runs the SELECT of explain --sql and compares it with what labels computes.
func sameLabels(t *testing.T, database string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var rows int
	query := strings.TrimRight(strings.TrimSpace(rowlinkOK(t, "explain churn.sql --sql -q")), ";")
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM ("+query+") q").Scan(&rows); err != nil {
		t.Fatalf("%v in\n%s", err, query)
	}
	if want := strings.Count(rowlinkOK(t, "labels churn.sql -q"), "\n") - 1; rows != want || rows == 0 {
		t.Errorf("the SELECT gives %d rows, labels %d", rows, want)
	}
}

// stopAt cancels when a text is written.
type stopAt struct {
	bytes.Buffer
	text string
	stop context.CancelFunc
}

func (s *stopAt) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.stop()
	}
	return n, err
}

// TestTrain_interrupted stops a training after its first epoch: exit code 130, no
// version, and the next training is whole.
func TestTrain_interrupted(t *testing.T) {
	inShop(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stderr := &stopAt{text: "epoch  1", stop: stop}
	var out bytes.Buffer
	code := run(ctx, words("train churn.sql --db sqlite:shop.db --epochs 50 --fan-out 4,2 --width 8"), streams{strings.NewReader(""), &out, stderr})
	if code != exitInterrupted || out.Len() > 0 {
		t.Errorf("exit %d, stdout %q; want %d and nothing", code, out.String(), exitInterrupted)
	}
	if !strings.HasSuffix(stderr.String(), "interrupted; no result was stored\n") || strings.Contains(stderr.String(), "epoch  3") {
		t.Errorf("stderr\n%s", stderr.String())
	}
	for _, folder := range []string{"models", "tasks"} {
		if files := listing(t, filepath.Join(".rowlink", folder)); files != "no "+filepath.Join(".rowlink", folder)+"\n" && files != "" {
			t.Errorf("left behind:\n%s", files)
		}
	}
	rowlinkOK(t, "train churn.sql --epochs 1 --fan-out 4,2 --width 8 -q")
	if list := decode[[]storedVersion](t, rowlinkOK(t, "models churn --json")); len(list) != 1 || list[0].Version != 1 || list[0].Served == "" || len(list[0].Rows) < 4 {
		t.Errorf("versions %v", list)
	}
}

// TestIngest_interrupted stops before and while the database is read: no snapshot.
func TestIngest_interrupted(t *testing.T) {
	inShop(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, command := range []string{"ingest", "schema", "train churn.sql", "doctor"} {
		r := rowlinkRun(ctx, words(command+" --db sqlite:shop.db"))
		if r.code != exitInterrupted || r.out != "" {
			t.Errorf("%s: exit %d\n%s%s", command, r.code, r.out, r.err)
		}
	}
	if files := listing(t, ".rowlink"); files != "no .rowlink\n" {
		t.Errorf("left behind:\n%s", files)
	}
}

// TestRun_bug turns a panic into a message and exit code 1.
func TestRun_bug(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"labels", "-"}, streams{nil, io.Discard, &stderr}) // no stdin: a nil dereference
	if code != exitFailure || !strings.HasPrefix(stderr.String(), "BUG:  ") || !strings.Contains(stderr.String(), "please report it") {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
}

// TestProgress shows rate and time left, seldom where there is no terminal.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.update("read", 10, 100, "rows")
	p.update("read", 20, 100, "rows")
	if out.Len() > 0 {
		t.Errorf("at once: %q", out.String())
	}
	// 20 rows in 20 s since the first sight, at which 10 were read.
	p.begun["read"], p.last = mark{time.Now().Add(-20 * time.Second), 10}, time.Now().Add(-11*time.Second)
	p.update("read", 30, 100, "rows")
	if got := out.String(); got != "read: 30 of 100 rows (30 %), 1/s, 1m10s left\n" {
		t.Errorf("after a while: %q", got)
	}
	out.Reset()
	p.terminal, p.last = true, time.Now().Add(-time.Second)
	p.update("read", 50, 0, "rows")
	p.say("done")
	if got := out.String(); got != "\r\033[Kread: 50 rows, 2/s\r\033[Kdone\n" {
		t.Errorf("on a terminal: %q", got)
	}
}

// TestJSON runs every listing command with --json: one document, nothing beside it.
func TestJSON(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	for _, c := range []struct {
		command string
		keys    []string
	}{
		{"schema", []string{"tables"}},
		{"explain churn.sql", []string{"task", "type", "hash", "reading", "warnings", "label_hash", "report"}},
		{"explain churn --sql", []string{"task", "hash", "sql"}},
		{"labels churn --split val", []string{"task", "examples", "label_hash"}},
		{"evaluate churn --version 2", []string{"task", "version", "evaluations"}},
		{"predict churn --key 10002", []string{"task", "version", "served", "predictions", "errors"}},
		{"promote churn 2", []string{"alias", "from", "to", "at"}},
		{"rollback churn", []string{"alias", "from", "to", "at"}},
	} {
		document := decode[map[string]any](t, rowlinkOK(t, c.command+" --json"))
		for _, k := range c.keys {
			if _, ok := document[k]; !ok {
				t.Errorf("%s --json has no %q", c.command, k)
			}
		}
	}
}

// TestExplain prints the reading, the hash and the label report; their wording is tested
// where it is written.
func TestExplain(t *testing.T) {
	inShop(t)
	text := rowlinkOK(t, "explain churn.sql --db sqlite:shop.db -q")
	for _, part := range []string{"task churn: binary_classification", "\nentity ", "\ntarget ", "\nregime ", "\nhash ", "\nanchors ", "\nexamples "} {
		if strings.Count(text, part) == 0 {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Errorf("the text ends with %q", text[len(text)-5:])
	}
}

// The list of kernel paths depends on the machine, so that this is no script.
func TestKernels_unknownPath(t *testing.T) {
	r := rowlinkRun(t.Context(), []string{"models", "--kernels", "fpga"})
	if r.code != exitUsage || !strings.Contains(r.err, `--kernels: unknown kernel path "fpga" (have `) {
		t.Errorf("exit code %d, %s; want a usage error that lists the paths", r.code, r.err)
	}
}
