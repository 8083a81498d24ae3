package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// requestInfo travels in the context of a request.
type requestInfo struct {
	id     string
	path   string // as asked, escaped
	reason string // of the error counter; set with the problem
}

type infoKey struct{}

func infoOf(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(infoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// requestID takes over the client's id if it is short and harmless to print, else makes one.
func requestID(r *http.Request) string {
	const longest = 128
	id := r.Header.Get("X-Request-Id")
	harmless := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.:", c)
	}
	if id != "" && len(id) <= longest && strings.IndexFunc(id, func(c rune) bool { return !harmless(c) }) < 0 {
		return id
	}
	return rand.Text()
}

// recorder notes what became of an answer.
type recorder struct {
	http.ResponseWriter
	status int  // 0 = nothing written
	broken bool // the client stopped reading
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.broken = w.broken || err != nil
	return n, err
}

// Unwrap gives [http.ResponseController] the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe gives each request an id, counts and times it, and turns a panic into a 500.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s.active.Add(1)
		defer s.active.Add(-1)
		info := &requestInfo{id: requestID(r), path: clip(r.URL.EscapedPath())}
		ctx, endSpan := s.opt.Tracer.Request(r, info.id)
		r = r.WithContext(context.WithValue(ctx, infoKey{}, info))
		rec := &recorder{ResponseWriter: w}
		h := w.Header()
		h.Set("X-Request-Id", info.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		defer func() {
			route := s.routeName(r)
			if v := recover(); v != nil {
				s.recovered(rec, r, v)
			}
			endSpan(route, rec.status)
			s.metrics.countRequest(route, rec.status, info.reason, time.Since(start))
			s.log.InfoContext(r.Context(), "request", "request_id", info.id, "method", r.Method, "route", route,
				"status", rec.status, "seconds", time.Since(start).Seconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// recovered answers for a handler that panicked: the log gets everything once, the
// client a fixed sentence.
func (s *Server) recovered(rec *recorder, r *http.Request, v any) {
	info := infoOf(r.Context())
	if rec.broken { // the API framework panics when it cannot write
		info.reason = "cancelled"
		s.log.DebugContext(r.Context(), "client stopped reading", "request_id", info.id)
		return
	}
	s.log.ErrorContext(r.Context(), "panic", "request_id", info.id, "path", info.path,
		"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	info.reason = "internal"
	if rec.status != 0 {
		// Half an answer is out; only a broken connection tells the client so.
		s.metrics.countRequest(s.routeName(r), http.StatusInternalServerError, info.reason, 0)
		panic(http.ErrAbortHandler)
	}
	s.writeProblem(rec, r, internalProblem())
}

// routeName returns the registered path of a request, for labels: never the client's text.
func (s *Server) routeName(r *http.Request) string {
	_, pattern := s.mux.Handler(r)
	_, path, _ := strings.Cut(pattern, " ")
	switch path {
	case "":
		return "unmatched"
	case "/{$}":
		return "/"
	}
	return path
}

// route calls the handler of a path. Unknown paths and methods are problems like all others.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	scope, known := s.scopes[pattern]
	if !known {
		scope = ScopeRead // what is unknown is not told to strangers either
	}
	if err := s.authorize(w, r, scope); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if scope != Anyone {
		if wait := s.clients.admit(r); wait > 0 {
			s.writeProblem(w, r, tooMany(wait))
			return
		}
	}
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	// The mux knows whether the path or the method is wrong, and which methods exist.
	asked := headerOnly{}
	h.ServeHTTP(asked, r)
	if allow := http.Header(asked).Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		s.writeProblem(w, r, newProblem(http.StatusMethodNotAllowed, fault{Code: "method",
			Detail: fmt.Sprintf("the path has no method %q", clip(r.Method)), Hint: "use " + allow}))
		return
	}
	s.writeProblem(w, r, newProblem(http.StatusNotFound, fault{Code: "path",
		Detail: "no such path", Hint: "GET /openapi.json lists all paths"}))
}

// headerOnly keeps the header of an answer and drops the rest.
type headerOnly http.Header

func (h headerOnly) Header() http.Header         { return http.Header(h) }
func (h headerOnly) Write(p []byte) (int, error) { return len(p), nil }
func (h headerOnly) WriteHeader(int)             {}
