package schema

import (
	"fmt"
	"strings"
)

// Mapping is what a mapping file says: what each table and column means, where that
// differs from or confirms what was inferred. Read one with [ReadMapping], lay it
// over an inferred schema with [Mapping.Apply].
type Mapping struct {
	Tables []TableMapping // in the order of the file
}

// TableMapping is the entry of one table. Fields that the file leaves out are nil or
// have Set false: there the inferred value stays.
type TableMapping struct {
	Name    Named
	Ignore  bool
	Key     *[]Named // empty = no key
	Time    TimeMapping
	Links   *[]LinkMapping // all foreign keys; one that is not listed is dropped
	Columns []ColumnMapping
}

// Named is a name with the line of the file that it stands in.
type Named struct {
	Text string
	Line int
}

// TimeMapping is the time of a table as the file gives it.
type TimeMapping struct {
	Set    bool
	None   bool  // "time: none"
	Column Named // own column, or with Via a column of the parent; empty with Via = the parent's own time
	Via    Named // label or constraint name of a foreign key; empty = own column
	Until  Named
	Zone   Named
	Day    Named // "start" or "end": when on its day a date counts; empty = start
}

// LinkMapping is one foreign key of the file.
type LinkMapping struct {
	Line    int
	Name    string
	Columns []Named
	To      Named
	Ref     []Named // empty = the primary key of To
}

// ColumnMapping is the entry of one column.
type ColumnMapping struct {
	Name Named
	Type Named // empty = as inferred
}

// A MappingError is one fault of a mapping file.
type MappingError struct {
	Line int    // 1-based
	Msg  string // what was found
	Hint string // what to write; may be empty
}

func (e *MappingError) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("mapping line %d: %s", e.Line, e.Msg)
	}
	return fmt.Sprintf("mapping line %d: %s (%s)", e.Line, e.Msg, e.Hint)
}

// MappingErrors are all faults of a mapping file, in the order of its lines.
type MappingErrors []*MappingError

func (e MappingErrors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single fault.
func (e MappingErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, x := range e {
		out[i] = x
	}
	return out
}

// faults collects errors while a file is read or applied.
type faults struct{ list MappingErrors }

func (f *faults) add(line int, hint, msg string, args ...any) {
	f.list = append(f.list, &MappingError{Line: line, Msg: fmt.Sprintf(msg, args...), Hint: hint})
}

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list
}

// suggest words the hint for an unknown name.
func suggest(word string, names []string, otherwise string) string {
	if best := Nearest(word, names); best != "" {
		return fmt.Sprintf("did you mean %q? %s", best, otherwise)
	}
	return otherwise
}
