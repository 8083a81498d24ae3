package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Words of time columns. A row's time is when it came to be known, so words of later
// changes, of ends, of plans and of births disqualify.
var (
	creationWords = []string{"created", "creation", "create", "inserted", "insert", "recorded", "logged", "added", "registered", "registration",
		"posted", "occurred", "occurrence", "event", "ordered", "placed", "joined", "opened", "started", "start", "begin", "began",
		"submitted", "received", "published", "observed", "measured", "entered", "signup", "purchase", "purchased", "sold", "hired", "hire"}
	neverWords = []string{"updated", "update", "modified", "modification", "changed", "change", "edited", "edit", "last", "latest",
		"birth", "birthday", "birthdate", "born", "dob", "death", "died", "dod", "deleted", "removed", "resolved", "closed", "expires", "expire", "expired",
		"expiry", "expiration", "until", "due", "deadline", "required",
		"shipped", "shipping", "delivered", "delivery", "cancelled", "canceled", "planned", "scheduled", "estimated", "expected", "archived",
		"seen", "next", "final", "to", "thru", "through", "returned", "return", "refunded", "terminated", "termination", "retired", "sync", "synced"}
	laterWords = []string{"updated", "modified", "changed", "edited", "last", "latest", "deleted", "removed", "resolved", "closed",
		"ended", "finished", "completed", "shipped", "delivered", "cancelled", "canceled", "archived", "returned", "refunded", "terminated"}
	// A row about a whole season or process is known when that is over. Taking its end
	// shows no row too early, so it serves where no better name is there.
	endWords      = []string{"end", "ended", "ends", "finish", "finished", "completed", "completion"}
	neverPrefixes = []string{"updat", "modif", "last", "birth", "delet", "resolv", "expir"}
	plainWords    = []string{"date", "time", "timestamp", "datetime", "ts", "day", "at", "when", "moment"}
)

// Scores of names for [ownTime]; a NULL-free column and one in key order get more.
const (
	scoreCreation = 100
	scorePlain    = 90 // "date", "timestamp"
	scoreTable    = 80 // "order_date" in orders
	scoreDated    = 60 // "quali_date", "paid_at"
	scoreEnd      = 40 // "season_end", where it is never NULL
	scoreUnknown  = 30

	bonusNotNull = 25
	bonusOrder   = 10
	maxNullShare = 0.2 // rows without time are never visible: more is no row time
)

// candidate is a column that could be the time of its table.
type candidate struct {
	column, score int
	reason        string
}

// ownTime chooses the column that says when a row came to be known. note says which
// columns were passed over when none is chosen, or which other ones there are.
func ownTime(t *Table, stats func(c int) ColumnStats) (*RowTime, string) {
	var good []candidate
	var no []string
	for c := range t.Columns {
		if t.Columns[c].Kind != Time {
			continue
		}
		cand, why := judgeTime(t, c, stats(c))
		if why != "" {
			no = append(no, t.Columns[c].Name+" ("+why+")")
			continue
		}
		good = append(good, cand)
	}
	if len(good) == 0 {
		if len(no) > 0 {
			return nil, "not taken as time: " + joinNames(no)
		}
		return nil, ""
	}
	slices.SortStableFunc(good, func(a, b candidate) int { return b.score - a.score })
	best := good[0]
	var others []string
	for _, g := range good[1:] {
		others = append(others, t.Columns[g.column].Name)
	}
	note := ""
	if len(others) > 0 {
		note = "other candidates: " + joinNames(others)
	}
	return &RowTime{Column: best.column, Via: -1, Until: -1, Reason: best.reason}, note
}

