package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of inference; each can be overridden per column in the mapping.
const (
	maxCategories = 1000 // more distinct values are no categories
	longText      = 6.0  // mean words from which few distinct texts are still prose
	proseDistinct = 20   // up to so many distinct long texts are categories after all
)

// Infer decides the semantic type of every column and the time of every table of s,
// and writes each decision with its reason into s. stats is aligned with the tables
// and their columns; a table without statistics (nil) is judged by names and types.
// The result depends on nothing but its arguments. [Schema.Warnings] tells where it
// may let a model see the future.
func Infer(s *Schema, stats [][]ColumnStats) {
	in := &inference{schema: s, stats: stats, score: make([]int, len(s.Tables))}
	for i, t := range s.Tables {
		for c := range t.Columns {
			t.Columns[c].Sem, t.Columns[c].Reason = semType(s, t, c, in.at(i, c))
			t.Columns[c].Total = in.at(i, c).Total
		}
	}
	for i, t := range s.Tables {
		if t.TimeDeclared {
			if t.Time != nil {
				in.score[i] = scoreDeclared
			}
			continue
		}
		t.Time, in.score[i], t.TimeNote = ownTime(t, func(c int) ColumnStats { return in.at(i, c) })
	}
	in.inheritTimes()
	for i, t := range s.Tables {
		if s.untimed(i) {
			t.warn(s.parentLeads(i), t.timeLike())
		}
		for c := range t.Columns {
			if why := s.writtenLater(i, c); why != "" {
				t.Columns[c].Reason += "; " + why + ": ignore it if it is filled in later than the row (TK218)"
			}
		}
	}
}

// inference is what choices about one table ask about others.
type inference struct {
	schema *Schema
	stats  [][]ColumnStats
	score  []int // of the choice of each table's time
}

// at returns the statistics of column c of table t, empty where there are none.
func (in *inference) at(t, c int) ColumnStats {
	if t < len(in.stats) && c < len(in.stats[t]) {
		return in.stats[t][c]
	}
	return ColumnStats{}
}

// rows is the number of rows of table t, -1 where it is unknown.
func (in *inference) rows(t int) int64 {
	if t < len(in.stats) && len(in.stats[t]) > 0 {
		return int64(in.stats[t][0].Rows)
	}
	return in.schema.Tables[t].Estimate
}

// semType decides the meaning of one column. The order of the questions matters:
// identity first, then what must not be used, then what the values look like.
func semType(s *Schema, t *Table, c int, st ColumnStats) (SemType, string) {
	col := &t.Columns[c]
	word := SecretName(col.Name)
	switch {
	case col.Kind == Opaque && word != "":
		return SemIgnore, fmt.Sprintf("named like a secret (%s), so it is not read", word)
	case col.Kind == Opaque:
		return SemIgnore, fmt.Sprintf("type %s is not read", col.DBType)
	}
	if col.Kind != Time {
		if why := identity(s, t, c); why != "" && word != "" {
			return SemID, fmt.Sprintf("%s; named like a secret (%s): its values are stored to link rows", why, word)
		} else if why != "" {
			return SemID, why
		}
	}
	if word != "" {
		return SemIgnore, fmt.Sprintf("named like a secret (%s)", word)
	}
	if st.constant() {
		if st.Distinct == 0 {
			return SemIgnore, "only NULLs"
		}
		return SemIgnore, fmt.Sprintf("the same value in all %d rows", st.Rows)
	}
	switch col.Kind {
	case Bool:
		return SemBoolean, "type " + col.DBType
	case Time:
		return SemTimestamp, "type " + col.DBType
	case Int, Float:
		return numberType(col, st)
	}
	return textType(col, st)
}

// identity says why column c names rows, or "".
func identity(s *Schema, t *Table, c int) string {
	for _, l := range t.Links {
		if slices.Contains(l.Columns, c) {
			return "foreign key to " + s.Tables[l.To].Name
		}
	}
	switch {
	case slices.Contains(t.Key, c) && len(t.Key) == 1:
		return "primary key"
	case slices.Contains(t.Key, c):
		return "part of the primary key"
	}
	for _, u := range t.Unique {
		if len(u) == 1 && u[0] == c && t.Columns[c].Kind == Int {
			return "unique key"
		}
	}
	return ""
}

// numberType decides between amounts and numbers that are names. Few distinct values
// alone make no category: points, wins and grades are amounts.
func numberType(col *Column, st ColumnStats) (SemType, string) {
	w := split(col.Name)
	switch {
	case !identifier(w) && !code(w):
		return SemNumerical, "type " + col.DBType
	case col.Kind == Float && !st.Integers:
		return SemNumerical, "type " + col.DBType + ", with fractions"
	case st.Rows == 0 && identifier(w):
		return SemID, "named like an identifier; no key or foreign key is declared"
	case st.Rows == 0:
		return SemNumerical, "type " + col.DBType
	case few(st):
		return SemCategorical, fmt.Sprintf("named like %s, no key is declared, %s", what(w), distinct(st))
	case identifier(w):
		return SemID, fmt.Sprintf("named like an identifier, %s; no key or foreign key is declared", distinct(st))
	}
	return SemNumerical, fmt.Sprintf("type %s, %s", col.DBType, distinct(st))
}

func what(w []string) string {
	if identifier(w) {
		return "an identifier"
	}
	return "a code"
}

// few reports whether the distinct values repeat enough to be categories.
func few(st ColumnStats) bool {
	return st.Distinct > 0 && !st.DistinctCapped && st.Distinct <= maxCategories && 2*st.Distinct <= st.values()
}

func distinct(st ColumnStats) string {
	if st.DistinctCapped {
		return fmt.Sprintf("more than %d distinct values", st.Distinct)
	}
	values := "values"
	if st.Distinct == 1 {
		values = "value"
	}
	return fmt.Sprintf("%d distinct %s in %d rows", st.Distinct, values, st.values())
}

// textType decides between categories, free text and identifiers.
func textType(col *Column, st ColumnStats) (SemType, string) {
	w := split(col.Name)
	switch {
	case col.DBType == "uuid":
		if few(st) {
			return SemCategorical, "uuid, no key is declared, " + distinct(st)
		}
		return SemID, "uuid; no key or foreign key is declared"
	case col.DBType == "bytea":
		return SemID, "a binary key"
	case st.Rows == 0:
		return SemText, "type " + col.DBType
	case identifier(w) && !few(st):
		return SemID, fmt.Sprintf("named like an identifier, %s; no key or foreign key is declared", distinct(st))
	case personName(words(col.Name)):
		return SemText, "named like names of people"
	case few(st) && st.MeanWords > longText && st.Distinct > proseDistinct:
		return SemText, fmt.Sprintf("%.0f words on average", st.MeanWords)
	case few(st):
		return SemCategorical, distinct(st)
	case st.Distinct == st.values() && !st.DistinctCapped:
		return SemText, "every value is different"
	}
	return SemText, distinct(st)
}

// joinNames prints names as a list.
func joinNames(names []string) string { return strings.Join(names, ", ") }
