package tql

import "strings"

// Nearest returns the candidate closest to name by edit distance (insert, delete,
// replace, swap of neighbours), case aside. It returns false when none is closer than
// about a third of the name; among equals the first candidate wins.
func Nearest(name string, candidates []string) (string, bool) {
	word := []rune(strings.ToLower(name))
	if len(word) > 64 {
		return "", false // no misspelling; the cost grows with the square
	}
	best, found := 1+max(1, len(word)/3), ""
	for _, c := range candidates {
		if d := distance(word, []rune(strings.ToLower(c))); d < best {
			best, found = d, c
		}
	}
	return found, found != ""
}

// distance is the optimal string alignment distance.
func distance(a, b []rune) int {
	before, last, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(last[j]+1, cur[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, last, cur = last, cur, before
	}
	return last[len(b)]
}
