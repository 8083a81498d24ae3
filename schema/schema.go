// Package schema owns what a database looks like and what each column means:
// tables, keys, foreign keys, time columns, semantic types, and the mapping file
// in which a user reads and overrides what was inferred. It does no I/O to databases.
package schema

import "strings"

// Schema is the set of tables of one database that rowlink works on. Positions
// in Tables are the table numbers used everywhere else.
type Schema struct {
	Tables []*Table
	// Skipped lists what was found and left out, each with a reason.
	Skipped []Skipped
}

// Skipped names an object of the database that takes no part, and why.
type Skipped struct{ Object, Reason string }

// Table describes one table. Column numbers are positions in Columns.
type Table struct {
	Namespace string // schema of the database ("public"); empty where there is none
	Name      string
	Columns   []Column
	Key       []int    // primary key, in key order; empty when there is none
	Unique    [][]int  // further unique keys whose columns are all NOT NULL
	Links     []Link   // foreign keys of this table
	Time      *RowTime // nil for a table without time
	// TimeDeclared: the source says what the time is, or that there is none; it is not inferred.
	TimeDeclared bool
	TimeNote     string // columns passed over as time and other candidates, for people
	Ignore       bool   // set in the mapping: takes no part in the graph
	KeyReason    string // where Key comes from: "declared", "mapping"
	Estimate     int64  // rows by the catalog's estimate; -1 = unknown
}

// Column describes one column.
type Column struct {
	Name    string
	DBType  string // as the database prints it: "timestamp without time zone"
	Kind    Kind   // how values are stored
	NotNull bool
	Sem     SemType
	Reason  string // why Sem was chosen; shown to the user and kept in the mapping
	Total   *Total // its values are a total over rows of another table; nil = not known to be
}

// Total says that a column's values are a count, sum or latest time of the rows of table
// Table that refer to the column's row by foreign key Link (a position in its Links).
type Total struct {
	Table int    `json:"table"`
	Link  int    `json:"link"`
	Why   string `json:"why"`
}

// Declared is the Reason of what the database itself declares.
const Declared = "declared"

// Link is a foreign key: Columns of the table that holds it point to Ref
// columns of table To, pairwise. To is a table number of the same Schema.
type Link struct {
	Name    string // constraint name, or the column names joined by "_"
	Columns []int
	To      int
	Ref     []int
	Reason  string // "declared", "mapping", "proposed: ..."
}

// RowTime says when a row of a table came to be known. With Via set, Column is a
// column of the parent that foreign key Via (a position in Links) points to, or -1
// for the parent's own row time, inherited or not: the row inherits its parent's time.
type RowTime struct {
	Column int
	Via    int // position in Table.Links; -1 = the table's own column
	Until  int // own column that ends the row's validity; -1 = none
	Zone   string
	DayEnd bool // a date counts from the end of its day on, not from the start
	Reason string
}

// Table returns the number of the table with exactly that name ("name" or
// "namespace.name"), or -1.
func (s *Schema) Table(name string) int {
	for i, t := range s.Tables {
		if t.Name == name || t.FullName() == name {
			return i
		}
	}
	return -1
}

// FullName is the name with its namespace when it has one.
func (t *Table) FullName() string {
	if t.Namespace == "" {
		return t.Name
	}
	return t.Namespace + "." + t.Name
}

// Column returns the number of the column with exactly that name, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// LinkOn returns the link that consists of just that column; ok is false where none does,
// or several do.
func (t *Table) LinkOn(col int) (link int, ok bool) {
	found, n := -1, 0
	for i, l := range t.Links {
		if len(l.Columns) == 1 && l.Columns[0] == col {
			found, n = i, n+1
		}
	}
	return found, n == 1
}

// Names returns the names of the given columns.
func (t *Table) Names(cols []int) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = t.Columns[c].Name
	}
	return out
}

// Label names the link for people and for edge types: its columns joined by "_".
func (t *Table) Label(l Link) string { return strings.Join(t.Names(l.Columns), "_") }

// IsKey reports whether column c belongs to the primary key or to a foreign key:
// such columns carry identity, not features.
func (t *Table) IsKey(c int) bool {
	for _, k := range t.Key {
		if k == c {
			return true
		}
	}
	for _, l := range t.Links {
		for _, k := range l.Columns {
			if k == c {
				return true
			}
		}
	}
	return false
}
