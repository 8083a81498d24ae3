package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/server"
)

// swapsEnv asks for more swaps than the default.
const swapsEnv = "ROWLINK_SWAPS"

// testSwaps puts two versions into service in turn, each read from disk, compared with its
// checksums and tried, while clients ask without pause. No request fails, and each answer
// is, whole, that of the version that it names.
func testSwaps(t *testing.T, original string) {
	swaps := 12
	if text := os.Getenv(swapsEnv); text != "" {
		swaps, _ = strconv.Atoi(text)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b := &backend{db: d, log: slog.New(slog.DiscardHandler)}
	srv, err := server.New(server.Options{Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv.Handler())
	defer web.Close()
	want := map[string]string{} // by version
	var body string
	for _, version := range []int{1, 2} {
		if err := b.putInService(t.Context(), "churn", version); err != nil {
			t.Fatal(err)
		}
		keys, err := json.Marshal(b.inService("churn").examples)
		if err != nil {
			t.Fatal(err)
		}
		body = `{"entities":` + string(keys) + `}`
		status, got, rows := askChurn(t, web, body)
		if status != http.StatusOK || got != strconv.Itoa(version) {
			t.Fatalf("version %d answers %d as version %q", version, status, got)
		}
		want[got] = rows
	}
	if want["1"] == want["2"] {
		t.Fatal("the versions answer alike, so that a swap would not show")
	}
	stop := make(chan struct{})
	var asking sync.WaitGroup
	var mu sync.Mutex
	answers, faults := map[string]int{}, 0
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, version, rows := askChurn(t, web, body)
				mu.Lock()
				if answers[version]++; status != http.StatusOK || rows != want[version] {
					faults++
				}
				mu.Unlock()
			}
		})
	}
	start := time.Now()
	for i := range swaps {
		if err := b.putInService(t.Context(), "churn", 1+i%2); err != nil {
			t.Errorf("swap %d: %v", i, err)
		}
	}
	took := time.Since(start)
	close(stop)
	asking.Wait()
	t.Logf("%d swaps in %s, %v answers by version, %d faults", swaps, took.Round(time.Millisecond), answers, faults)
	if faults > 0 || answers["1"] == 0 || answers["2"] == 0 || len(answers) != 2 {
		t.Errorf("%d of the answers %v failed or were not those of the version that they name", faults, answers)
	}
}

// askChurn returns the version that answered, and its predictions as text.
func askChurn(t *testing.T, web *httptest.Server, body string) (status int, version, rows string) {
	resp, err := web.Client().Post(web.URL+"/v1/tasks/churn/predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer resp.Body.Close()
	var a struct {
		Model       struct{ Version string }
		Predictions json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Error(fmt.Errorf("status %d: %w", resp.StatusCode, err))
	}
	return resp.StatusCode, a.Model.Version, string(a.Predictions)
}
