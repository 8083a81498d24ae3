package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := mustKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, inPEM("CERTIFICATE", der)}
}

// sign returns a certificate for a server of some names and addresses, and its key. Without
// an authority it signs itself.
func (a *authority) sign(t *testing.T, until time.Time, names []string, addresses ...net.IP) (cert, key string) {
	t.Helper()
	own := mustKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server of a test"}, NotBefore: time.Now().Add(-48 * time.Hour),
		NotAfter: until, DNSNames: names, IPAddresses: addresses, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	parent, by := template, own
	if a != nil {
		parent, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return inPEM("CERTIFICATE", der), inPEM("PRIVATE KEY", private)
}

// elsewhere is an address of this machine that is not loopback, for which the rules of other
// machines hold.
func elsewhere(t *testing.T) net.IP {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP
		}
	}
	t.Skip("this machine has no address but loopback")
	return nil
}

// P6: whatever is wrong with the certificate of another machine, nothing is sent to it, and
// weaker checks are made only where the URL asks for them.
func TestCase38_tls(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	t.Setenv("PGSSLROOTCERT", "")
	pgtest.URL(t) // skips where there is no server
	ip := elsewhere(t)
	server, err := pgtest.StartWith(t.Context(), pgtest.Options{Settings: []string{"listen_addresses=127.0.0.1," + ip.String()},
		Access: []string{"host all all " + ip.String() + "/32 scram-sha-256"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	conn := admin(t, server.URL("postgres"))
	mustExec(t, conn, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	ca, other := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	roots := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "&sslrootcert=" + url.QueryEscape(path)
	}
	ours, theirs := roots("ours.pem", ca.pem), roots("theirs.pem", other.pem)
	hour, yesterday := time.Now().Add(time.Hour), time.Now().Add(-24*time.Hour)
	// install makes the server use a certificate; an empty one takes TLS away.
	install := func(cert, key string) {
		t.Helper()
		if cert == "" {
			mustExec(t, conn, "ALTER SYSTEM SET ssl = off")
		} else {
			for name, text := range map[string]string{"ssl_cert_file": cert, "ssl_key_file": key} {
				path, err := server.File(name, text)
				if err != nil {
					t.Fatal(err)
				}
				mustExec(t, conn, "ALTER SYSTEM SET "+name+" = "+quoteLiteral(path))
			}
			mustExec(t, conn, "ALTER SYSTEM SET ssl = on")
		}
		mustExec(t, conn, "SELECT pg_reload_conf()")
	}
	tests := []struct {
		name   string
		make   func() (cert, key string)
		params string
		want   string // part of the error; empty = the rows come
	}{
		{"verified by default", func() (string, string) { return ca.sign(t, hour, nil, ip) }, ours, ""},
		{"verified as asked", func() (string, string) { return ca.sign(t, hour, nil, ip) }, ours + "&sslmode=verify-full", ""},
		{"authority of others", func() (string, string) { return ca.sign(t, hour, nil, ip) }, theirs, "sslrootcert"},
		{"authority unknown", func() (string, string) { return ca.sign(t, hour, nil, ip) }, "", "sslrootcert"},
		{"wrong host", func() (string, string) { return ca.sign(t, hour, []string{"db.example.com"}) }, ours, "another host"},
		{"wrong host, authority only", func() (string, string) { return ca.sign(t, hour, []string{"db.example.com"}) }, ours + "&sslmode=verify-ca", ""},
		{"expired", func() (string, string) { return ca.sign(t, yesterday, nil, ip) }, ours, "expired"},
		{"expired, authority only", func() (string, string) { return ca.sign(t, yesterday, nil, ip) }, ours + "&sslmode=verify-ca", "expired"},
		{"self-signed", func() (string, string) { return (*authority)(nil).sign(t, hour, nil, ip) }, ours, "sslrootcert"},
		{"self-signed, encrypted only", func() (string, string) { return (*authority)(nil).sign(t, hour, nil, ip) }, "&sslmode=require", ""},
		{"no TLS", func() (string, string) { return "", "" }, ours, "no TLS"},
		{"no TLS, without roots", func() (string, string) { return "", "" }, "", "no TLS"},
		{"no TLS, encrypted only", func() (string, string) { return "", "" }, "&sslmode=require", "no TLS"},
		{"no TLS, as asked", func() (string, string) { return "", "" }, "&sslmode=disable", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			install(tt.make())
			u, err := url.Parse(server.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			u.Host = net.JoinHostPort(ip.String(), u.Port())
			u.RawQuery = strings.TrimPrefix(tt.params, "&")
			password, _ := u.User.Password()
			for until := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the server takes a moment to use it
				err = readOne(t, u.String())
				if (err == nil) == (tt.want == "") && (err == nil || strings.Contains(err.Error(), tt.want)) || time.Now().After(until) {
					break
				}
			}
			var source *ingest.SourceError
			switch {
			case err == nil && tt.want != "":
				t.Error("connected")
			case err != nil && tt.want == "":
				t.Error(err)
			case err != nil && (!errors.As(err, &source) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), password)):
				t.Errorf("error %v, want a SourceError with %q and without the password", err, tt.want)
			}
			t.Log(err)
		})
	}
}

// readOne reads a table of one row.
func readOne(t *testing.T, u string) error {
	t.Helper()
	s, err := Open(t.Context(), u, ingest.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
	if err == nil && snap.Tables[0].Rows != 1 {
		t.Errorf("%d rows, want 1", snap.Tables[0].Rows)
	}
	return err
}
