package server

import (
	"net/http"
	"net/url"
)

// Scope is what an operation needs of whoever asks.
type Scope string

// The scopes, each includes those before it.
const (
	Anyone       Scope = ""        // probes of a balancer
	ScopeRead    Scope = "read"    // tasks, models, metrics, pages
	ScopePredict Scope = "predict" // predictions and questions
	ScopeTrain   Scope = "train"   // tasks, training, batches
	ScopeAdmin   Scope = "admin"   // what is in service
)

// manages reports whether operations of a scope change what is trained or in service.
func (s Scope) manages() bool { return s == ScopeTrain || s == ScopeAdmin }

// adminKey marks the context of requests that came to the management address.
type adminKey struct{}

// Gatekeeper knows who may do what.
type Gatekeeper interface {
	// Required reports whether requests need a token at all.
	Required() bool
	// Allows reports whether a token is known, and whether it allows a scope.
	Allows(token string, scope Scope) (known, allowed bool)
}

// authorize answers nil, 401 or 403. A bearer token is expected; the password of basic
// authentication counts as one, for browsers, whose user is of no interest.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, scope Scope) error {
	if err := sameSite(r); err != nil {
		return err
	}
	if s.opt.AdminAddr != "" && scope.manages() && r.Context().Value(adminKey{}) == nil {
		return newProblem(http.StatusForbidden, fault{Code: "management", Detail: "the operation is answered at the management address only"})
	}
	g := s.opt.Gatekeeper
	if scope == Anyone || g == nil || !g.Required() {
		return nil
	}
	token := tokenOf(r)
	known, allowed := g.Allows(token, scope)
	switch {
	case allowed:
		return nil
	case known:
		return newProblem(http.StatusForbidden, fault{Code: "scope", Detail: "the token's scope does not include " + string(scope),
			Hint: "rowlink tokens create NAME --scope " + string(scope)})
	}
	for _, scheme := range []string{`Bearer realm="rowlink"`, `Basic realm="rowlink", charset="UTF-8"`} {
		w.Header().Add("WWW-Authenticate", scheme)
	}
	detail := "the request has no token"
	if token != "" {
		detail = "the token is unknown or was revoked"
	}
	return newProblem(http.StatusUnauthorized, fault{Code: "token", Detail: detail, Hint: "send the header Authorization: Bearer TOKEN; rowlink tokens create makes one"})
}

// sameSite refuses requests that a page of another site made its visitor's browser send,
// if they could change anything. Browsers say where a request comes from; other programs
// need not.
func sameSite(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	own := site == "" || site == "same-origin" || site == "none"
	if u, err := url.Parse(origin); origin != "" && (err != nil || u.Host != r.Host) {
		own = false
	}
	if own {
		return nil
	}
	return newProblem(http.StatusForbidden, fault{Code: "cross_site", Detail: "the request comes from a page of another site", Hint: "ask from a program, or from the server's own pages"})
}
