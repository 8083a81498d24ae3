package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

// testPromotions moves the prod alias of a copy of the workspace under a backend.
func testPromotions(t *testing.T, original string) {
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	d, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	log := &lockedBuffer{}
	b := &backend{db: d, log: slog.New(slog.NewTextHandler(log, nil))}
	said := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = b.refresh(ctx, func(task string, err error) {
				version := 0
				if s := b.inService(task); s != nil {
					version = s.Version.Version
				}
				said <- fmt.Sprintf("%s version %d: %v", task, version, err)
			})
			time.Sleep(time.Millisecond)
		}
	}()
	expect := func(want string) {
		t.Helper()
		if got := <-said; !strings.HasPrefix(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	expect("churn version 1: <nil>")
	if _, err := d.Workspace.Promote("churn", "2", ""); err != nil {
		t.Fatal(err)
	}
	expect("churn version 2: <nil>")
	a, err := b.Predict(t.Context(), server.PredictRequest{Task: "churn", Entities: b.inService("churn").examples})
	if err != nil || a.Version != "2" || a.Alias != workspace.Prod || len(a.Predictions) != len(b.inService("churn").examples) {
		t.Errorf("answer %+v, %v, want version 2 by prod", a, err)
	}
	models, err := b.Models(t.Context())
	if err != nil || len(models) != 2 || models[0].Serving || !models[1].Serving || models[1].Model != "entity mean: mean of closed labels" {
		t.Errorf("models %+v, %v", models, err)
	}

	// What is there is checked before it answers, and leaves what answers in place.
	m, err := d.Workspace.Model("churn", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.Path("task.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	book := filepath.Join(dir, "models", "churn", "aliases.json")
	if err := workspace.WriteFile(book, []byte(`{"aliases":{"prod":{"version":1}}}`)); err != nil {
		t.Fatal(err)
	}
	expect("churn version 2: verify version 1")
	for range 3 {
		_, err := b.Predict(t.Context(), server.PredictRequest{Task: "churn", Version: "1"})
		if busy := (server.Unavailable{}); !errors.As(err, &busy) || busy.Detail != `version 1 of task "churn" cannot be loaded; the server's log says why` {
			t.Errorf("error %v", err)
		}
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), `file \"task.json\" has 2 bytes`) {
		t.Errorf("log, want one line:\n%s", log)
	}
	if err := workspace.WriteFile(book, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	expect(`churn version 0: no model "prod" of task "churn"`)
	if _, err := b.Predict(t.Context(), server.PredictRequest{Task: "churn"}); err == nil || err.Error() != `task "churn" has no version in service` {
		t.Errorf("error %v", err)
	}
	cancel()
	<-done
}

// TestShelf_bounded keeps the versions that were asked for last.
func TestShelf_bounded(t *testing.T) {
	var h shelf
	version := func(n int) *served {
		return &served{Loaded: &rowlink.Loaded{Version: &workspace.Model{Manifest: workspace.Manifest{Task: "x", Version: n}}}}
	}
	h.promote(version(99))
	for n := 1; n <= keepOthers; n++ {
		h.keep(version(n))
	}
	if h.held("x", 1) == nil {
		t.Fatal("version 1 is gone too early")
	}
	h.keep(version(keepOthers + 1)) // pushes out 2: 1 was used since
	for n, want := range map[int]bool{1: true, 2: false, 3: true, keepOthers + 1: true, 99: true, 100: false} {
		if got := h.held("x", n) != nil; got != want {
			t.Errorf("version %d is held: %t, want %t", n, got, want)
		}
	}
	if h.held("y", 1) != nil {
		t.Error("version 1 of another task is held")
	}
}

// TestBackend_oneLoad sends requests away while a version is being loaded.
func TestBackend_oneLoad(t *testing.T) {
	var b backend
	b.loading.Lock()
	_, err := b.get(t.Context(), "x", 1)
	if busy := (server.Unavailable{}); !errors.As(err, &busy) || busy.RetryAfter == 0 {
		t.Errorf("error %v, want Unavailable", err)
	}
}
