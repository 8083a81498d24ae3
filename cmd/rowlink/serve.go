package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/server/tracing"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("serve", serveCommand) }

// serve is one run of the server.
type serve struct {
	*app
	opt  server.Options
	only []string
	rows rowCache

	cert, key string // files
	logs      logFlags
	every     time.Duration // between snapshots; 0 = none is taken
	sink      string        // URL of the database for predictions; empty = none
	otlp      string        // URL of a collector of spans; empty = none
	traced    float64       // share of the requests
}

func serveCommand(a *app) *cobra.Command {
	s := &serve{app: a}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer predictions over REST, with a page that shows the tasks and their models",
		Long: `serve opens the workspace's snapshot once, loads the version that prod names of every task, and
answers predictions by key and anchor until it is asked to stop. Other versions are loaded when a
request names them. A promotion, and a new snapshot that rowlink ingest or --refresh-every takes, count
within seconds: requests in flight end as they began.

The server listens on this machine only unless --listen-remote allows an address that others can
reach, which needs TLS and tokens (rowlink tokens). A workspace with tokens asks for them on every
address. SIGTERM and SIGINT drain: accepted requests are
answered, new ones are turned away, and the exit code is 0. A second signal stops at once.`,
		Example: "  rowlink serve --task churn\n  rowlink serve --addr 0.0.0.0:8443 --listen-remote --tls-cert cert.pem --tls-key key.pem",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&s.opt.Addr, "addr", server.DefaultAddr, "host:port to listen on; port 0 takes a free one")
	f.StringVar(&s.opt.AdminAddr, "admin-addr", "", "host:port that alone answers training, tasks, batches and aliases (default: --addr answers them)")
	f.BoolVar(&s.opt.AllowRemote, "listen-remote", false, "allow an --addr that other machines can reach")
	f.StringVar(&s.cert, "tls-cert", "", "file with the certificate and its chain, PEM; a renewed one is taken without a restart")
	f.StringVar(&s.key, "tls-key", "", "file with the certificate's key, PEM")
	f.BoolVar(&s.opt.PlainHTTP, "plain-http", false, "with --listen-remote: no TLS here, a proxy before the server has it")
	f.DurationVar(&s.every, "refresh-every", 0, "read the database again so often, such as 15m; needs --db or DATABASE_URL (default: answer from the workspace's latest snapshot)")
	f.Float64Var(&s.opt.Limits.ClientRate, "client-rate", 0, "requests a second of one client, a token or an address; more get 429 (default: any)")
	f.IntVar(&s.opt.Limits.ClientBurst, "client-burst", 0, "with --client-rate: requests of one client at once (default: twice the rate)")
	f.StringVar(&s.sink, "sink", "", "Postgres that batches may write tables of predictions to, with a role of its own: postgres://writer@host/database (default $"+sinkEnv+")")
	f.StringVar(&s.otlp, "otlp-endpoint", "", "URL of an OpenTelemetry collector that takes spans of requests over OTLP/HTTP (default $OTEL_EXPORTER_OTLP_ENDPOINT; none: nothing is sent)")
	f.Float64Var(&s.traced, "trace-ratio", 1, "with --otlp-endpoint: share of the requests that are traced, of those whose caller does not say")
	s.logs.register(f)
	s.rows.register(f)
	f.StringSliceVar(&s.only, "task", nil, "serve this task only (repeatable; default: all)")
	return cmd
}

