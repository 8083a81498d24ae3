package pgtest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy passes connections on to a server and does to them what networks do: it cuts them,
// lets them fall silent, or slows them down.
type Proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	conns []net.Conn // open ones, of both sides

	passed atomic.Int64 // bytes from the server
	at     atomic.Int64 // of passed: where the next fault happens; 0 = nowhere
	silent atomic.Bool  // that fault is silence, not a cut
	faults atomic.Int64
	rate   atomic.Int64 // bytes from the server a second and connection; 0 = as fast as it goes
}

// NewProxy starts a proxy before the server of a URL, and returns it with the URL that leads
// through it. It ends with the test.
func NewProxy(t testing.TB, raw string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal("the URL of the server cannot be read") // its error would repeat the password
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, server: u.Host}
	go p.accept()
	t.Cleanup(p.Close)
	u.Host = l.Addr().String()
	return p, u.String()
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Cut()
}

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// CutAfter cuts every connection once the server has sent n more bytes over all of them.
func (p *Proxy) CutAfter(n int64) {
	p.silent.Store(false)
	p.at.Store(p.passed.Load() + n)
}

// SilenceAfter lets the connection that brings the n-th byte from now on fall silent, as on
// a lost route: it brings nothing more, and nobody is told.
func (p *Proxy) SilenceAfter(n int64) {
	p.silent.Store(true)
	p.at.Store(p.passed.Load() + n)
}

// Faults is how often a cut or a silence has happened.
func (p *Proxy) Faults() int64 { return p.faults.Load() }

// Slow bounds what each connection brings from the server, in bytes a second.
func (p *Proxy) Slow(rate int64) { p.rate.Store(rate) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = io.Copy(server, client) // ends with either side
			server.Close()
		}()
		go p.down(client, server, gone)
	}
}

// down passes on what the server sends; gone is closed when the client has left.
func (p *Proxy) down(client, server net.Conn, gone chan struct{}) {
	defer client.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := server.Read(buf)
		have, at := p.passed.Add(int64(n)), p.at.Load()
		if at > 0 && have >= at && p.at.CompareAndSwap(at, 0) {
			p.faults.Add(1)
			if p.silent.Load() {
				<-gone
			} else {
				p.Cut()
			}
			return
		}
		if rate := p.rate.Load(); rate > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
		}
		if _, werr := client.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}
