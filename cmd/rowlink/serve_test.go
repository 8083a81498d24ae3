package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/internal/shop"
)

// trainedShop generates a small shop, takes its snapshot and trains "churn" by the command
// line: version 1, in service, is a network; version 2 is a baseline.
func trainedShop(t testing.TB) (workspace string, made *shop.Database) {
	t.Helper()
	dir := t.TempDir()
	made = shop.Generate(shop.Options{Customers: 150})
	if err := made.WriteSQLite(t.Context(), filepath.Join(dir, "shop.db")); err != nil {
		t.Fatal(err)
	}
	task := filepath.Join(dir, "churn.sql")
	if err := os.WriteFile(task, []byte(shop.Churn), 0o644); err != nil {
		t.Fatal(err)
	}
	workspace = filepath.Join(dir, "workspace")
	command(t, "ingest", "--db", "sqlite:"+filepath.Join(dir, "shop.db"), "--workspace", workspace)
	command(t, "train", task, "--workspace", workspace, "--epochs", "1", "--model", "gnn", "--fan-out", "8,4")
	command(t, "train", "churn", "--workspace", workspace, "--epochs", "1", "--model", "entity mean", "--fan-out", "2")
	return workspace, made
}

// command runs one command line that must succeed, and returns what it prints.
func command(t testing.TB, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &err}); code != exitOK {
		t.Fatalf("rowlink %s: exit code %d\n%s", strings.Join(args, " "), code, &err)
	}
	return out.String()
}

// lockedBuffer collects what concurrent writers say.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server under test.
type running struct {
	serving
	stderr *lockedBuffer
	stop   func() // as a signal does
	code   chan int
	client *http.Client
}

