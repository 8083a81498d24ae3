package pgtest

import (
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pooler is where packages put pgbouncer, which is not for every user's PATH.
var pooler = []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"}

// Pooler puts a pgbouncer in transaction mode before the server of a URL, with size
// connections to it, and returns the URL that leads through it. Without the program the test
// is skipped.
func Pooler(t testing.TB, raw string, size int) string {
	t.Helper()
	var program string
	for _, name := range pooler {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		t.Skip("no pgbouncer: the tests behind a pooler did not run; install it with: apt-get install pgbouncer")
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal("the URL of the server cannot be read") // its error would repeat the password
	}
	who, err := runAs()
	if err != nil {
		t.Skip(err)
	}
	dir, err := who.folder()
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	users := filepath.Join(dir, "users")
	if err := who.write(users, fmt.Sprintf("%q %q\n", u.User.Username(), password)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = plain\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = %d\nmax_client_conn = 100\n",
		u.Hostname(), u.Port(), port, users, size)
	if err := who.write(config, text); err != nil {
		t.Fatal(err)
	}
	proc, err := launch(dir, who, program, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proc.stop(); err != nil {
			t.Error(err)
		}
	})
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for until := time.Now().Add(startLimit); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", u.Host, time.Second)
		if err == nil {
			conn.Close()
			return u.String()
		}
		if time.Now().After(until) {
			t.Fatalf("pgbouncer does not answer: %s", strings.TrimSpace(err.Error()))
		}
	}
}
