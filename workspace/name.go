package workspace

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name in bytes; file systems allow 255 with the suffix.
const maxName = 100

// CheckTaskName says why name cannot be the name of a task, nil if it can: tasks are
// files and folders, so a name is one path component without dots.
func CheckTaskName(name string) error { return checkName("task", name) }

func checkName(kind, name string) error {
	bad := func(why string) error {
		if len(name) > maxName {
			name = name[:maxName] + "..."
		}
		return fmt.Errorf("%s name %q %s", kind, name, why)
	}
	switch {
	case name == "":
		return fmt.Errorf("%s name is empty", kind)
	case len(name) > maxName:
		return bad(fmt.Sprintf("has %d bytes, want at most %d", len(name), maxName))
	case !utf8.ValidString(name):
		return bad("is not UTF-8")
	case strings.HasPrefix(name, "-"):
		return bad("begins with a dash, which reads as a flag")
	}
	for _, r := range name {
		if strings.ContainsRune(`/\.:`, r) {
			return bad(fmt.Sprintf("holds %q; want letters, digits, _ and -", r))
		}
		if !unicode.IsPrint(r) || unicode.IsSpace(r) {
			return bad(fmt.Sprintf("holds the character %U; want letters, digits, _ and -", r))
		}
	}
	return nil
}

// A NotFoundError names what is missing and what there is instead.
// errors.Is(err, fs.ErrNotExist) holds for it.
type NotFoundError struct {
	Kind   string // "task", "model", "snapshot", "mapping"
	Name   string // as asked; empty where any would have done
	Task   string // of a model
	Dir    string // the workspace
	Have   []string
	Advice string // what to do; may be empty
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	b.WriteString("no " + e.Kind)
	if e.Name != "" && e.Kind != "mapping" {
		fmt.Fprintf(&b, " %q", e.Name)
	}
	if e.Task != "" {
		fmt.Fprintf(&b, " of task %q", e.Task)
	}
	fmt.Fprintf(&b, " in workspace %q", e.Dir)
	if hint := e.Hint(); hint != "" {
		b.WriteString(" (" + hint + ")")
	}
	return b.String()
}

// Is makes the error match [fs.ErrNotExist].
func (e *NotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// Hint says what was perhaps meant, else what there is, else what to do.
func (e *NotFoundError) Hint() string {
	const most = 10 // names that fit a line
	switch near := nearest(e.Name, e.Have); {
	case near != "":
		return fmt.Sprintf("did you mean %q?", near)
	case len(e.Have) > most:
		return fmt.Sprintf("have %s and %d more", strings.Join(e.Have[:most], ", "), len(e.Have)-most)
	case len(e.Have) > 0:
		hint := "have " + strings.Join(e.Have, ", ")
		if e.Advice != "" {
			hint += "; " + e.Advice
		}
		return hint
	}
	return e.Advice
}

// nearest returns the name of have that differs from name by the fewest edits, if
// these are at most a third of its length; the first of equals.
func nearest(name string, have []string) string {
	best, edits := "", len([]rune(name))/3+1
	for _, h := range have {
		if d := editDistance(strings.ToLower(name), strings.ToLower(h)); d < edits {
			best, edits = h, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbouring
// characters (optimal string alignment).
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range y {
			cost := last[j]
			if x[i] != y[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
