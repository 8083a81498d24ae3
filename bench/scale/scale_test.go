package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// childFolder tells a copy of the test program where to take a database through the path.
const childFolder = "ROWLINK_SCALE_FOLDER"

// The database of the memory test: 4 M facts, of which one column of integers is 32 MB.
const (
	testLinks  = 8_000_000
	columnMB   = 32.0
	collectMB  = 64 // the collector of the child keeps its heap near this
	writingMB  = 45 // most memory beside mapped files for writing: buffers of all columns
	openingMB  = 25 // the same for opening and linking
	snapshotMB = 227.0
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	debug.SetMemoryLimit(collectMB * 1e6)
	r, err := measure(context.Background(), dir, testLinks)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

// TestMemory takes a database through the whole path in a process of its own, in which
// the snapshot must stay in its files: opening and linking it leave no room for one of
// its columns, writing it for none beside the buffers, training and scoring for half.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell the memory of a process")
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childFolder+"="+t.TempDir())
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.SnapshotMB < snapshotMB-5 || r.SnapshotMB > snapshotMB+5 || r.GraphMB < 2*columnMB {
		t.Errorf("snapshot of %.1f MB and graph of %.1f MB, want about %.0f and 98", r.SnapshotMB, r.GraphMB, snapshotMB)
	}
	for _, s := range r.Stages {
		most := snapshotMB / 2
		switch s.Name {
		case "write snapshot":
			most = writingMB
		case "open snapshot", "build graph", "open graph", "sample":
			most = openingMB
		}
		if s.AnonMB == 0 || s.AnonMB > most {
			t.Errorf("%s: %.0f MB of memory beside mapped files, want at most %.0f for a snapshot of %.0f MB", s.Name, s.AnonMB, most, r.SnapshotMB)
		}
		t.Logf("%s: %.2f s of processor time, %.0f MB besides mapped files, %.0f MB with them", s.Name, s.CPU, s.AnonMB, s.RSSMB)
	}
}

// Training over mapped files gives the bits of training in memory.
func TestMappedTraining(t *testing.T) {
	if testing.Short() {
		t.Skip("trains twice")
	}
	folder, err := writeShop(t.TempDir(), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := ingest.OpenSnapshot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	mapped, err := graph.OpenOrStore(folder, snap, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	built, err := graph.Build(snap)
	if err != nil {
		t.Fatal(err)
	}
	var weights []string
	for _, g := range []*graph.Graph{mapped, built} {
		_, bound, err := fit(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		weights = append(weights, bound.WeightsHash())
	}
	if weights[0] != weights[1] {
		t.Errorf("weights %s over mapped files, %s in memory", weights[0], weights[1])
	}
}

// The file of results keeps what other runs measured, and the chart is drawn of them.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	of := func(links, limit int, cpu float64) Result {
		return Result{Links: links, LimitMB: limit, Stages: []Stage{{Name: "write", Seconds: 2 * cpu, CPU: cpu, Work: float64(links), Unit: "links", AnonMB: 3}}}
	}
	if err := keep(dir, []Result{of(1000, 0, 1), of(100, 0, .1)}); err != nil {
		t.Fatal(err)
	}
	if err := keep(dir, []Result{of(1000, 0, 2), of(1000, 50, 3)}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "scale.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Result
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	var cpu []float64
	for _, r := range all {
		cpu = append(cpu, r.Stages[0].CPU)
	}
	if !slices.Equal(cpu, []float64{.1, 2, 3}) {
		t.Errorf("processor seconds %v, want those of 100 links, 1000 links anew, and 1000 within a limit", cpu)
	}
	if info, err := os.Stat(filepath.Join(dir, "scale.svg")); err != nil || info.Size() < 1000 {
		t.Error("no chart:", err)
	}
}
