package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Words of time columns. A row's time is when it came to be known. Words of plans, of
// births, of rows overwritten later and of loads say that a column is no such time;
// words of later acts (returned, shipped) say so only where another column could be
// it: in a table of returns the return is the event.
var (
	creationWords = []string{"created", "creation", "create", "inserted", "insert", "recorded", "logged", "added", "registered", "registration",
		"posted", "occurred", "occurrence", "event", "ordered", "placed", "joined", "opened", "started", "start", "begin", "began",
		"submitted", "received", "published", "observed", "measured", "entered", "signup", "purchase", "purchased", "sold", "hired", "hire"}
	lifeWords  = []string{"birth", "birthday", "birthdate", "born", "dob", "death", "died", "dod"}
	neverWords = append([]string{"updated", "update", "modified", "modification", "changed", "change", "edited", "edit", "last", "latest",
		"expires", "expire", "expired", "expiry", "expiration", "until", "due", "deadline", "required",
		"planned", "scheduled", "estimated", "expected", "next", "final", "to", "thru", "through", "sync", "synced"}, lifeWords...)
	neverPrefixes = []string{"updat", "modif", "last", "birth", "expir"}
	softWords     = []string{"deleted", "removed", "resolved", "closed", "shipped", "shipping", "delivered", "delivery", "cancelled", "canceled",
		"archived", "seen", "returned", "return", "refunded", "refund", "terminated", "termination", "retired"}
	softPrefixes = []string{"delet", "resolv"}
	// A row about a whole season or process is known when that is over. Taking its end
	// shows no row too early, so it serves where no better name is there.
	endWords   = []string{"end", "ended", "ends", "finish", "finished", "completed", "completion"}
	plainWords = []string{"date", "time", "timestamp", "datetime", "ts", "day", "at", "when", "moment"}
)

// Scores of names for [ownTime]; a NULL-free column and one in key order get more.
const (
	scoreDeclared = 200
	scoreCreation = 100
	scorePlain    = 90 // "date", "timestamp"
	scoreTable    = 80 // "order_date" in orders
	scoreDated    = 60 // "quali_date", "paid_at"
	scoreEnd      = 40 // "season_end", where it is never NULL
	scoreUnknown  = 30
	scoreSoft     = 20 // "returned_at", where it is never NULL and nothing else is there

	bonusNotNull = 25
	bonusOrder   = 10
	maxNullShare = 0.2 // rows without time are never visible: more is no row time
)

// candidate is a column that could be the time of its table.
type candidate struct {
	column, score int
	soft          string // word of a later act: taken only where nothing else is there
	reason        string
}

// ownTime chooses the column that says when a row came to be known, with the score of
// the choice. note says which columns were passed over when none is chosen, or which
// other ones there are.
func ownTime(t *Table, stats func(c int) ColumnStats) (rt *RowTime, score int, note string) {
	var good, soft []candidate
	var no []string
	for c := range t.Columns {
		if t.Columns[c].Kind != Time {
			continue
		}
		cand, why := judgeTime(t, c, stats(c))
		switch {
		case why != "":
			no = append(no, t.Columns[c].Name+" ("+why+")")
		case cand.soft != "":
			soft = append(soft, cand)
		default:
			good = append(good, cand)
		}
	}
	switch {
	case len(good) > 0:
		slices.SortStableFunc(good, func(a, b candidate) int { return b.score - a.score })
	case len(soft) > 0:
		good = latestFirst(soft, stats)
		good[0].reason += fmt.Sprintf(", named like %q: no better time is there, so it is taken as the event that the row tells of", good[0].soft)
	case len(no) > 0:
		return nil, 0, "not taken as time: " + joinNames(no)
	default:
		return nil, 0, ""
	}
	var others []string
	for _, g := range good[1:] {
		others = append(others, t.Columns[g.column].Name)
	}
	if len(others) > 0 {
		note = "other candidates: " + joinNames(others)
	}
	return &RowTime{Column: good[0].column, Via: -1, Until: -1, Reason: good[0].reason}, good[0].score, note
}

// latestFirst orders acts that followed each other from the last to the first: the
// last shows no row too early. Where values do not tell, the order of the columns does.
func latestFirst(acts []candidate, stats func(c int) ColumnStats) []candidate {
	slices.SortStableFunc(acts, func(a, b candidate) int {
		x, y := stats(a.column), stats(b.column)
		return cmp.Or(cmp.Compare(y.Max, x.Max), cmp.Compare(y.Min, x.Min), b.column-a.column)
	})
	return acts
}

// judgeTime scores column c, or says why it is no row time.
func judgeTime(t *Table, c int, st ColumnStats) (cand candidate, why string) {
	col := &t.Columns[c]
	w := split(col.Name)
	if bad := wordOf(w, neverWords, neverPrefixes); bad != "" {
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
	if cand.soft = wordOf(w, softWords, softPrefixes); cand.soft != "" {
		if !full {
			return cand, fmt.Sprintf("named like %q, and not set in every row", cand.soft)
		}
		cand.score += scoreSoft
		cand.reason = strings.Join(reason, ", ")
		return cand, ""
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

// wordOf returns the first word of w that is in list or begins like one of prefixes, or "".
func wordOf(w, list, prefixes []string) string {
	for _, x := range w {
		if slices.Contains(list, x) || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(x, p) }) {
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
