package graph

import (
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// Step walks one link: up from the child that holds it to its parent, or down from
// the parent to its children. Table holds the link, Link is its position there.
type Step struct {
	Table, Link int
	Down        bool
}

// To returns the table where the step ends.
func (s Step) To(sc *schema.Schema) int {
	if s.Down {
		return s.Table
	}
	return sc.Tables[s.Table].Links[s.Link].To
}

// Paths returns all shortest paths between two tables of at least one and at most
// limit steps, over links walked in either direction; none when there is no path.
// Ignored tables take no part. The order is fixed: at each table links up first, by
// their position, then links down, by table and position.
func Paths(sc *schema.Schema, from, to, limit int) [][]Step {
	w := newWalker(sc, from, to)
	for n := 1; n <= limit; n++ {
		if w.walk(n); len(w.found) > 0 {
			break
		}
	}
	return w.found
}

// LongerAlternatives returns the paths of at most limit steps that are longer than
// those of [Paths] and pass no table twice, shortest first. They are what a user
// could have meant by naming a path.
func LongerAlternatives(sc *schema.Schema, from, to, limit int) [][]Step {
	w := newWalker(sc, from, to)
	shortest := 0
	for n := 1; n <= limit; n++ {
		if w.walk(n); shortest == 0 && len(w.found) > 0 {
			shortest = len(w.found)
		}
	}
	return w.found[shortest:]
}

// FormatPath prints a path that starts at table from with the columns that it
// follows: "results -driverId-> drivers <-driverId- standings".
func FormatPath(sc *schema.Schema, from int, path []Step) string {
	var b strings.Builder
	b.WriteString(sc.Tables[from].Name)
	for _, s := range path {
		t := sc.Tables[s.Table]
		if label := t.Label(t.Links[s.Link]); s.Down {
			b.WriteString(" <-" + label + "- ")
		} else {
			b.WriteString(" -" + label + "-> ")
		}
		b.WriteString(sc.Tables[s.To(sc)].Name)
	}
	return b.String()
}

// walker enumerates walks from one table to another by their exact length.
type walker struct {
	sc       *schema.Schema
	from, to int
	steps    [][]Step // per table: what leaves it
	left     []int    // per table: fewest steps to the target, -1 = unreachable
	passed   []bool
	path     []Step
	found    [][]Step
}

func newWalker(sc *schema.Schema, from, to int) *walker {
	w := &walker{sc: sc, from: from, to: to, steps: make([][]Step, len(sc.Tables)),
		left: Distances(sc, to), passed: make([]bool, len(sc.Tables))}
	for t, links := range usable(sc) {
		for _, l := range links {
			w.steps[t] = append(w.steps[t], Step{Table: t, Link: l})
		}
	}
	for t, links := range usable(sc) {
		for _, l := range links {
			p := sc.Tables[t].Links[l].To
			w.steps[p] = append(w.steps[p], Step{Table: t, Link: l, Down: true})
		}
	}
	return w
}

func (w *walker) walk(n int) { w.step(w.from, n) }

// step extends the path from table at by exactly n steps. Going down a link and up
// the same one again returns to the row it came from and is no path.
func (w *walker) step(at, n int) {
	w.passed[at] = true
	for _, s := range w.steps[at] {
		next := s.To(w.sc)
		if w.left[next] < 0 || w.left[next] >= n {
			continue
		}
		if last := len(w.path) - 1; last >= 0 && w.path[last] == (Step{s.Table, s.Link, true}) && !s.Down {
			continue
		}
		w.path = append(w.path, s)
		if n == 1 {
			if next == w.to {
				w.found = append(w.found, append([]Step(nil), w.path...))
			}
		} else if !w.passed[next] && next != w.to {
			w.step(next, n-1)
		}
		w.path = w.path[:len(w.path)-1]
	}
	w.passed[at] = false
}

// usable returns per table the positions of its links between tables that are not ignored.
func usable(sc *schema.Schema) [][]int {
	out := make([][]int, len(sc.Tables))
	for t, table := range sc.Tables {
		for l, link := range table.Links {
			if !table.Ignore && !sc.Tables[link.To].Ignore {
				out[t] = append(out[t], l)
			}
		}
	}
	return out
}
