package rowlink_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/graph"
)

// The graph of a stored snapshot is mapped from a file beside it, which equals what is
// built in memory, and is made again with a word to the user when it was damaged.
func TestDatabase_storedGraph(t *testing.T) {
	defer rowlink.StoreGraphsFrom(1)()
	url, folder := "sqlite:"+smallShop(t), t.TempDir()
	var notes []string
	check := func(files int) {
		t.Helper()
		notes = nil
		d := open(t, rowlink.Options{URL: url, Workspace: folder, OnNote: func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }})
		got, err := d.Links()
		if err != nil {
			t.Fatal(err)
		}
		want, err := graph.Build(d.Snap)
		if err != nil {
			t.Fatal(err)
		}
		for e, typ := range want.Edges {
			if got.Edges[e] != typ {
				t.Errorf("edge type %d is %v, want %v", e, got.Edges[e], typ)
			}
			if g, w := got.Edges[e], want; !g.Rev && (!slices.Equal(got.List(e).Children, w.List(e).Children) || !slices.Equal(got.List(e).Times, w.List(e).Times)) {
				t.Errorf("children over %s differ", w.Label(e))
			}
		}
		if found := stored(t, folder); len(found) != files {
			t.Errorf("stored graphs %v, want %d", found, files)
		}
	}
	check(1)
	check(1)
	if text := strings.Join(notes, "\n"); strings.Contains(text, "made again") {
		t.Errorf("a sound graph was made again: %s", text)
	}
	path := stored(t, folder)[0]
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	check(1)
	if text := strings.Join(notes, "\n"); !strings.Contains(text, "made again") || !strings.Contains(text, "cut or altered") {
		t.Errorf("notes on a damaged graph: %q", text)
	}
}

func stored(t *testing.T, workspace string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(workspace, "snapshots", "*", "graph.arrays"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