// run serves until ctx ends. To be stopped by a signal is how a server ends, so a clean
// drain is no error, also before the first request.
func (s *serve) run(ctx context.Context) error {
	release := context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	defer release()
	err := s.serve(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// spareThreads are those that the program may run on beside the ones that compute: they
// take requests in and send answers and refusals out while every core computes, where the
// operating system lets them go first. On two cores, at three times of what they can
// answer, a refusal took 0.3 ms with them and 380 ms without (docs/serving.md).
const spareThreads = 2

func (s *serve) serve(ctx context.Context) error {
	if s.threads == 0 {
		s.threads = runtime.GOMAXPROCS(0)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(s.threads + spareThreads))
	var err error
	if s.opt.Log, err = s.logs.logger(s.err); err != nil {
		return err
	}
	if s.opt.TLS, err = tlsConfig(s.cert, s.key); err != nil {
		return err
	}
	ws, err := workspace.Open(s.workspace)
	if err != nil {
		return err
	}
	if s.opt.Gatekeeper, err = newGatekeeper(ws, s.opt.Log); err != nil {
		return err
	}
	if s.every < 0 || s.every > 0 && s.url() == "" {
		return usage("", "--refresh-every %s: want a time above 0, and a database named by --db or DATABASE_URL", s.every)
	}
	l := &live{say: s.say}
	s.sink = cmp.Or(s.sink, os.Getenv(sinkEnv))
	process := &jobProcess{workspace: ws.Dir(), threads: s.threads, sink: s.sink, log: s.opt.Log}
	queue, err := jobs.Open(jobsFolder(ws.Dir()), map[string]jobs.Work{"train": process.run, "batch": process.run}, s.opt.Log)
	if err != nil {
		return err
	}
	s.opt.Jobs = queue
	s.opt.Pages = pages.New(l, queue, programVersion()).Pages()
	s.opt.Backend, s.opt.Version, s.opt.Limits.Concurrent = l, programVersion(), s.threads
	endTracing, err := s.trace(ctx)
	if err != nil {
		return err
	}
	defer endTracing()
	srv, err := server.New(s.opt)
	if err != nil {
		return usageError{err}
	}
	if s.app.rows, err = s.rows.options(); err != nil {
		return err
	}
	s.app.rows.Eager = true // a request should not wait for the tables
	only := slices.Compact(slices.Sorted(slices.Values(s.only)))
	l.open = func(ctx context.Context) (*backend, error) {
		db, err := s.open(ctx, false)
		return &backend{db: db, only: only, log: s.opt.Log, threads: s.threads, sink: s.sink != ""}, err
	}
	b, err := l.open(ctx)
	if err != nil {
		return err
	}
	l.swap(b)
	defer l.close()
	if err := s.loadAll(ctx, b); err != nil {
		return err
	}
	ln, err := srv.Listen()
	if err != nil {
		return err
	}
	if err := s.announce(ctx, b, ln.Addr(), srv.AdminAddr()); err != nil {
		return errors.Join(err, ln.Close())
	}
	follow, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { l.follow(follow, followPace, s.changed) })
	if s.every > 0 {
		r := &refresher{every: s.every, url: s.url(), schemas: s.schemas, workspace: ws, say: s.say}
		following.Go(func() { r.run(follow) })
	}
	following.Go(func() { queue.Run(follow) })
	defer following.Wait() // before the snapshot closes
	defer stop()
	return srv.Serve(ctx, ln)
}

// loadAll puts every task that has a prod version into service. One that cannot be loaded
// is said and left out; if none of those that there are can be, that is an error.
func (s *serve) loadAll(ctx context.Context, b *backend) error {
	var faults []error
	loaded := 0
	say := s.changed(b)
	for _, name := range b.only {
		if _, err := b.db.Workspace.Model(name, workspace.Prod); err != nil {
			return usageError{fmt.Errorf("--task %s: %w", name, err)}
		}
	}
	err := b.refresh(ctx, func(task string, err error) {
		say(task, err)
		if err == nil {
			loaded++
		}
		faults = append(faults, err)
	})
	switch {
	case err != nil:
		return err
	case loaded > 0:
		return nil
	case len(faults) > 0:
		return errors.Join(faults...)
	}
	s.say("no task of workspace %q has a version in service yet; rowlink train TASK makes one, or POST /v1/tasks and /v1/tasks/TASK/train", b.db.Workspace.Dir())
	return nil
}

// changed tells people what is in service now.
func (s *serve) changed(b *backend) func(task string, err error) {
	return func(task string, err error) {
		v := b.inService(task)
		switch {
		case err != nil && v != nil:
			s.say("task %s: still version %d: %v", task, v.Version.Version, err)
		case err != nil && task != "":
			s.say("task %s: not in service: %v", task, err)
		case err != nil:
			s.say("promotions cannot be read: %v", err)
		default:
			s.say("task %s: version %d answers (%s, data until %s)", task, v.Version.Version, v.Served, instant(v.dataUntil))
		}
	}
}

// serving is what serve prints with --json once it listens.
type serving struct {
	URL   string        `json:"url"`
	Admin string        `json:"admin_url,omitempty"`
	Tasks []servingTask `json:"tasks"`
}

type servingTask struct {
	Task    string `json:"task"`
	Version string `json:"version"`
	Curl    string `json:"curl"`
}

// announce says where the server listens, with a line to paste.
func (s *serve) announce(ctx context.Context, b *backend, addr, admin net.Addr) error {
	infos, err := b.Tasks(ctx)
	if err != nil {
		return err
	}
	out := serving{URL: "http://" + reachable(addr.String()), Tasks: []servingTask{}}
	if s.opt.TLS != nil {
		out.URL = "https://" + reachable(addr.String())
	}
	for _, t := range infos {
		if t.Serving != "" {
			out.Tasks = append(out.Tasks, servingTask{t.Name, t.Serving, curl(out.URL, t, s.opt.Gatekeeper.Required())})
		}
	}
	ask := ""
	if len(out.Tasks) > 0 {
		ask = "; ask:\n  " + out.Tasks[0].Curl
	}
	s.say("listening on %s: a page at %s/, the API at /openapi.json, metrics at /metrics%s", addr, out.URL, ask)
	if admin != nil {
		out.Admin = strings.SplitAfter(out.URL, "//")[0] + reachable(admin.String())
		s.say("training, tasks, batches and aliases at %s only", out.Admin)
	}
	if s.json {
		return s.print(out, func(io.Writer) error { return nil })
	}
	return nil
}

// reachable returns an address that this machine can call for one to listen on.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// curl returns a shell line that predicts the first example key.
func curl(base string, t server.TaskInfo, token bool) string {
	key, header := "1", ""
	if token {
		header = ` -H "Authorization: Bearer $TOKEN"`
	}
	if len(t.ExampleKeys) > 0 {
		key = strings.ReplaceAll(string(t.ExampleKeys[0]), "'", `'\''`)
	}
	return fmt.Sprintf("curl -s %s/v1/tasks/%s/predict%s -H 'Content-Type: application/json' -d '{\"entities\": [%s]}'", base, url.PathEscape(t.Name), header, key)
}

// programVersion is the version that the Go tool stamped into the program.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	return "dev"
}

// trace opens the way to a collector of spans where one is named.
func (s *serve) trace(ctx context.Context) (end func(), err error) {
	if s.otlp = cmp.Or(s.otlp, os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")); s.otlp == "" {
		return func() {}, nil
	}
	if !(s.traced >= 0 && s.traced <= 1) {
		return nil, usage("", "--trace-ratio is %g, want a share between 0 and 1", s.traced)
	}
	if u, err := url.Parse(s.otlp); err != nil || u.Host == "" {
		return nil, usage("--otlp-endpoint http://127.0.0.1:4318", "--otlp-endpoint is not the URL of a collector")
	}
	if s.opt.Tracer, err = tracing.Open(ctx, tracing.Options{Endpoint: s.otlp, Ratio: s.traced, Version: programVersion(), Log: s.opt.Log}); err != nil {
		return nil, err
	}
	return func() {
		const patience = 5 * time.Second // the last spans are worth a moment, no more
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := s.opt.Tracer.Close(last); err != nil {
			s.opt.Log.Warn("the last spans were not sent", "error", err)
		}
	}, nil
}
