package server

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// problem is the body of every request-level error (RFC 9457). It is also the error
// value that handlers return.
type problem struct {
	Type      string  `json:"type" doc:"about:blank: the status says it all"`
	Title     string  `json:"title" doc:"the status in words"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail" doc:"what was found and what was wanted"`
	Instance  string  `json:"instance,omitempty" doc:"path of the request"`
	RequestID string  `json:"request_id,omitempty" doc:"as in the X-Request-Id header and in the log"`
	Errors    []fault `json:"errors" nullable:"false" doc:"each fault by itself"`

	retryAfter time.Duration
	reason     string // label of the error counter; empty = request
}

// fault is one fault of a request.
type fault struct {
	Code    string `json:"code" doc:"TK followed by three digits, or a word"`
	Detail  string `json:"detail"`
	Hint    string `json:"hint,omitempty" doc:"what to write instead"`
	Pointer string `json:"pointer,omitempty" doc:"JSON pointer into the body (RFC 6901)"`
	Line    int    `json:"line,omitempty" doc:"in the body, or in the text that pointer names, from 1"`
	Column  int    `json:"column,omitempty" doc:"from 1, in characters of the text, in bytes of the body"`
	Length  int    `json:"length,omitempty" doc:"of what is wrong in that text, in characters"`
}

// statusClientGone is what the log and the metrics show when nobody reads the answer.
const statusClientGone = 499

func newProblem(status int, faults ...fault) *problem {
	p := &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Errors: faults}
	if status == statusClientGone {
		p.Title = "Client Closed Request"
	}
	if len(faults) > 0 {
		p.Detail = faults[0].Detail
		if n := len(faults) - 1; n > 0 {
			p.Detail += " (and " + strconv.Itoa(n) + " more)"
		}
	}
	return p
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns the headers that go with the problem.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

func unavailable(code, detail string, retryAfter time.Duration) *problem {
	p := newProblem(http.StatusServiceUnavailable, fault{Code: code, Detail: detail})
	p.retryAfter, p.reason = retryAfter, "rejected"
	return p
}

// problemOf translates an error for the client. A cause that the client must not or
// need not know is logged here, once.
func (s *Server) problemOf(ctx context.Context, err error) *problem {
	info := infoOf(ctx)
	p := s.classify(ctx, err)
	p.Instance, p.RequestID = info.path, info.id
	info.reason = p.reason
	if info.reason == "" {
		info.reason = "request"
	}
	return p
}

func (s *Server) classify(ctx context.Context, err error) *problem {
	var (
		p           *problem
		missing     NotFound
		conflict    Conflict
		unavailable Unavailable
	)
	switch {
	case errors.As(err, &p):
		c := *p // the original may be shared
		return &c
	case errors.As(err, &missing):
		return newProblem(http.StatusNotFound, fault{Code: "TK190", Detail: missing.Detail, Hint: missing.Hint})
	case errors.As(err, &conflict):
		return newProblem(http.StatusConflict, fault{Code: conflict.Code, Detail: conflict.Detail, Hint: conflict.Hint})
	case errors.As(err, &unavailable):
		p = newProblem(http.StatusServiceUnavailable, fault{Code: "unavailable", Detail: unavailable.Detail})
		p.retryAfter, p.reason = max(unavailable.RetryAfter, time.Second), "rejected"
		return p
	}
	if faults := invalids(err); len(faults) > 0 {
		return newProblem(http.StatusUnprocessableEntity, faults...)
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
	case errors.Is(cause, errHardStop):
		p = newProblem(http.StatusServiceUnavailable, fault{Code: "draining", Detail: cause.Error()})
		p.retryAfter, p.reason = drainRetry, "cancelled"
		return p
	case errors.Is(cause, context.DeadlineExceeded):
		p = newProblem(http.StatusGatewayTimeout, fault{Code: "deadline",
			Detail: "no answer in time: " + cause.Error(), Hint: "ask for fewer entities at once"})
		p.reason = "deadline"
		return p
	case errors.Is(cause, context.Canceled):
		p = newProblem(statusClientGone, fault{Code: "cancelled", Detail: "the client closed the connection"})
		p.reason = "cancelled"
		return p
	}
	info := infoOf(ctx)
	s.log.ErrorContext(ctx, "request failed", "request_id", info.id, "path", info.path, "error", err)
	return internalProblem()
}

// timeUp ends a request that took longer than its limit.
type timeUp time.Duration

func (t timeUp) Error() string      { return "the limit is " + time.Duration(t).String() }
func (timeUp) Is(target error) bool { return target == context.DeadlineExceeded }

// within bounds the time of a request.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, timeUp(limit))
}

// internalProblem tells the client of a bug without saying which.
func internalProblem() *problem {
	p := newProblem(http.StatusInternalServerError, fault{Code: "internal",
		Detail: "the server made a mistake; its log has the cause under the request id"})
	p.reason = "internal"
	return p
}

// invalids collects every [Invalid] of an error tree in order.
func invalids(err error) []fault {
	switch e := err.(type) {
	case nil:
		return nil
	case Invalid:
		return []fault{{Code: e.Code, Detail: e.Detail, Hint: e.Hint, Pointer: e.Pointer, Line: e.Line, Column: e.Column, Length: e.Length}}
	case interface{ Unwrap() []error }:
		var faults []fault
		for _, one := range e.Unwrap() {
			faults = append(faults, invalids(one)...)
		}
		return faults
	case interface{ Unwrap() error }:
		return invalids(e.Unwrap())
	}
	return nil
}

// writeProblem answers outside of the API's own writer.
func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problemOf(r.Context(), err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	if isOIP(r) {
		writeOIPError(w, p)
		return
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	// Nobody can be told that the client does not read.
	_ = json.NewEncoder(w).Encode(p)
}