// startServer runs "rowlink serve" in this process, on a free port.
func startServer(t testing.TB, workspace string, flags ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, write := io.Pipe()
	r := &running{stderr: &lockedBuffer{}, stop: cancel, code: make(chan int, 1), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	go func() {
		code := run(ctx, append([]string{"serve", "--json", "--addr", "127.0.0.1:0", "--workspace", workspace}, flags...), streams{nil, write, r.stderr})
		_ = write.Close()
		r.code <- code
	}()
	if err := json.NewDecoder(stdout).Decode(&r.serving); err != nil {
		t.Fatalf("rowlink serve said no address (%v):\n%s", err, r.stderr)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return r
}

// ask sends one request; with a body it is a POST of JSON.
func (r *running) ask(path, body string) (status int, answer string, err error) {
	var resp *http.Response
	if body == "" {
		resp, err = r.client.Get(r.URL + path)
	} else {
		resp, err = r.client.Post(r.URL+path, "application/json", strings.NewReader(body))
	}
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// answer is what the tests read of a prediction.
type answer struct {
	Model       struct{ Version, Alias string }
	Anchor      time.Time
	DataUntil   time.Time `json:"data_until"`
	Regime      string
	Predictions []struct {
		Index       int
		Entity      int64
		Prediction  bool
		Probability *float64
		Eligible    bool
		Explanation *struct {
			Method, Note string
			Score        float64
			Items        []struct {
				Table, Path, Key string
				Rows             int
				Time             time.Time
				Effect           float64
			}
		}
	}
	Errors []struct {
		Index        int
		Code, Detail string
	}
}

func (r *running) predict(t testing.TB, query, body string) answer {
	t.Helper()
	return r.predictOf(t, "churn", query, body)
}

func (r *running) predictOf(t testing.TB, task, query, body string) (a answer) {
	t.Helper()
	status, text, err := r.ask("/v1/tasks/"+task+"/predict"+query, body)
	if err == nil {
		err = json.Unmarshal([]byte(text), &a)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("predict %s %s: %d %s %v", query, body, status, text, err)
	}
	return a
}

func TestServe(t *testing.T) {
	workspace, made := trainedShop(t)
	leaks := goleak.IgnoreCurrent()
	r := startServer(t, workspace)
	t.Run("paths", func(t *testing.T) { testPaths(t, r) })
	t.Run("rows", func(t *testing.T) { testRows(t, r, made) })
	t.Run("numbers", func(t *testing.T) { testNumbers(t, r, workspace) })
	t.Run("versions", func(t *testing.T) { testVersions(t, r) })
	t.Run("oip", func(t *testing.T) { testOIP(t, r, made) })
	t.Run("stderr", func(t *testing.T) {
		for _, want := range []string{"task churn: version 1 answers (gnn, data until 2025-01-01)", "listening on 127.0.0.1:", r.Tasks[0].Curl} {
			if !strings.Contains(r.stderr.String(), want) {
				t.Errorf("stderr lacks %q:\n%s", want, r.stderr)
			}
		}
	})
	t.Run("promotions", func(t *testing.T) { testPromotions(t, workspace) })
	t.Run("swaps", func(t *testing.T) { testSwaps(t, workspace) })
	t.Run("drain", func(t *testing.T) { testDrain(t, r) })
	r.client.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
	if !testing.Short() {
		t.Run("program", func(t *testing.T) { testProgram(t, workspace) })
	}
}

// testPaths asks every path, and for every kind of refusal.
func testPaths(t *testing.T, r *running) {
	const churn = "/v1/tasks/churn/predict"
	for _, c := range []struct {
		path, body string
		status     int
		want       string // in the answer
	}{
		{"/", "", 200, "explore predictions"},
		{"/healthz", "", 200, `"live"`},
		{"/readyz", "", 200, `"ready"`},
		{"/openapi.json", "", 200, `"openapi": "3.1.0"`},
		{"/metrics", "", 200, `rowlink_data_staleness_seconds{task="churn",version="1"}`},
		{"/v1/tasks", "", 200, `"metric":"roc_auc","serving":"1"`},
		{"/v1/tasks/churn", "", 200, `"entity":"customers","key":["customer_id"],"key_types":["int"],"example_keys":[`},
		{"/v1/tasks/nosuch", "", 404, "have churn"},
		{"/v1/models", "", 200, `"aliases":["prod"]`},
		{"/v1/models/churn", "", 200, `"decayed entity mean":{"test":{`},
		{churn, `{"entities":["x"]}`, 200, `"code":"TK400"`},
		{churn, `{"entities":[424242424242]}`, 200, `"detail":"no customers row with key 424242424242"`},
		{churn, `{"entities":[1],"anchor":"1999-01-01T00:00:00Z"}`, 422, `"hint":"leave it out to predict at the end of the data, 2025-01-01T00:00:00Z","pointer":"/anchor"`},
		{churn, `{"entities":[1`, 400, `"line":1,"column":14`},
		{churn, `{"entities":[1],"at":1}`, 422, `unknown field \"at\"`},
		{churn + "?version=99", `{"entities":[1]}`, 404, `have 1, 2, prod`},
		{churn + "?version=prod", `{"entities":[1]}`, 404, `?alias= a name`},
		{churn + "?alias=beta", `{"entities":[1]}`, 404, `no version \"beta\"`},
		{"/v1/query", `{"query":"PREDICT COUNT(orders.*, 0, 30, days) FOR customers.customer_id IN (10002, 1)","interval":0.9}`, 200, `"entity":10002,"prediction":`},
		{"/v1/query", `{"query":"PREDICT COUNT(orders.*, 0, 30, days) FOR customers.customer_id IN (10002, 1)"}`, 200, `"code":"TK404","detail":"no customers row with key`},
		{"/v1/query", `{"query":"PREDICT COUNT(orders.*, 0, 30, days) FOR customers.customer_id = 10002 AT 1999-01-01"}`, 422, `"code":"TK`},
		{"/v1/query", `{"query":"PREDICT SUM(orders.totl, 0, 30, days)\n FOR EACH custmers"}`, 422, `"pointer":"/query","line":2`},
		{"/v1/tasks/chrn/predict", `{"entities":[1]}`, 404, `did you mean \"churn\"?`},
		{"/v1/tasks/..%2F..%2Fx/predict", `{"entities":[1]}`, 404, `have churn`},
	} {
		status, text, err := r.ask(c.path, c.body)
		if err != nil || status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s: %d, want %d with %s\n%s %v", c.path, c.body, status, c.status, c.want, text, err)
		}
	}
	resp, err := r.client.Post(r.URL+churn, "text/plain", strings.NewReader("1"))
	if err != nil || resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Fatalf("text/plain: %v %v, want 415", resp, err)
	}
	resp.Body.Close()
}

// testRows asks for keys that have no answer beside one that has, with reasons.
func testRows(t *testing.T, r *running, made *shop.Database) {
	late, early := made.Customers[0], made.Customers[0]
	for _, c := range made.Customers {
		if c.SignedUpAt.After(late.SignedUpAt) {
			late = c
		}
		if c.SignedUpAt.Before(early.SignedUpAt) {
			early = c
		}
	}
	anchor := late.SignedUpAt.Add(-time.Second)
	a := r.predict(t, "", fmt.Sprintf(`{"entities":[%d,"?",%d,-1],"anchor":%q,"explain":{"top":5}}`, late.ID, early.ID, anchor.Format(time.RFC3339)))
	if !a.Anchor.Equal(anchor) || !a.DataUntil.Equal(shop.End) || a.Regime != "rolling" || a.Model.Version != "1" || a.Model.Alias != "prod" {
		t.Errorf("answer %+v, want anchor %s, data until %s, version 1 by prod, rolling", a, anchor, shop.End)
	}
	codes := ""
	for _, e := range a.Errors {
		codes += fmt.Sprintf("%d:%s ", e.Index, e.Code)
	}
	if codes != "0:TK409 1:TK400 3:TK404 " {
		t.Errorf("errors %+v", a.Errors)
	}
	if want := fmt.Sprintf("customers %d is known from %s on", late.ID, instant(late.SignedUpAt.UnixMicro())); !strings.HasPrefix(a.Errors[0].Detail, want) {
		t.Errorf("detail %q, want %q", a.Errors[0].Detail, want)
	}
	if want := `no customers row with key "?" (bigint expected)`; a.Errors[1].Detail != want {
		t.Errorf("detail %q, want %q", a.Errors[1].Detail, want)
	}
	if len(a.Predictions) != 1 || a.Predictions[0].Entity != early.ID || a.Predictions[0].Index != 2 {
		t.Fatalf("predictions %+v, want one for customer %d", a.Predictions, early.ID)
	}
	p := a.Predictions[0]
	if p.Explanation == nil || p.Explanation.Method != "occlusion" || p.Explanation.Score != *p.Probability || len(p.Explanation.Items) == 0 {
		t.Fatalf("explanation %+v", p.Explanation)
	}
	single := false
	for i, item := range p.Explanation.Items {
		if i > 0 && math.Abs(item.Effect) > math.Abs(p.Explanation.Items[i-1].Effect) {
			t.Errorf("item %d is larger than the one before: %+v", i, p.Explanation.Items)
		}
		if item.Time.After(anchor) {
			t.Errorf("item %+v lies after the anchor %s", item, anchor)
		}
		single = single || !item.Time.IsZero()
	}
	if !single {
		t.Errorf("no item of a single row with its time: %+v", p.Explanation.Items)
	}
}

// testNumbers compares with the predictor and with the command line: every eligible key,
// alone and in one batch, by several clients at once, at two anchors.
func testNumbers(t *testing.T, r *running, workspace string) {
	d, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: workspace})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := d.Load(t.Context(), "churn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	customers := d.Snap.Tables[l.Task.Entity]
	for _, anchor := range []int64{l.DataUntil, shop.TestAnchor.UnixMicro()} {
		rows, err := l.All(t.Context(), anchor)
		if err != nil {
			t.Fatal(err)
		}
		want, err := l.Predict(t.Context(), rows, anchor, 0)
		if err != nil || len(want) < 20 {
			t.Fatalf("%d eligible customers: %v", len(want), err)
		}
		at := ""
		if anchor != l.DataUntil {
			at = fmt.Sprintf(`,"anchor":%q`, instantJSON(anchor))
		}
		keys := make([]string, len(rows))
		for i, row := range rows {
			keys[i] = customers.KeyText(row)
		}
		batch := r.predict(t, "", fmt.Sprintf(`{"entities":[%s]%s}`, strings.Join(keys, ","), at))
		compare(t, batch, want)
		printed := answer{}
		out := command(t, "predict", "churn", "--all", "--json", "--quiet", "--at", instantJSON(anchor), "--workspace", workspace)
		if err := json.Unmarshal([]byte(out), &printed); err != nil {
			t.Fatal(err)
		}
		compare(t, printed, want)
		var next atomic.Int64
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(rows); i = int(next.Add(1)) - 1 {
					one := answer{}
					status, text, err := r.ask("/v1/tasks/churn/predict", fmt.Sprintf(`{"entities":[%s]%s}`, keys[i], at))
					if err == nil {
						err = json.Unmarshal([]byte(text), &one)
					}
					if err != nil || status != http.StatusOK {
						t.Errorf("customer %s: %d %s %v", keys[i], status, text, err)
						return
					}
					compare(t, one, want[i:i+1])
				}
			})
		}
		clients.Wait()
	}
}

