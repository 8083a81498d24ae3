package train

import (
	"slices"
	"testing"

	"github.com/rowlink/rowlink/tasks"
)

// The youngest examples are those of the last anchors, whole, in their order.
func TestYoungest(t *testing.T) {
	r := &run{Data: Data{Labels: &tasks.LabelTable{Anchor: []int64{5, 1, 4, 4, 2, 5, 3}}}}
	all := []int{0, 1, 2, 3, 4, 6}
	for recent, want := range map[int][]int{-1: all, 1: {0}, 2: {0, 2, 3}, 3: {0, 2, 3}, 4: {0, 2, 3, 6}, 6: all, 9: all} {
		r.opt.Recent = recent
		if got := r.youngest(all); !slices.Equal(got, want) {
			t.Errorf("the youngest %d are %d, want %d", recent, got, want)
		}
	}
}