// judgeTime scores column c, or says why it is no row time.
func judgeTime(t *Table, c int, st ColumnStats) (cand candidate, why string) {
	col := &t.Columns[c]
	w := split(col.Name)
	if bad := disqualified(w); bad != "" {
		return cand, fmt.Sprintf("named like %q, not like a creation time", bad)
	}
	if st.constant() {
		return cand, "the same in all rows"
	}
	if st.Rows > 0 && float64(st.Nulls) > maxNullShare*float64(st.Rows) {
		return cand, fmt.Sprintf("NULL in %d of %d rows", st.Nulls, st.Rows)
	}
	cand.column = c
	reason := []string{col.DBType}
	full := col.NotNull || st.Rows > 0 && st.Nulls == 0
	switch {
	case col.NotNull:
		cand.score += bonusNotNull
		reason = append(reason, "NOT NULL")
	case full:
		cand.score += bonusNotNull
		reason = append(reason, "no NULLs")
	case st.Nulls > 0:
		reason = append(reason, fmt.Sprintf("%d rows without time are never visible", st.Nulls))
	}
	score, looks := nameScore(t, w)
	if score <= scoreEnd && !full {
		return cand, "nullable, and its name does not say that it is the row's time"
	}
	cand.score += score
	reason = append(reason, looks)
	if st.KeyOrder > 0.5 {
		cand.score += int(bonusOrder * st.KeyOrder)
		reason = append(reason, "grows with the key")
	}
	cand.reason = strings.Join(reason, ", ")
	return cand, ""
}

// disqualified returns the word of a name that speaks against it as a row time, or "".
func disqualified(w []string) string {
	for _, x := range w {
		if slices.Contains(neverWords, x) {
			return x
		}
		for _, p := range neverPrefixes {
			if strings.HasPrefix(x, p) {
				return x
			}
		}
	}
	return ""
}

// writtenLater returns the word of a name which says that the value is filled in
// after the row was first known, or "".
func writtenLater(w []string) string {
	for _, x := range w {
		if slices.Contains(laterWords, x) {
			return x
		}
	}
	return ""
}

// nameScore says how much the words of a name look like a row time.
func nameScore(t *Table, w []string) (int, string) {
	for _, x := range w {
		if slices.Contains(endWords, x) {
			return scoreEnd, "named like an end: rows count as known when it has come"
		}
		if slices.Contains(creationWords, x) {
			return scoreCreation, "named like a creation time"
		}
	}
	if len(w) == 1 && slices.Contains(plainWords, w[0]) {
		return scorePlain, "named like an event time"
	}
	if len(w) == 0 || !slices.Contains(plainWords, w[len(w)-1]) && w[len(w)-1] != "on" {
		return scoreUnknown, "the only hint is its type"
	}
	names := words(t.Name)
	if len(names) > 0 && w[0] == singular(names[len(names)-1]) || strings.Join(w[:len(w)-1], "") == singular(strings.Join(names, "")) {
		return scoreTable, "named after the table"
	}
	return scoreDated, "named like a time"
}

// inheritTime gives a table without a time of its own the time of its only timed
// parent (order lines get the time of their order), or notes why not.
func inheritTime(s *Schema, table int, stats func(c int) ColumnStats) {
	t := s.Tables[table]
	var via []int
	var names []string
	for i, l := range t.Links {
		p := s.Tables[l.To]
		if l.To == table || p.Time == nil || p.Time.Via >= 0 || !alwaysSet(t, l, stats) {
			continue
		}
		via = append(via, i)
		names = append(names, fmt.Sprintf("%s.%s through %s", p.Name, p.Columns[p.Time.Column].Name, t.Label(l)))
	}
	switch {
	case len(via) == 0:
	case len(via) > 1:
		t.note("could be that of " + strings.Join(names, " or ") + "; name one in the mapping")
	case referred(s, table):
		t.note("not taken from " + names[0] + ", because other tables refer to it; name it in the mapping if it fits")
	default:
		l := t.Links[via[0]]
		t.Time = &RowTime{Column: s.Tables[l.To].Time.Column, Via: via[0], Until: -1,
			Reason: "no time of its own; " + names[0] + ", the only parent with a time, and never NULL"}
	}
}

// note adds a remark about the table's time.
func (t *Table) note(s string) {
	if t.TimeNote != "" {
		s = t.TimeNote + "; " + s
	}
	t.TimeNote = s
}

// alwaysSet reports whether every row has a parent through link l.
func alwaysSet(t *Table, l Link, stats func(c int) ColumnStats) bool {
	for _, c := range l.Columns {
		if st := stats(c); !t.Columns[c].NotNull && (st.Rows == 0 || st.Nulls > 0) {
			return false
		}
	}
	return true
}

// referred reports whether another table has a link to table: then it looks like a
// thing that exists on its own, not like a line of its parent.
func referred(s *Schema, table int) bool {
	for i, t := range s.Tables {
		for _, l := range t.Links {
			if l.To == table && i != table {
				return true
			}
		}
	}
	return false
}