func compare(t *testing.T, a answer, want []predict.Prediction) {
	t.Helper()
	const tolerance = 1e-6
	if len(a.Predictions) != len(want) || len(a.Errors) > 0 {
		t.Errorf("%d predictions, %d errors, want %d predictions", len(a.Predictions), len(a.Errors), len(want))
		return
	}
	for i, p := range a.Predictions {
		if math.Abs(*p.Probability-*want[i].Probability) > tolerance || p.Prediction != want[i].Value || !p.Eligible {
			t.Errorf("entity %d: %v %g, want %v %g", p.Entity, p.Prediction, *p.Probability, want[i].Value, *want[i].Probability)
		}
	}
}

// testVersions asks for a version that is not in service.
func testVersions(t *testing.T, r *running) {
	key := r.example(t)
	a := r.predict(t, "?version=2", fmt.Sprintf(`{"entities":[%s],"explain":{"top":3}}`, key))
	if a.Model.Version != "2" || a.Model.Alias != "" {
		t.Errorf("model %+v, want version 2", a.Model)
	}
	if e := a.Predictions[0].Explanation; e == nil || e.Method != "none" || !strings.Contains(e.Note, `"entity mean"`) {
		t.Errorf("explanation %+v, want a note that there is none", e)
	}
	if a := r.predict(t, "?alias=latest", `{"entities":[`+key+`]}`); a.Model.Version != "2" || a.Model.Alias != "latest" {
		t.Errorf("model %+v, want version 2 by latest", a.Model)
	}
	if a := r.predict(t, "?alias=prod", `{"entities":[`+key+`]}`); a.Model.Version != "1" {
		t.Errorf("model %+v, want version 1 by prod", a.Model)
	}
}

