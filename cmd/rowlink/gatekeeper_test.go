package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

// A token lets in from when it is made until it is revoked, without a restart; after the
// last one nobody is let in, for that is not what a revocation means.
func TestGatekeeper(t *testing.T) {
	ws, err := workspace.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGatekeeper(ws, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	later := func() { g.read = time.Now().Add(-time.Hour) }
	if g.Required() {
		t.Error("a workspace without tokens asks for one")
	}
	secret, err := ws.CreateToken("a", "predict")
	if err != nil {
		t.Fatal(err)
	}
	later()
	for _, c := range []struct {
		token          string
		scope          server.Scope
		known, allowed bool
	}{
		{secret, server.ScopeRead, true, true}, {secret, server.ScopePredict, true, true}, {secret, server.ScopeTrain, true, false}, {secret, server.ScopeAdmin, true, false},
		{secret + "x", server.ScopeRead, false, false}, {"", server.ScopeRead, false, false},
	} {
		if known, allowed := g.Allows(c.token, c.scope); known != c.known || allowed != c.allowed {
			t.Errorf("token %q for %s: known %t, allowed %t", c.token, c.scope, known, allowed)
		}
	}
	data, err := os.ReadFile(filepath.Join(ws.Dir(), "tokens.json"))
	if err != nil || strings.Contains(string(data), secret) || strings.Contains(string(data), strings.TrimPrefix(secret, "rowlink_")) {
		t.Errorf("the secret stands in the workspace: %v", err)
	}
	if err := ws.RevokeToken("a"); err != nil {
		t.Fatal(err)
	}
	later()
	if known, _ := g.Allows(secret, server.ScopeRead); known || !g.Required() {
		t.Error("after the last revocation the door stands open")
	}
	later()
	if known, _ := g.Allows("", server.ScopeRead); known || !g.Required() {
		t.Error("the door opens by itself later")
	}
}

// writeCertificate writes a self-signed certificate for 127.0.0.1 with a serial number.
func writeCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plan := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A renewed certificate is taken without a restart; half-written files leave the one before.
func TestCertificate_renewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	config, err := tlsConfig(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	c := &certificate{cert: cert, key: key}
	serial := func() int64 {
		t.Helper()
		c.looked = time.Time{}
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	older := time.Now().Add(time.Minute)
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(cert, older, older); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 1 {
		t.Errorf("while the file is half-written: serial %d", got)
	}
	writeCertificate(t, cert, key, 2)
	if got := serial(); got != 2 {
		t.Errorf("after the renewal: serial %d", got)
	}
	if config.MinVersion < tls.VersionTLS12 {
		t.Error("TLS before 1.2 is allowed")
	}
}
