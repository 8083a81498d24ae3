package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func count(t *testing.T, conn *pgx.Conn, from string) int {
	t.Helper()
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const userTables = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"

func TestURL_isEmptyAndOneOfItsOwn(t *testing.T) {
	a, b := connect(t, URL(t)), connect(t, URL(t))
	if _, err := a.Exec(t.Context(), "CREATE TABLE t (x int)"); err != nil {
		t.Fatal(err)
	}
	if na, nb := count(t, a, userTables), count(t, b, userTables); na != 1 || nb != 0 {
		t.Errorf("tables %d and %d, want 1 and 0", na, nb)
	}
	var encoding, fsync string
	if err := a.QueryRow(t.Context(), "SELECT pg_encoding_to_char(encoding), current_setting('fsync') FROM pg_database WHERE datname = current_database()").Scan(&encoding, &fsync); err != nil {
		t.Fatal(err)
	}
	if encoding != "UTF8" {
		t.Errorf("encoding %s, want UTF8", encoding)
	}
	if os.Getenv(Env) == "" && fsync != "off" {
		t.Errorf("fsync is %s, want off", fsync)
	}
}

func TestURL_isDroppedWhenTheTestEnds(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) {
		url = URL(t)
		// Left open on purpose: the drop must not wait for it.
		if _, err := pgx.Connect(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	})
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(t.Context())
		t.Fatal("the database outlived its test")
	} else if !strings.Contains(err.Error(), "does not exist") {
		t.Fatal(err)
	}
}

func TestURL_needsThePassword(t *testing.T) {
	cfg, err := pgx.ParseConfig(URL(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Password = "wrong"
	if conn, err := pgx.ConnectConfig(t.Context(), cfg); err == nil {
		conn.Close(t.Context())
		t.Fatal("connected with a wrong password")
	}
}

func TestLoadF1_twiceGivesSeparateCopies(t *testing.T) {
	a := connect(t, LoadF1(t))
	// 26,080 results before the cut: shared/reference/relbench.md.
	if n := count(t, a, "relf1.results"); n != 26080 {
		t.Errorf("relf1.results has %d rows, want 26080", n)
	}
	if n := count(t, a, "pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"); n != 21 {
		t.Errorf("%d foreign keys in public, want the 21 of load.sql", n)
	}
	if _, err := a.Exec(t.Context(), "DELETE FROM relf1.results"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, connect(t, LoadF1(t)), "relf1.results"); n != 26080 {
		t.Errorf("second copy has %d rows, want 26080", n)
	}
}

func TestLoadDataset_everyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("loads 60 MB")
	}
	for name, table := range map[string]string{
		"chinook": "track", "northwind": "order_details", "movielens_small": "ratings", "stackexchange_quantum": "votes",
		"stats_partial": "badges", "lahman": `"Batting"`, "pnwflights14": "flights", "completejourney": "promotions",
	} {
		t.Run(name, func(t *testing.T) {
			if n := count(t, connect(t, LoadDataset(t, name)), table); n == 0 {
				t.Errorf("table %s is empty", table)
			}
		})
	}
}

func TestRunScript_inlineCopy(t *testing.T) {
	conn := connect(t, URL(t))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "t.csv"), []byte("a,b\n3,three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "\\set ON_ERROR_STOP on\nCREATE TABLE t (a int,\n  b text);\nCOPY t (a, b) FROM stdin;\n1\tone\n2\t\\N\n\\.\n" +
		"\\copy t (a, b) FROM 't.csv' WITH (FORMAT csv, HEADER true)\nUPDATE t SET b = 'two' WHERE b IS NULL;"
	if err := RunScript(t.Context(), conn, dir, strings.NewReader(script)); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := conn.QueryRow(t.Context(), "SELECT string_agg(a || b, ' ' ORDER BY a) FROM t").Scan(&got); err != nil || got != "1one 2two 3three" {
		t.Errorf("rows %q, error %v", got, err)
	}
}

func TestRunScript_errorsNameTheLine(t *testing.T) {
	conn := connect(t, URL(t))
	for script, want := range map[string]string{
		"SELECT 1;\n\\connect x\n":                         `line 2: "\\connect x" is none of the commands understood`,
		"\n\n\\copy t FROM 'absent.csv'\n":                 "line 3: open ",
		"SELECT 1;\nSELECT nothing;\nCOPY t FROM stdin;\n": "line 3: ERROR: column \"nothing\" does not exist",
	} {
		err := RunScript(t.Context(), conn, t.TempDir(), strings.NewReader(script))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("script %q: error %v, want prefix %s", script, err, want)
		}
	}
}

func TestUse_neverShowsThePassword(t *testing.T) {
	for _, url := range []string{"postgres://u:secret\\x@h/d", "http://u:secret@h/", "host=h password=secret"} {
		if _, err := Use(url); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Use(%q): error %v", url, err)
		}
	}
}

func TestBinaries_missing(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	defer func(p []string) { patterns = p }(patterns)
	patterns = []string{filepath.Join(empty, "*", "bin")}
	_, err := binaries()
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("error %v, want a MissingError", err)
	}
	for _, want := range []string{"apt-get install postgresql", "brew install postgresql@16", Env, patterns[0]} {
		if !strings.Contains(missing.Error(), want) {
			t.Errorf("message %q lacks %q", missing, want)
		}
	}
}

func TestNewest_isByVersionAndComplete(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{"9.6/bin/initdb", "9.6/bin/postgres", "16/bin/initdb", "16/bin/postgres", "17/bin/initdb"} {
		p := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	want := filepath.Join(root, "16", "bin")
	if got := newest([]string{filepath.Join(root, "*", "bin")}); got != want {
		t.Errorf("newest %s, want %s (17 lacks postgres)", got, want)
	}
}

// TestStart_diesWithItsProcess kills a process that holds a server in the hardest
// way and waits for the server and its folder to go.
func TestStart_diesWithItsProcess(t *testing.T) {
	const role = "PGTEST_HOLDER"
	if os.Getenv(role) == "1" {
		s, err := Start(context.Background())
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("ready", s.URL("postgres"), s.proc.dir)
		select {} // until killed
	}
	if _, err := binaries(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStart_diesWithItsProcess$")
	cmd.Env = append(os.Environ(), role+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 || fields[0] != "ready" {
		t.Fatalf("the holder said %q (%v)", line, err)
	}
	connect(t, fields[1])
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, as wanted
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(fields[2]); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("folder %s is still there", fields[2])
		}
	}
	if conn, err := pgx.Connect(t.Context(), fields[1]); err == nil {
		conn.Close(t.Context())
		t.Error("the server outlived its process")
	}
}
