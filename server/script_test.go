package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata")

// TestScript runs testdata/*.txt. A case is
//
//	=== name
//	METHOD path
//	Header: value
//
//	body
//	----
//	expected status, headers and body
//
// JSON answers are indented. -update rewrites the expected parts.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, _ := newServer(t, &fake{}, func(o *Options) { o.Limits.Entities, o.Limits.BodyBytes = 5, 400 })
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for i, text := range strings.Split(string(data), "=== ") {
				if i == 0 {
					out.WriteString(text) // comment
					continue
				}
				ask, want, _ := strings.Cut(text, "----\n")
				name, request, _ := strings.Cut(ask, "\n")
				got := play(t, s, request)
				if got != strings.TrimRight(want, "\n") && !*update {
					t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(strings.TrimRight(want, "\n"), got))
				}
				fmt.Fprintf(&out, "=== %s----\n%s\n\n", ask, got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play sends one request of a script and prints the answer.
func play(t *testing.T, s *Server, text string) string {
	t.Helper()
	line, rest, _ := strings.Cut(text, "\n")
	method, path, ok := strings.Cut(line, " ")
	if !ok {
		t.Fatalf("request line %q, want METHOD path", line)
	}
	head, body, _ := strings.Cut(rest, "\n\n")
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(strings.TrimSuffix(body, "\n")))
	r.Header.Set("X-Request-Id", "req-1")
	if head != "" {
		for line := range strings.SplitSeq(strings.TrimSpace(head), "\n") {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var out strings.Builder
	fmt.Fprintf(&out, "%d\n", w.Code)
	for _, name := range []string{"Content-Type", "Retry-After", "Allow", "Location"} {
		if v := w.Header().Get(name); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	if id := w.Header().Get("X-Request-Id"); id != "req-1" {
		fmt.Fprintf(&out, "X-Request-Id: %s\n", id)
	}
	out.WriteString("\n" + pretty(w.Body.Bytes(), w.Header().Get("Content-Type")))
	return strings.TrimRight(out.String(), "\n")
}

// volatile are metric lines whose values depend on the machine.
var volatile = regexp.MustCompile(`^(# (HELP|TYPE) )?(go_|process_|promhttp_|rowlink_(request|queue|predict|query_queue|query)_seconds)`)

func pretty(body []byte, media string) string {
	var out bytes.Buffer
	switch {
	case strings.Contains(media, "json"):
		if json.Indent(&out, body, "", "  ") == nil {
			return out.String()
		}
	case strings.HasPrefix(media, "text/plain; version="):
		for sc := bufio.NewScanner(bytes.NewReader(body)); sc.Scan(); {
			if !volatile.MatchString(sc.Text()) {
				out.WriteString(sc.Text() + "\n")
			}
		}
		return out.String()
	}
	return string(body)
}

// TestOpenAPI_golden keeps the document under review: a change of the contract shows
// as a diff of testdata/openapi.json.
func TestOpenAPI_golden(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	const file = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(file, w.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), w.Body.String()); diff != "" {
		t.Errorf("(-want +got), rewrite with -update:\n%s", diff)
	}
}
