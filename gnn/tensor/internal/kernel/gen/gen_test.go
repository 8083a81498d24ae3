package gen

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The committed assembly must be what the generator prints now.
func TestPrint_matchesCommittedFiles(t *testing.T) {
	for _, file := range Files() {
		want, err := Print(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator prints: run go generate ./gnn/tensor/internal/kernel", file)
		}
	}
}

func TestFiles_coverTheFolder(t *testing.T) {
	paths, err := filepath.Glob("../*.s")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !slices.Contains(Files(), filepath.Base(path)) {
			t.Errorf("%s has no generator", path)
		}
	}
}