// example is the key of the curl line.
func (r *running) example(t testing.TB) string {
	t.Helper()
	_, rest, _ := strings.Cut(r.Tasks[0].Curl, `"entities": [`)
	key, _, ok := strings.Cut(rest, "]")
	if !ok || !strings.HasPrefix(r.Tasks[0].Curl, "curl -s "+r.URL+"/v1/tasks/churn/predict ") {
		t.Fatalf("curl line %q", r.Tasks[0].Curl)
	}
	return key
}

// load is clients that send slow requests one after the other until they are turned away.
type load struct {
	stopping atomic.Bool  // the server was asked to stop
	answered atomic.Int64 // requests
	outlived atomic.Int64 // of them, those that were under way when the server was asked to stop
	clients  sync.WaitGroup
}

func (r *running) load(t *testing.T) *load {
	const rows, clients = 80, 4 // long enough that some are always under way
	body := `{"entities":[` + strings.Repeat(r.example(t)+",", rows-1) + r.example(t) + `],"explain":{"top":1}}`
	l := &load{}
	for range clients {
		l.clients.Go(func() {
			for {
				early := !l.stopping.Load()
				status, text, err := r.ask("/v1/tasks/churn/predict", body)
				stopping := l.stopping.Load()
				switch {
				case err == nil && status == http.StatusOK && strings.Count(text, `"method":"occlusion"`) == rows:
					l.answered.Add(1)
					if early && stopping {
						l.outlived.Add(1)
					}
				case stopping && (err == nil && status == http.StatusServiceUnavailable || errors.Is(err, syscall.ECONNREFUSED)):
					return
				default:
					t.Errorf("request under way, stopping %t: %d %v %.200s", stopping, status, err, text)
					return
				}
			}
		})
	}
	waitUntil(t, "a request is answered", func() bool { return l.answered.Load() > 0 || t.Failed() })
	return l
}

