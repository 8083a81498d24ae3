// Package server answers predictions over HTTP: entity keys and an anchor come in as
// JSON, predictions, eligibility and explanations go out. It owns the paths and their
// OpenAPI document, the limits, the admission of requests, the errors as
// problem+json (RFC 9457), the metrics, and the page at /. What it needs from the rest
// of rowlink is [Backend].
//
// A request passes, in this order: request id and recovery, drain check, route,
// admission, body and its limits, a free place, the backend, the check of the answer.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/server/tracing"
)

// DefaultAddr is where a server listens when no address is given: this machine only.
const DefaultAddr = "127.0.0.1:8080"

// Options configures a server. Only Backend is required.
type Options struct {
	Backend Backend
	Addr    string // host:port; empty means DefaultAddr
	// AdminAddr answers everything too, and then it alone answers operations of the scopes
	// train and admin; empty = Addr answers them.
	AdminAddr string
	// AllowRemote permits an address that other machines can reach. It needs TLS, or
	// PlainHTTP, and a Gatekeeper that requires tokens.
	AllowRemote bool
	PlainHTTP   bool        // to other machines too, for what stands behind a proxy that has TLS
	TLS         *tls.Config // nil = plain HTTP
	Gatekeeper  Gatekeeper  // nil = whoever reaches the address may do everything
	// Jobs runs trainings and batches; nil = there are none. The backend must be a [Planner].
	Jobs *jobs.Queue
	// Pages are what people see; nil = a line of text at /.
	Pages []Page
	// Ready says why predictions cannot be answered yet; nil means always ready.
	Ready   func(context.Context) error
	Limits  Limits
	Tracer  *tracing.Tracer  // nil = requests are not traced
	Version string           // of the program, shown by the OpenAPI document; empty means "dev"
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // for the age of the data; nil means time.Now
}

// Page is a page for people.
type Page struct {
	Pattern string // path as [http.ServeMux] has it, without method
	Scope   Scope
	// Serve writes the page. An error is of the server, and was shown already: it is for the log.
	Serve func(w http.ResponseWriter, r *http.Request) error
}

// Server serves a [Backend]. Create it with [New].
type Server struct {
	opt     Options
	log     *slog.Logger
	limits  Limits
	gate    *gate // of predictions
	clients *clients
	batcher *batcher
	queries *gate // of questions that no version was trained for: each keeps all cores busy for seconds
	metrics *metrics
	mux     *http.ServeMux
	scopes  map[string]Scope // by pattern of mux
	openAPI []byte
	schemas huma.Registry // of the document
	handler http.Handler
	admin   net.Listener // of AdminAddr; nil = none

	draining atomic.Bool
	drained  chan struct{} // closed when the drain begins: streams end
	active   atomic.Int64  // requests between first and last byte
}

// New returns a server that does not listen yet. Wrong options are reported all at once.
func New(opt Options) (*Server, error) {
	if opt.Backend == nil {
		panic("server: New without Backend")
	}
	if opt.Addr == "" {
		opt.Addr = DefaultAddr
	}
	if opt.Version == "" {
		opt.Version = "dev"
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Ready == nil {
		opt.Ready = func(context.Context) error { return nil }
	}
	limits := opt.Limits.withDefaults()
	if err := errors.Join(limits.validate(), opt.checkAddr(opt.Addr), opt.checkAdminAddr()); err != nil {
		return nil, err
	}
	s := &Server{opt: opt, log: opt.Log, limits: limits, mux: http.NewServeMux(), scopes: map[string]Scope{}, drained: make(chan struct{})}
	s.gate, s.queries = newGate(limits.Concurrent, limits.Queue), newGate(1, limits.QueryQueue)
	s.clients, s.metrics = newClients(limits), newMetrics(s)
	s.batcher = newBatcher(opt.Backend, limits, s.metrics)
	if err := s.routes(); err != nil {
		return nil, err
	}
	s.handler = s.observe(s.refuseWhileDraining(http.HandlerFunc(s.route)))
	return s, nil
}

// Handler returns the whole server as a handler, for tests and for embedding. Time-outs
// of the connection and the check of the Host header belong to [Server.Serve].
func (s *Server) Handler() http.Handler { return s.handler }

// checkAddr refuses addresses that other machines can reach unless that is allowed and
// safe.
func (o *Options) checkAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port such as %s", addr, DefaultAddr)
	}
	switch {
	case isLoopback(host):
		return nil
	case !o.AllowRemote:
		return fmt.Errorf("listen address %q can be reached from other machines; use %s, or allow it with --listen-remote", addr, DefaultAddr)
	case o.TLS == nil && !o.PlainHTTP:
		return fmt.Errorf("listen address %q can be reached from other machines, and tokens and predictions would be readable on the way; give --tls-cert and --tls-key, or --plain-http behind a proxy that has TLS", addr)
	case o.Gatekeeper == nil || !o.Gatekeeper.Required():
		return fmt.Errorf("listen address %q can be reached from other machines, and the workspace has no token, so anyone could ask; rowlink tokens create NAME makes one", addr)
	}
	return nil
}

func (o *Options) checkAdminAddr() error {
	if o.AdminAddr == "" {
		return nil
	}
	return o.checkAddr(o.AdminAddr)
}

// isLoopback reports whether a host name or address reaches this machine only. A name
// other than localhost may resolve to anything, so it does not.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
