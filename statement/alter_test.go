package statement

import (
	"slices"
	"testing"
)

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          []string
	}{
		{"a\nb\nc", "a\nb\nc", nil},
		{"a\nb\nc", "a\nx\nc", []string{"- b", "+ x"}},
		{"a\nb\nc\nd", "a\nc\ny\nd", []string{"- b", "+ y"}},
		{"a", "a\nb", []string{"+ b"}},
		{"a\nb", "b", []string{"- a"}},
	} {
		if got := difference(c.before, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%q to %q: %q, want %q", c.before, c.after, got, c.want)
		}
	}
}
