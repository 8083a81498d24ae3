package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// drainRetry is what clients of a draining server are told to wait: a restart's time.
const drainRetry = 5 * time.Second

var errHardStop = errors.New("the server stopped before the answer was ready")

func errDraining() *problem {
	return unavailable("draining", "the server is stopping", drainRetry)
}

// Run listens on the address of the options and serves until ctx ends, then drains; see
// [Server.Serve].
func (s *Server) Run(ctx context.Context) error {
	ln, err := s.Listen()
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}

// Listen opens the addresses of the options, and returns the listener of predictions; see
// [Server.AdminAddr] for the other. Port 0 takes a free one, which the listener names.
func (s *Server) Listen() (net.Listener, error) {
	ln, err := net.Listen("tcp", s.opt.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", s.opt.Addr, err)
	}
	if err := s.listenAdmin(); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

func (s *Server) listenAdmin() (err error) {
	if s.opt.AdminAddr == "" || s.admin != nil {
		return nil
	}
	if s.admin, err = net.Listen("tcp", s.opt.AdminAddr); err != nil {
		return fmt.Errorf("listen on %s for management: %w", s.opt.AdminAddr, err)
	}
	return nil
}

// AdminAddr is where management is answered, after [Server.Listen]; nil = with all else.
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.Addr()
}

// port is an HTTP server with its listener. All ports of a server share what is behind.
type port struct {
	*http.Server
	ln net.Listener
}

// port prepares a listener; its requests live until base ends.
func (s *Server) port(base context.Context, ln net.Listener, handler http.Handler, conns *connections) port {
	return port{ln: ln, Server: &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: s.limits.ReadHeaderTime,
		ReadTimeout:       s.limits.ReadTime,
		WriteTimeout:      s.limits.WriteTime,
		IdleTimeout:       s.limits.IdleTime,
		MaxHeaderBytes:    s.limits.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState:         conns.note,
		TLSConfig:         s.opt.TLS,
	}}
}

func (p port) serve() error {
	if p.TLSConfig != nil {
		return p.ServeTLS(p.ln, "", "")
	}
	return p.Serve(p.ln)
}

// Serve answers requests on ln, which it closes, until ctx ends. Then it drains: /readyz
// and new requests get 503, after a grace the listener closes, accepted requests finish,
// and what still runs after the time-out is cut. It returns nil after a clean drain. A
// server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	err := s.checkListener(ln)
	if err == nil {
		err = s.listenAdmin()
	}
	if err != nil {
		if s.admin != nil {
			_ = s.admin.Close()
		}
		return errors.Join(err, ln.Close())
	}
	// Requests outlive ctx: its end asks to drain, not to drop.
	base, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	conns := &connections{state: map[net.Conn]http.ConnState{}}
	ports := []port{s.port(base, ln, s.checkHost(s.opt.AllowRemote, s.handler), conns)}
	if s.admin != nil {
		host, _, _ := net.SplitHostPort(s.opt.AdminAddr) // checked by New
		ports = append(ports, s.port(context.WithValue(base, adminKey{}, true), s.admin, s.checkHost(!isLoopback(host), s.handler), conns))
	}
	ended := make(chan error, len(ports))
	for _, p := range ports {
		go func() { ended <- p.serve() }()
		s.log.InfoContext(ctx, "serving", "addr", p.ln.Addr().String())
	}
	select {
	case err := <-ended:
		for _, p := range ports {
			_ = p.Close()
		}
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	close(s.drained)
	s.log.Info("draining", "active", s.active.Load())
	// In the grace balancers see /readyz fail, and kept connections close one by one with
	// their next answer, so that the listener closes on nobody's request.
	time.Sleep(s.limits.DrainGrace)
	// Shutdown drops requests that arrive on connections accepted a moment ago. So the
	// listener closes first, and those get their answer, before Shutdown may begin.
	for _, p := range ports {
		_ = p.ln.Close()
	}
	for range ports {
		<-ended
	}
	conns.settle(&s.active)
	return s.shutdown(base, ports, stop)
}

// connections knows the state of every open connection.
type connections struct {
	mu    sync.Mutex
	state map[net.Conn]http.ConnState
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.state, conn)
		return
	}
	c.state[conn] = state
}

// settle waits a moment until every request on the way has reached its handler.
func (c *connections) settle(handled *atomic.Int64) {
	const patience, pause = 250 * time.Millisecond, time.Millisecond
	for waited := time.Duration(0); waited < patience && c.busy() > handled.Load(); waited += pause {
		time.Sleep(pause)
	}
}

// busy counts the connections that are new or in the middle of a request.
func (c *connections) busy() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.state {
		if state == http.StateNew || state == http.StateActive {
			n++
		}
	}
	return n
}

// shutdown waits for accepted requests, and cuts those that take too long.
func (s *Server) shutdown(base context.Context, ports []port, stop context.CancelCauseFunc) error {
	ctx, cancel := context.WithTimeout(base, s.limits.DrainTime)
	defer cancel()
	all := func(ctx context.Context) (err error) {
		for _, p := range ports {
			err = errors.Join(err, p.Shutdown(ctx))
		}
		return err
	}
	if all(ctx) == nil {
		s.log.Info("drained")
		return nil
	}
	left := s.active.Load()
	stop(errHardStop) // backends that watch their context end now, and their clients are told
	const lastWord = time.Second
	last, cancelLast := context.WithTimeout(context.Background(), lastWord)
	defer cancelLast()
	err := all(last)
	if err != nil {
		err = nil
		for _, p := range ports {
			err = errors.Join(err, p.Close())
		}
	}
	return errors.Join(fmt.Errorf("drain: %d requests were not done after %s", left, s.limits.DrainTime), err)
}

// refuseWhileDraining turns away new work during a drain. Probes and metrics still answer.
func (s *Server) refuseWhileDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
			if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/v1/") || isOIP(r) && r.URL.Path != "/v2/health/live" {
				s.writeProblem(w, r, errDraining())
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// checkListener repeats the check of the address for listeners made elsewhere.
func (s *Server) checkListener(ln net.Listener) error {
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		return s.opt.checkAddr(tcp.String())
	}
	return nil
}

// checkHost refuses names that are not this machine's on a port for this machine only.
// Otherwise a foreign page could point its own name at 127.0.0.1 and read the answers
// with the visitor's browser.
func (s *Server) checkHost(remote bool, next http.Handler) http.Handler {
	if remote {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "" && !isLoopback(host) {
			s.writeProblem(w, r, newProblem(http.StatusMisdirectedRequest, fault{Code: "host",
				Detail: fmt.Sprintf("the Host header is %q, want localhost", clip(r.Host))}))
			return
		}
		next.ServeHTTP(w, r)
	})
}
