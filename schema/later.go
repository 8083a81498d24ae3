package schema

import (
	"fmt"
	"slices"
)

// Words of columns that are filled in or changed after their row was first known.
var (
	// actWords tell of an act that ended or changed what the row tells of.
	actWords = []string{"deleted", "removed", "resolved", "closed", "ended", "finished", "completed", "completion", "shipped", "delivered",
		"cancelled", "canceled", "archived", "returned", "refunded", "terminated", "retired"}
	deathWords = []string{"death", "died", "dod"}
	// stateWords tell of the newest state.
	stateWords    = []string{"updated", "modified", "changed", "edited", "last", "latest", "seen"}
	statePrefixes = []string{"updat", "modif", "last", "delet", "resolv"}
	countWords    = []string{"count", "counts", "cnt"}
	totalWords    = []string{"total", "num", "lifetime", "cumulative", "ytd"}
	// tallyWords are running totals that systems keep of things that are seldom rows.
	tallyWords = []string{"views", "votes", "upvotes", "downvotes", "likes", "dislikes", "followers", "subscribers", "downloads", "visits", "hits", "reputation", "karma"}
	// missWords are measured when something planned has come.
	missWords = []string{"delay", "lateness", "overrun"}
)

// writtenLater says why a column may tell what happened after its row was known, or
// "": a time of a later act, a flag of one, or a total over other rows.
func (s *Schema) writtenLater(table, c int) string {
	t := s.Tables[table]
	col := &t.Columns[c]
	if col.Sem == SemIgnore || col.Sem == SemID || t.Time != nil && (t.Time.Until == c || t.Time.Via < 0 && t.Time.Column == c) {
		return ""
	}
	if tot := col.Total; tot != nil && s.comesLater(tot, table) {
		return tot.Why
	}
	w := split(col.Name)
	word := wordOf(w, deathWords, []string{"death"})
	switch {
	case word != "":
	case col.Kind == Time:
		word = wordOf(w, slices.Concat(actWords, stateWords), statePrefixes)
		if word == "" && !col.NotNull {
			word = wordOf(w, []string{"end", "ends", "final"}, nil)
		}
	case col.Kind == Bool:
		word = wordOf(w, actWords, nil)
	case col.Kind.Numeric():
		if why := s.runningTotal(table, w); why != "" {
			return why
		}
		word = wordOf(w, slices.Concat([]string{"last", "latest"}, missWords), nil)
	}
	if word == "" {
		return ""
	}
	return fmt.Sprintf("named like %q", word)
}

// comesLater reports whether the rows of a total may come after the row that holds it:
// lines that have their time from the row itself do not. Links may have been changed by
// the mapping.
func (s *Schema) comesLater(tot *Total, table int) bool {
	if tot.Table < 0 || tot.Table >= len(s.Tables) {
		return false
	}
	o := s.Tables[tot.Table]
	if tot.Link < 0 || tot.Link >= len(o.Links) || o.Links[tot.Link].To != table || o.Ignore {
		return false
	}
	return o.Time == nil || o.Time.Via != tot.Link
}

// runningTotal says why a number may count rows that came later, or "". Only tables
// that others refer to gather such totals; lines that have their time from the row
// itself (the lines of an order) do not change it later.
func (s *Schema) runningTotal(table int, w []string) string {
	later := false
	for i, o := range s.Tables {
		for j, l := range o.Links {
			if i == table || l.To != table || o.Ignore || o.Time != nil && o.Time.Via == j {
				continue
			}
			later = true
			if names := words(o.Name); len(w) > 0 && len(names) > 0 && w[len(w)-1] == names[len(names)-1] && singular(w[len(w)-1]) != w[len(w)-1] {
				return "named like the rows of " + s.fileName(o)
			}
		}
	}
	switch {
	case !later || len(w) == 0:
	case slices.Contains(countWords, w[len(w)-1]):
		return "named like a count of other rows"
	case len(w) > 1 && slices.Contains(totalWords, w[0]):
		return "named like a total over other rows"
	case slices.Contains(tallyWords, w[len(w)-1]):
		return "named like a running total"
	}
	return ""
}
