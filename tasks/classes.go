package tasks

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// setClasses numbers the classes that training has seen, numbers by value and text by its
// bytes, and drops the examples of any other class.
func (l *LabelTable) setClasses(class []string, trains func(*LabelTable, int) bool) {
	l.Classes = []string{}
	seen := map[string]bool{}
	for i, c := range class {
		if trains(l, i) && !seen[c] {
			seen[c] = true
			l.Classes = append(l.Classes, c)
		}
	}
	sortClasses(l.Classes)
	place := make(map[string]int, len(l.Classes))
	for i, c := range l.Classes {
		place[c] = i
	}
	to := 0
	for i, c := range class {
		p, ok := place[c]
		if !ok {
			l.Report.UnseenClass++
			continue
		}
		l.Entity[to], l.Anchor[to], l.Split[to], l.Label[to] = l.Entity[i], l.Anchor[i], l.Split[i], float64(p)
		to++
	}
	l.Entity, l.Anchor, l.Split, l.Label = l.Entity[:to], l.Anchor[:to], l.Split[:to], l.Label[:to]
}

func sortClasses(classes []string) {
	numbers := map[string]float64{}
	for _, c := range classes {
		if x, err := strconv.ParseFloat(c, 64); err == nil {
			numbers[c] = x
		}
	}
	if len(numbers) < len(classes) {
		slices.Sort(classes)
		return
	}
	slices.SortFunc(classes, func(a, b string) int {
		if c := cmp.Compare(numbers[a], numbers[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}
