package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
)

func TestParseURL_tls(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	tests := []struct {
		url      string
		verified bool // the certificate is checked
		plain    bool // an unencrypted connection may be used
	}{
		{"postgres://u@localhost/d", false, true},
		{"postgres://u@127.0.0.1:5433/d", false, true},
		{"postgres://u@[::1]/d", false, true},
		{"postgres:///d?host=/tmp", false, true},
		{"postgres://u@db.example.com/d", true, false},
		{"postgresql://u@10.0.0.1/d?application_name=x", true, false},
		{"postgres://u@localhost,db.example.com/d", true, false},
		{"postgres://u@db.example.com/d?sslmode=require", false, false},
		{"postgres://u@db.example.com/d?sslmode=disable", false, true},
	}
	for _, tt := range tests {
		c, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		plain := c.TLSConfig == nil
		for _, f := range c.Fallbacks {
			plain = plain || f.TLSConfig == nil
		}
		verified := c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify
		if plain != tt.plain || verified != tt.verified {
			t.Errorf("%s: plain %v, verified %v; want %v, %v", tt.url, plain, verified, tt.plain, tt.verified)
		}
	}
}

const hidden = "s3cr3tTail"

func TestParseURL_neverRepeatsTheURL(t *testing.T) {
	for _, url := range []string{
		"postgres://u:a\\" + hidden + "@localhost/d?sslmode=wrong",
		"postgres://u:%zz" + hidden + "@localhost/d",
		"postgres://u:" + hidden + "@localhost:port/d",
		"postgres://u:" + hidden + "@localhost:99999/d",
		"postgres://u:" + hidden + "#x@localhost/d",
		"postgres://u:" + hidden + "@local host/d",
		"postgres://u:" + hidden + "@h/d?connect_timeout=x",
		"postgres://u:" + hidden + "@h/d?sslrootcert=/nope/" + "&sslmode=verify-full",
		"postgres://u:p@h/d?password=" + hidden + "&sslmode=x",
	} {
		_, err := parseURL(url)
		var user *ingest.UserError
		if !errors.As(err, &user) {
			t.Errorf("error %v, want a UserError", err)
			continue
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, user); strings.Contains(text, hidden) {
			t.Errorf("the error holds the password: %s", text)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("postgres://u:", "@h/d?sslmode=x")
	f.Add("postgres://u:\\", "@[::1/d")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before, hidden) || strings.Contains(after, hidden) {
			return
		}
		if _, err := parseURL(before + hidden + after); err != nil && strings.Contains(fmt.Sprintf("%+v", err), hidden) {
			t.Errorf("the error holds the password: %v", err)
		}
	})
}

// A port where nobody listens, a server that is none, and a host that does not exist.
func TestOpen_noServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 400 %s\r\n", hidden)
			c.Close()
		}
	}()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := free.Addr().String()
	free.Close()
	tests := []struct{ address, want string }{
		{refused, "refused"},
		{l.Addr().String(), "connect to"},
		{"host.invalid", `host "host.invalid" not found`},
	}
	for _, tt := range tests {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := Open(ctx, "postgres://u:"+hidden+"@"+tt.address+"/d?sslmode=disable", ingest.OpenOptions{})
		cancel()
		var source *ingest.SourceError
		if !errors.As(err, &source) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want a SourceError with %q", tt.address, err, tt.want)
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, hidden) {
			t.Errorf("the error holds the password: %s", text)
		}
	}
}
