// Read measures how fast a Postgres table becomes a finished snapshot, beside what the
// client of the server itself needs to read the same rows and throw them away:
//
//	go run ./bench/read -db postgres://postgres@localhost/scratch -rows 5e6 -rounds 3
//
// It makes the tables bench_customers and bench_orders (7 columns) in that database unless
// they are there with as many rows, and leaves them. In each round psql copies the table to
// /dev/null and rowlink reads both tables into a new workspace, one after the other; each
// is a process of its own. The server works on the same machine, so what counts beside
// seconds is processor time. Last the snapshot is opened again. With -python NAME each round
// ends with pg_dump and the tools of peers.py, which says what that Python must have. With
// -probe it measures what others notice: a writer to the same table, and an ALTER TABLE.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/postgres"
)

func main() {
	url := flag.String("db", os.Getenv("DATABASE_URL"), "URL of a database in which tables may be made")
	rows := flag.Float64("rows", 5e6, "rows of the large table")
	rounds := flag.Int("rounds", 3, "times that each is measured")
	workspace := flag.String("workspace", "", "only read into this folder, in this process")
	python := flag.String("python", "", "a Python with the tools of peers.py; empty = without them")
	profile := flag.String("cpuprofile", "", "file for the processor profile of -workspace")
	others := flag.Bool("probe", false, "measure what a writer and an ALTER TABLE notice of a read, instead")
	flag.Parse()
	var err error
	if *others {
		err = probe(context.Background(), *url, int64(*rows), *rounds)
	} else if *workspace != "" {
		err = read(context.Background(), *url, *workspace, *profile)
	} else {
		err = measure(context.Background(), *url, int64(*rows), *rounds, *python)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "read:", err)
		os.Exit(1)
	}
}

// used is what a process took.
type used struct {
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	PeakMB  float64 `json:"peak_mb,omitempty"` // resident memory besides mapped files
}

// round is one pass over both readers.
type round struct {
	Psql    used    `json:"psql"`
	Rowlink used    `json:"rowlink"`
	Ratio   float64 `json:"ratio"`        // seconds of psql / seconds of rowlink
	Rate    float64 `json:"rows_per_s"`   // of rowlink
	Open    float64 `json:"open_seconds"` // of the stored snapshot, the second time
}

func measure(ctx context.Context, url string, rows int64, rounds int, python string) error {
	if err := tables(ctx, url, rows); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for range rounds {
		var r round
		if r.Psql, err = run(exec.Command("psql", url, "-qc", `\copy bench_orders to /dev/null (format binary)`)); err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "read-*")
		if err != nil {
			return err
		}
		var peak strings.Builder
		reader := exec.Command(self, "-db", url, "-workspace", dir)
		reader.Stdout = &peak
		r.Rowlink, err = run(reader)
		r.Rowlink.PeakMB, _ = strconv.ParseFloat(strings.TrimSpace(peak.String()), 64) // 0: the system does not tell
		if err == nil {
			r.Open, err = reopen(dir)
		}
		os.RemoveAll(dir)
		if err != nil {
			return err
		}
		r.Ratio, r.Rate = r.Psql.Seconds/r.Rowlink.Seconds, float64(rows)/r.Rowlink.Seconds
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
		if python == "" {
			continue
		}
		if err := peers(python, url); err != nil {
			return err
		}
	}
	return nil
}

func run(cmd *exec.Cmd) (u used, err error) {
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return u, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	u.Seconds = time.Since(start).Seconds()
	u.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return u, nil
}

// read is what rowlink ingest does. It prints the largest memory besides mapped files, in MB.
func read(ctx context.Context, url, workspace, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := context.WithCancel(ctx)
	peak := make(chan float64)
	go func() { peak <- watch(ctx) }()
	defer func() {
		cancel()
		fmt.Printf("%.1f\n", <-peak)
	}()
	d, err := rowlink.Open(ctx, rowlink.Options{URL: url, Workspace: workspace, Fresh: true})
	if err != nil {
		return err
	}
	return d.Close()
}

// watch returns the largest anonymous memory that the process had until ctx ended, in MB; 0
// where /proc does not tell.
func watch(ctx context.Context) (most float64) {
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		data, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(data)) {
			if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
				kb, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
				most = max(most, kb/1024)
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return most
		case <-tick.C:
		}
	}
}

// reopen returns the seconds until a stored snapshot can be used, the second time.
func reopen(workspace string) (float64, error) {
	found, err := filepath.Glob(filepath.Join(workspace, "snapshots", "*", "manifest.json"))
	if err != nil || len(found) != 1 {
		return 0, fmt.Errorf("%d snapshots in %s: %w", len(found), workspace, err)
	}
	var seconds float64
	for range 2 {
		start := time.Now()
		s, err := ingest.OpenSnapshot(filepath.Dir(found[0]))
		if err != nil {
			return 0, err
		}
		seconds = time.Since(start).Seconds()
		if err := s.Close(); err != nil {
			return 0, err
		}
	}
	return seconds, nil
}

// tables makes the tables unless they are there.
func tables(ctx context.Context, url string, rows int64) error {
	have, err := exec.CommandContext(ctx, "psql", url, "-XAtqc", "SELECT count(*) FROM bench_orders").Output()
	if err == nil && strings.TrimSpace(string(have)) == strconv.FormatInt(rows, 10) {
		return nil
	}
	cmd := exec.CommandContext(ctx, "psql", url, "-Xqv", "ON_ERROR_STOP=1", "-v", fmt.Sprintf("rows=%d", rows))
	cmd.Stdin, cmd.Stderr = strings.NewReader(makeTables), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	return nil
}

const makeTables = `DROP TABLE IF EXISTS bench_orders, bench_customers;
CREATE TABLE bench_customers (id int PRIMARY KEY, name text NOT NULL, joined timestamptz NOT NULL);
INSERT INTO bench_customers SELECT i, 'customer ' || i, timestamptz '2015-01-01' + i * interval '10 minutes' FROM generate_series(1, 100000) i;
CREATE TABLE bench_orders (id bigint PRIMARY KEY, customer_id int NOT NULL, at timestamptz NOT NULL,
 amount double precision, quantity int NOT NULL, status text NOT NULL, paid boolean NOT NULL);
INSERT INTO bench_orders SELECT i, 1 + i * 7919 % 100000, timestamptz '2020-01-01' + i * interval '11 seconds',
 CASE WHEN i % 50 <> 0 THEN (i * 37 % 100003)::float8 / 100 END, 1 + i % 9,
 (ARRAY['new','paid','shipped','returned','lost'])[1 + i % 5], i % 3 = 0 FROM generate_series(1::bigint, :rows) i;
ALTER TABLE bench_orders ADD FOREIGN KEY (customer_id) REFERENCES bench_customers;
VACUUM ANALYZE bench_orders, bench_customers;
`
