package schema

import "strings"

// Nearest returns the name that a misspelt word most likely stands for, or "" when
// none is close. Case counts for nothing; of equally near names the first is taken.
// Cost: O(len(word) * total length of names).
func Nearest(word string, names []string) string {
	w := []rune(strings.ToLower(word))
	best, bound := "", len(w)/3+2 // more edits than this is another word
	for _, n := range names {
		if d := edits(w, []rune(strings.ToLower(n)), bound); d < bound {
			best, bound = n, d
		}
	}
	return best
}

// edits is the number of insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment) that turn a into b, or bound if it is not less.
func edits(a, b []rune, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], bound)
}
