package server

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// clients holds each client to a rate of requests: a token, or where none is shown the address
// that a request comes from.
type clients struct {
	rate  float64
	burst int
	now   func() time.Time

	mu sync.Mutex
	by map[string]*rate.Limiter
}

// mostClients bounds the clients that are told apart at a time; beyond it all begin anew,
// which is the lesser evil: nobody is refused for another.
const mostClients = 10_000

func newClients(l Limits) *clients {
	return &clients{rate: l.ClientRate, burst: l.ClientBurst, now: time.Now, by: map[string]*rate.Limiter{}}
}

// admit returns how long a client has to wait; 0 = it may go on.
func (c *clients) admit(r *http.Request) time.Duration {
	if c.rate <= 0 {
		return 0
	}
	now, one := c.now(), c.limiter(clientOf(r))
	reserved := one.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now) // who is refused has not used anything up
	}
	return wait
}

func (c *clients) limiter(name string) *rate.Limiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.by[name]
	if one == nil {
		if len(c.by) >= mostClients {
			clear(c.by)
		}
		one = rate.NewLimiter(rate.Limit(c.rate), c.burst)
		c.by[name] = one
	}
	return one
}

// clientOf tells clients apart. It runs after tokens were checked.
func clientOf(r *http.Request) string {
	if token := tokenOf(r); token != "" {
		return "token " + token
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return "address " + host
}

// tokenOf is the bearer token of a request, or the password of basic authentication.
func tokenOf(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, token, _ = r.BasicAuth()
	}
	return strings.TrimSpace(token)
}

// tooMany refuses a client that asks too often.
func tooMany(wait time.Duration) error {
	p := newProblem(http.StatusTooManyRequests, fault{Code: "client_rate", Detail: "the client asks more often than it may", Hint: "GET /v1/limits has the rate; put several entities into one request"})
	p.retryAfter, p.reason = wait, "rejected"
	return p
}
