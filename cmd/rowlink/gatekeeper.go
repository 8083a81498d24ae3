package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

// gatekeeper lets in whoever has a token of the workspace. It reads the tokens again when
// they may have changed, so that a revocation counts within seconds. While they cannot be
// read, those that were read last count.
type gatekeeper struct {
	ws  *workspace.Workspace
	log *slog.Logger

	mu     sync.Mutex
	tokens []workspace.Token
	read   time.Time
}

// tokensLife is how long tokens count before they are read again.
const tokensLife = 2 * time.Second

func newGatekeeper(ws *workspace.Workspace, log *slog.Logger) (*gatekeeper, error) {
	list, err := ws.Tokens()
	return &gatekeeper{ws: ws, log: log, tokens: list, read: time.Now()}, err
}

func (g *gatekeeper) list() []workspace.Token {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.read) < tokensLife {
		return g.tokens
	}
	g.read = time.Now()
	list, err := g.ws.Tokens()
	if err != nil {
		g.log.Error("tokens cannot be read; those read last count", "error", err)
		return g.tokens
	}
	if len(list) == 0 && len(g.tokens) > 0 {
		g.log.Warn("the last token was revoked; nobody is let in until there is one, or the server is started again")
		list = []workspace.Token{{Scope: workspace.Scopes[0]}} // matches no secret
	}
	g.tokens = list
	return list
}

// Required implements [server.Gatekeeper].
func (g *gatekeeper) Required() bool { return len(g.list()) > 0 }

// Allows implements [server.Gatekeeper].
func (g *gatekeeper) Allows(token string, scope server.Scope) (known, allowed bool) {
	t := workspace.FindToken(g.list(), token)
	return t != nil, t != nil && t.Allows(string(scope))
}

// certificate is a pair of files, read again when one of them changed: renewals need no
// restart.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	loaded  *tls.Certificate
	changed time.Time // of the later file
	looked  time.Time
}

// tlsConfig returns nil without files.
func tlsConfig(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, usage("", "--tls-cert and --tls-key go together")
	}
	c := &certificate{cert: cert, key: key}
	if _, err := c.get(nil); err != nil {
		return nil, usageError{err}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.looked) < time.Second {
		return c.loaded, nil
	}
	c.looked = time.Now()
	changed, err := latest(c.cert, c.key)
	if err == nil && c.loaded != nil && changed.Equal(c.changed) {
		return c.loaded, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	switch {
	case err == nil:
		c.loaded, c.changed = &pair, changed
	case c.loaded == nil: // later, the one before serves on
		return nil, fmt.Errorf("read the certificate %s with its key %s: %w", c.cert, c.key, err)
	}
	return c.loaded, nil
}

// latest is when the later of two files was changed.
func latest(files ...string) (at time.Time, err error) {
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return at, err
		}
		if info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at, nil
}