// check waits for the clients and demands that the drain dropped nothing.
func (l *load) check(t *testing.T) {
	l.clients.Wait()
	if l.outlived.Load() == 0 {
		t.Errorf("%d requests were answered, none was under way when the server was asked to stop", l.answered.Load())
	}
}

// testDrain stops the server while requests are being answered.
func testDrain(t *testing.T, r *running) {
	l := r.load(t)
	l.stopping.Store(true)
	r.stop()
	l.check(t)
	if code := <-r.code; code != exitOK {
		t.Errorf("exit code %d after a drain\n%s", code, r.stderr)
	}
	if status, _, err := r.ask("/healthz", ""); err == nil {
		t.Errorf("the server still answers: %d", status)
	}
}

func waitUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s until %s", what)
		}
	}
}

// programArgs is the environment variable under which this test binary is rowlink: its
// arguments, one per line.
const programArgs = "ROWLINK_TEST_ARGS"

// TestProgram is rowlink in a process of its own: what a test that starts this binary with
// programArgs runs. Building the program would take longer than all tests.
func TestProgram(t *testing.T) {
	args, ok := os.LookupEnv(programArgs)
	if !ok {
		t.Skip("this is for other tests to start")
	}
	os.Args = append([]string{"rowlink"}, strings.Split(args, "\n")...)
	main()
}

// testProgram runs the program in a process of its own and stops it by signals.
func testProgram(t *testing.T, workspace string) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestProgram$")
			cmd.Env = append(os.Environ(), programArgs+"=serve\n--json\n--addr\n127.0.0.1:0\n--workspace\n"+workspace)
			r := &running{stderr: &lockedBuffer{}, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
			cmd.Stderr = r.stderr
			stdout, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }()
			if err := json.NewDecoder(stdout).Decode(&r.serving); err != nil {
				t.Fatalf("no address (%v):\n%s", err, r.stderr)
			}
			l := r.load(t)
			l.stopping.Store(true)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			l.check(t)
			if err := cmd.Wait(); err != nil {
				t.Errorf("after %s: %v\n%s", sig, err, r.stderr)
			}
		})
	}
}

func TestServe_refuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--addr", "0.0.0.0:0"}, exitUsage, "--listen-remote"},
		{[]string{"--addr", "here"}, exitUsage, "host:port"},
		{[]string{}, exitUsage, "holds no snapshot"},
	} {
		var errs bytes.Buffer
		args := append([]string{"serve", "--workspace", t.TempDir()}, c.args...)
		if code := run(t.Context(), args, streams{nil, io.Discard, &errs}); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: exit code %d, want %d with %q\n%s", c.args, code, c.code, c.want, &errs)
		}
	}
}

// BenchmarkServe_oneKey is one prediction over loopback on a kept connection.
func BenchmarkServe_oneKey(b *testing.B) {
	workspace, _ := trainedShop(b)
	r := startServer(b, workspace)
	body := `{"entities":[` + r.example(b) + `]}`
	b.ReportAllocs()
	for b.Loop() {
		r.predict(b, "", body)
	}
	r.stop()
	<-r.code
}
