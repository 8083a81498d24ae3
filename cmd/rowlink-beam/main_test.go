package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The main program must not grow by the SDK, nor by anything of this one.
func TestMainProgramDoesNotImportBeam(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/rowlink/rowlink/cmd/rowlink").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "apache/beam") || strings.Contains(line, "rowlink/beam") {
			t.Errorf("cmd/rowlink depends on %s", strings.TrimSpace(line))
		}
	}
}
