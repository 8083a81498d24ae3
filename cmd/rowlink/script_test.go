package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rowlink/rowlink/internal/shop"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata")

// TestMain runs the tests and removes what they share. A Postgres server that one of them
// started stops by itself when the process ends.
func TestMain(m *testing.M) {
	if os.Getenv(jobEnv) != "" { // a server under test runs a job
		main()
	}
	code := m.Run()
	if once.dir != "" {
		os.RemoveAll(once.dir)
	}
	os.Exit(code)
}

// TestScript plays testdata/script/*.txt. Each file runs in a folder of its own that
// holds the shop as shop.db with its tasks as *.sql, and, if its name begins with
// "stored", the workspace of [trained]. A case is
//
//	=== title
//	$ rowlink explain churn.sql
//	----
//	stdout
//	! stderr
//	exit 2
//
// Beside rowlink there are write FILE (its lines follow, each after "| "), cat FILE,
// files FOLDER, copy FROM TO, remove FILE and sqlite FILE SQL. What changes from run to run and from
// machine to machine is replaced, see [steady]. -update rewrites what is expected.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			inShop(t)
			if strings.HasPrefix(filepath.Base(file), "stored") {
				copyTree(t, trained(t), ".rowlink")
			}
			var out strings.Builder
			for i, text := range strings.Split(string(script), "=== ") {
				if i == 0 {
					out.WriteString(text) // comment
					continue
				}
				ask, want, _ := strings.Cut(text, "----\n")
				title, commands, _ := strings.Cut(ask, "\n")
				got := play(t, commands)
				if want = strings.TrimRight(want, "\n"); got != want && !*update {
					t.Errorf("%s (-want +got):\n%s", title, cmp.Diff(want, got))
				}
				fmt.Fprintf(&out, "=== %s----\n%s\n\n", ask, got)
			}
			if *update {
				if err := os.WriteFile(path, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// inShop makes a new folder with the shop and its tasks the working directory.
func inShop(t *testing.T) {
	t.Helper()
	t.Setenv("DATABASE_URL", "")
	source := smallShop(t)
	t.Chdir(t.TempDir())
	copyFile(t, source, "shop.db")
	for _, name := range shop.Tasks() {
		text, err := shop.TaskFiles.ReadFile("tasks/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+".sql", text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// once holds what tests share: made by the first that asks, removed with its folder.
var once struct {
	sync.Mutex
	dir     string
	shop    string
	trained string
}

// smallShop returns the file of a generated shop of 150 customers.
func smallShop(t *testing.T) string {
	t.Helper()
	once.Lock()
	defer once.Unlock()
	if once.shop != "" {
		return once.shop
	}
	var err error
	if once.dir, err = os.MkdirTemp("", "rowlink-cmd"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(once.dir, "shop.db")
	if err := shop.Generate(shop.Options{Customers: 150}).WriteSQLite(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	once.shop = path
	return path
}

// trained returns a workspace with two versions of task churn, which serve the network
// and the constant.
func trained(t *testing.T) string {
	t.Helper()
	once.Lock()
	defer once.Unlock()
	if once.trained == "" {
		for _, model := range []string{"gnn", "constant"} {
			rowlinkOK(t, "train churn.sql --db sqlite:shop.db --epochs 1 --fan-out 8,4 --model "+model)
		}
		path := filepath.Join(once.dir, "trained")
		copyTree(t, ".rowlink", path)
		if err := os.RemoveAll(".rowlink"); err != nil {
			t.Fatal(err)
		}
		once.trained = path
	}
	return once.trained
}

// rowlinkOK runs a command that must succeed and returns its stdout.
func rowlinkOK(t *testing.T, command string) string {
	t.Helper()
	r := rowlinkRun(t.Context(), words(command))
	if r.code != exitOK {
		t.Fatalf("rowlink %s: exit %d\n%s", command, r.code, r.err)
	}
	return r.out
}

// result is what one command line gave.
type result struct {
	out, err string
	code     int
}

func rowlinkRun(ctx context.Context, args []string) result {
	var out, stderr bytes.Buffer
	code := run(ctx, args, streams{strings.NewReader(""), &out, &stderr})
	return result{out.String(), stderr.String(), code}
}

// play runs the commands of a case and returns what they print.
func play(t *testing.T, commands string) string {
	t.Helper()
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(commands, "\n"), "\n")
	for i, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			if !strings.HasPrefix(line, "|") {
				t.Fatalf("line %q is no command", line)
			}
			continue
		}
		var text strings.Builder
		for _, more := range lines[i+1:] {
			if !strings.HasPrefix(more, "|") {
				break
			}
			text.WriteString(strings.TrimPrefix(strings.TrimPrefix(more, "|"), " ") + "\n")
		}
		w := words(command)
		if w[0] != "rowlink" {
			out.WriteString(tool(t, w, text.String()))
			continue
		}
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), w[1:], streams{strings.NewReader(text.String()), &stdout, &stderr})
		out.WriteString(withEnd(stdout.String()))
		for line := range strings.Lines(withEnd(stderr.String())) {
			out.WriteString("! " + line)
		}
		if code != 0 {
			fmt.Fprintf(&out, "exit %d\n", code)
		}
	}
	return strings.TrimRight(steady(t, out.String()), "\n")
}

// withEnd shows text that does not end its last line.
func withEnd(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "<no line end>\n"
}

// words splits a command at blanks; single quotes keep a word together.
func words(command string) []string {
	var out []string
	for i, part := range strings.Split(command, "'") {
		switch {
		case i%2 == 1:
			out = append(out, part)
		default:
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// tool runs a command of the script that is not rowlink.
func tool(t *testing.T, w []string, text string) string {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatalf("%q: %v", w, err)
		}
	}
	switch w[0] {
	case "write":
		check(os.WriteFile(w[1], []byte(text), 0o600))
	case "cat":
		data, err := os.ReadFile(w[1])
		check(err)
		return string(data)
	case "files":
		return listing(t, w[1])
	case "copy":
		copyFile(t, w[1], w[2])
	case "remove":
		check(os.RemoveAll(w[1]))
	case "sqlite":
		db, err := sql.Open("sqlite", w[1])
		check(err)
		defer db.Close()
		_, err = db.Exec(w[2])
		check(err)
	default:
		t.Fatalf("no command %q", w[0])
	}
	return ""
}

// listing names the files below a folder, in order; a folder that is not there is said.
func listing(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return "no " + dir + "\n"
	}
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&out, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// volatile is what differs between runs, machines and settings of the models, with what
// stands for it.
var volatile = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`taken \d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "taken <time>"},
	{regexp.MustCompile(`rowlink_[a-z2-7]{26}`), "<token>"},
	{regexp.MustCompile(`(predict|read|train|admin) +20\d\d-\d\d-\d\d \d\d:\d\d`), "$1 <time>"},
	{regexp.MustCompile(`trained \d{4}-\d\d-\d\d \d\d:\d\d\n`), "trained <time>\n"},
	{regexp.MustCompile(`(?m)^(task +version +created) +`), "$1  "},
	{regexp.MustCompile(`( \d+) +20\d\d-\d\d-\d\d \d\d:\d\d  `), "$1  <time>  "},
	{regexp.MustCompile(`("(?:created|at|taken)": )"[^"]+"`), `$1"<time>"`},
	{regexp.MustCompile(`labels [0-9a-f]{12}\b`), "labels <hash>"},
	{regexp.MustCompile(`(?m)^.* parameters$`), "<model>"},
	{regexp.MustCompile(`(?m)^.* s/epoch, .*$`), "<speed>"},
	{regexp.MustCompile(`\d[\d.]*m?s, \d+ seeds/s`), "<speed>"},
	{regexp.MustCompile(`\d+\.\d s in all`), "<s> in all"},
	{regexp.MustCompile(`fitted in \d+\.\d s`), "fitted in <s>"},
	{regexp.MustCompile(`labels in \d+\.\d\d s(, \d+\.\d\d ms per anchor)?`), "labels in <s>"},
	{regexp.MustCompile(`"label_seconds": ?[\d.e-]+`), `"label_seconds": <s>`},
	{regexp.MustCompile(`\d+ features, (penalty [\d.e-]+|\d+ rounds, \d+ leaves(, aged examples)?)`), "<settings>"},
	{regexp.MustCompile(`\d\.\d\d [a-z-]+( [a-z-]+)*( \+ \d\.\d\d [a-z-]+( [a-z-]+)*)+(, no gain on unseen anchors)?`), "<weights>"},
	{regexp.MustCompile(`holds \d+\.\d % of test values, mean width [\d.e+]+`), "holds <share> of test values, mean width <width>"},
	{regexp.MustCompile(`(epoch \d+ of \d+), stale examples`), "$1"},
	{regexp.MustCompile(`(the blend's validation [a-z_0-9]+:) .*`), "$1 <parts>"},
	{regexp.MustCompile(`-?\d+\.\d{3,}(e-?\d+)?`), "#.####"},
	{regexp.MustCompile(`\b([0-9a-f]{64}|[0-9a-f]{16})\b`), "<hash>"},
	{regexp.MustCompile(`(#\.####)  +\d\d\d\.\d\b `), "$1  <s>   "}, // as many columns as 0.1 takes
	{regexp.MustCompile(`(#\.####)  +\d\d\.\d\b `), "$1  <s>  "},
	{regexp.MustCompile(`(#\.####)  +\d+\.\d\b`), "$1  <s>"},
	{regexp.MustCompile(`(#\.####(?: ± #\.####)?)  +`), "$1  "},
}

// steady replaces what is volatile.
func steady(t *testing.T, out string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	out = strings.ReplaceAll(out, dir, "$DIR")
	for _, v := range volatile {
		out = v.pattern.ReplaceAllString(out, v.with)
	}
	return out
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestHelp compares the help of every command with testdata/help.
func TestHelp(t *testing.T) {
	for _, name := range append(subcommands.Names(), "rowlink") {
		args := []string{name, "--help"}
		if name == "rowlink" {
			args = []string{"--help"}
		}
		r := rowlinkRun(t.Context(), args)
		if r.code != exitOK || r.err != "" {
			t.Errorf("%s --help: exit %d, stderr %q", name, r.code, r.err)
		}
		file := filepath.Join("testdata", "help", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(r.out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; go test ./cmd/rowlink -run Help -update writes it", err)
			continue
		}
		if r.out != string(want) {
			t.Errorf("%s --help (-want +got); -update accepts it:\n%s", name, cmp.Diff(string(want), r.out))
		}
		for _, part := range []string{"Usage:", "--json"} {
			if !strings.Contains(r.out, part) {
				t.Errorf("%s --help says nothing of %s", name, part)
			}
		}
		if name != "rowlink" && !strings.Contains(r.out, "Examples:") {
			t.Errorf("%s --help gives no example", name)
		}
	}
	files, _ := filepath.Glob("testdata/help/*.txt")
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		if name != "rowlink" && !slices.Contains(subcommands.Names(), name) {
			t.Errorf("%s describes no command", f)
		}
	}
}
