package main

import (
	"math"
	"strings"
	"testing"
)

// What can be told without a simulation comes out of it.
func TestWorld(t *testing.T) {
	near := func(what string, got, want, by float64) {
		t.Helper()
		if math.Abs(got-want) > by {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("alike", World{Workers: 10, Shards: 100}.Mean(3), 1, 1e-9)
	near("shared out beforehand", World{Workers: 10, Shards: 100, Static: true}.Mean(3), 1, 1e-9)
	near("all slow", World{Workers: 10, Shards: 100, Slow: 1, SlowBy: 3}.Mean(3), 3, 1e-9)
	near("one worker", World{Workers: 1, Shards: 7, Spread: 1}.Mean(3), 1, 1e-9)
	// A shard of a slow worker, shared out, holds all up; taken one by one, hardly.
	near("slow, static", World{Workers: 100, Shards: 1000, Slow: .1, SlowBy: 3, Static: true}.Mean(20), 3, .01)
	near("slow, queue", World{Workers: 100, Shards: 10000, Slow: .1, SlowBy: 3}.Mean(20), 1/(.9+.1/3), .04)
	// A key that cannot be cut is a floor.
	if got := (World{Workers: 100, Shards: 10000, Hot: .05}).Mean(5); got < 5 || got > 6.2 {
		t.Errorf("hot key: %v", got)
	}
	// Kills lose half a shard each at most, and the time until somebody takes over.
	quiet, killed := World{Workers: 20, Shards: 2000}.Mean(5), World{Workers: 20, Shards: 2000, Kills: 1, Takeover: .01}.Mean(5)
	if killed <= quiet || killed > quiet+.1 {
		t.Errorf("killed: %v, undisturbed %v", killed, quiet)
	}
	if a, b := (World{Workers: 9, Shards: 90, Spread: 1}).Run(3), (World{Workers: 9, Shards: 90, Spread: 1}).Run(3); a != b {
		t.Error("two draws of one seed differ")
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run("", &out); err != nil || !strings.Contains(out.String(), "| score all entities | entities | 1.42e+04 |") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := run("none.json", &out); err == nil {
		t.Error("a file that is not there was read")
	}
}
