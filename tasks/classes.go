package tasks

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxClasses is the most classes of a multiclass task (code TK177).
const maxClasses = 1000

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

// Trainable reports why no model can learn from the table: training labels of one class
// only (TK176), too many classes (TK177), or a split without examples (TK165).
func (l *LabelTable) Trainable() error {
	for _, s := range []Split{Train, Val} {
		if l.Report.Examples[s] == 0 {
			return &Error{Code: "TK165", Msg: fmt.Sprintf("no %s example: nobody is eligible", s), Hint: "see the label report for the reasons"}
		}
	}
	if l.Task.Type == Regression {
		return nil
	}
	if n := len(l.Classes); n > maxClasses {
		return &Error{Code: "TK177", Msg: fmt.Sprintf("%d classes, want at most %d", n, maxClasses)}
	}
	first, n := -1, 0
	for i, s := range l.Split {
		if s == Train && (first < 0 || l.Label[i] != l.Label[first]) {
			first, n = i, n+1
		}
	}
	if n < 2 {
		return &Error{Code: "TK176", Msg: fmt.Sprintf("all %d training labels are the same", l.Report.Examples[Train]), Hint: "check the target's condition and the dates of the splits"}
	}
	return nil
}
