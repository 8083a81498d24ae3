package tasks

import "testing"

// BenchmarkLabel_relf1 labels the three windowed tasks of rel-f1 over all their anchors in
// memory, once each; the goal is 0.5 s for all three.
func BenchmarkLabel_relf1(b *testing.B) {
	w, snap := relF1(b)
	b.ReportAllocs()
	for b.Loop() {
		for name, want := range map[string]int{"driver-position": 7453 + 499 + 760, "driver-dnf": 11411 + 566 + 702, "driver-top3": 1353 + 588 + 726} {
			l, err := Label(background, snap, f1Task(b, w, name), 0)
			if err != nil {
				b.Fatal(err)
			}
			if len(l.Label) != want {
				b.Fatalf("%s has %d examples, want %d", name, len(l.Label), want)
			}
		}
	}
}
