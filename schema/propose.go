package schema

import (
	"fmt"
	"slices"
	"strings"
)

// A Candidate is a foreign key that is not declared and that names or values speak for.
type Candidate struct {
	Table   int
	Columns []int
	To      int
	Ref     []int

	name  int    // how much the names say: one of the name constants
	why   string // what they say
	Value Evidence
}

// Evidence is what the values say about a candidate. Distinct values are those of a
// sample, at most [EvidenceSample] of them.
type Evidence struct {
	Rows, Nulls  int // of the table that would hold the key
	Distinct     int
	Found        int     // of the distinct ones, how many are in the columns referred to
	MeanLen      float64 // of texts, in bytes
	Max, RefMax  float64 // largest number on either side
	SelfLoops    int     // rows of a reference to the own table that name themselves
	TargetRows   int
	TargetUnique bool // the columns referred to hold no value twice
}

// EvidenceSample is the number of distinct values that are looked up.
const EvidenceSample = 2000

// How much names say, more is more.
const (
	nameNothing = iota // identifier or text only
	nameRole           // a role of a person, a word for the row above
	nameStem           // the same stem: ship_via, shippers
	nameTable          // ends with the table's name: owner_user_id, users
	nameSame           // has the name of the key: artist_id
)

// A Proposal is a key or a link that the user may accept.
type Proposal struct {
	Table int
	Key   []int // a primary key; nil for a link
	Link  Link  // Reason says what speaks for it
}

// genericNames say nothing about what a key identifies.
var genericNames = []string{"id", "name", "code", "key", "no", "nr", "number", "type", "title", "value", "status", "uuid", "guid", "pk", "seq", "position", "rank", "date", "index"}

// upWords are columns that refer to another row of their own table.
var upWords = []string{"parent", "reports", "supervisor", "boss", "predecessor", "previous", "prev", "ancestor", "root", "superior", "replaces", "reply", "referrer", "manager"}

// personRoles are what people do in other tables; personTables the tables that hold
// them, the more special first.
var (
	personRoles  = []string{"rep", "agent", "manager", "supervisor", "boss", "seller", "salesperson", "author", "owner", "creator", "editor", "assignee", "reviewer", "approver", "operator", "clerk", "cashier", "sender", "recipient", "receiver", "employee", "staff", "user", "assigned", "created", "updated", "approved", "reviewed"}
	personTables = []string{"employee", "staff", "person", "people", "member", "user", "account"}
)

// LinkCandidates lists what names and types alone let one suspect: columns of one table
// and the key of a table that they may refer to. What is declared is left out. Their
// Value is empty; [Schema.ChooseLinks] needs it.
func (s *Schema) LinkCandidates() []*Candidate {
	var out []*Candidate
	for t, table := range s.Tables {
		for c := range table.Columns {
			if !s.mayRefer(t, c) {
				continue
			}
			for to, target := range s.Tables {
				for _, ref := range target.singleKeys() {
					if cand := s.candidate(t, c, to, ref); cand != nil {
						out = append(out, cand)
					}
				}
			}
		}
		out = append(out, s.compositeCandidates(t)...)
	}
	return out
}

// singleKeys are the columns that alone identify a row.
func (t *Table) singleKeys() []int {
	var out []int
	for _, k := range append([][]int{t.Key}, t.Unique...) {
		if len(k) == 1 && !slices.Contains(out, k[0]) {
			out = append(out, k[0])
		}
	}
	return out
}

// mayRefer reports whether column c of table t may be a reference at all.
func (s *Schema) mayRefer(t, c int) bool {
	table := s.Tables[t]
	col := &table.Columns[c]
	if col.Kind != Int && col.Kind != Float && col.Kind != Text || SecretName(col.Name) != "" {
		return false
	}
	if slices.ContainsFunc(table.Links, func(l Link) bool { return len(l.Columns) == 1 && l.Columns[0] == c }) {
		return false
	}
	if len(table.Key) == 1 && table.Key[0] == c { // a key of its own, unless it has another table's name
		w := split(col.Name)
		noun := table.noun()
		return len(w) > 1 && !endsWith(w[:len(w)-1], noun) && !endsWith(noun, w[:len(w)-1])
	}
	return true
}

// candidate compares column c of table t with key column ref of table to; nil = nothing
// speaks for a reference.
func (s *Schema) candidate(t, c, to, ref int) *Candidate {
	col, key := &s.Tables[t].Columns[c], &s.Tables[to].Columns[ref]
	if t == to && c == ref || key.Kind != col.Kind && !(key.Kind.Numeric() && col.Kind.Numeric()) || key.Kind == Bool || key.Kind == Time {
		return nil
	}
	name, why := s.nameEvidence(t, c, to, ref)
	if name == nameNothing {
		// Values alone must decide: only for keys proper, and not for amounts.
		primary := slices.Equal(s.Tables[to].Key, []int{ref})
		switch {
		case !primary:
			return nil
		case col.Kind != Text && !(identifier(split(col.Name)) && t == to):
			return nil
		}
	}
	return &Candidate{Table: t, Columns: []int{c}, To: to, Ref: []int{ref}, name: name, why: why}
}

// compositeCandidates pairs columns of t with keys of several columns of the same names.
func (s *Schema) compositeCandidates(t int) []*Candidate {
	var out []*Candidate
	table := s.Tables[t]
	for to, target := range s.Tables {
		if to == t || len(target.Key) < 2 {
			continue
		}
		var cols []int
		for _, k := range target.Key {
			c := table.Column(target.Columns[k].Name)
			if c < 0 || table.Columns[c].Kind == Opaque || table.Columns[c].Kind != target.Columns[k].Kind {
				break
			}
			cols = append(cols, c)
		}
		declared := slices.ContainsFunc(table.Links, func(l Link) bool { return slices.Equal(l.Columns, cols) })
		if len(cols) == len(target.Key) && !declared && !(len(cols) == len(table.Key) && sameSet(cols, table.Key) && s.before(t, to)) {
			out = append(out, &Candidate{Table: t, Columns: cols, To: to, Ref: slices.Clone(target.Key), name: nameSame, why: "named like the key"})
		}
	}
	return out
}

// before decides the direction between two tables with the same key: the one with the
// shorter name is the one referred to.
func (s *Schema) before(a, b int) bool {
	x, y := s.Tables[a].FullName(), s.Tables[b].FullName()
	return len(x) < len(y) || len(x) == len(y) && x < y
}

func sameSet(a, b []int) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x int) bool { return !slices.Contains(b, x) })
}

// nameEvidence says how much the names of a column and of a key speak for a reference.
func (s *Schema) nameEvidence(t, c, to, ref int) (int, string) {
	col, target := s.Tables[t].Columns[c].Name, s.Tables[to]
	key := target.Columns[ref].Name
	w, k, noun := split(col), split(key), target.noun()
	last := len(w) - 1
	if last < 0 || len(k) == 0 {
		return nameNothing, ""
	}
	switch {
	case strings.EqualFold(col, key) && !slices.Contains(genericNames, strings.ToLower(key)):
		return nameSame, "named like the key"
	case last > 0 && endsWith(w[:last], noun) && (w[last] == k[len(k)-1] || identifier(w)):
		return nameTable, "named after the table"
	case len(w) == len(noun) && endsWith(w, noun) && len(k) == 1:
		return nameTable, "named after the table"
	case len(k) > 1 && endsWith(w, k) && len(w) > len(k):
		return nameTable, "ends with the name of the key"
	case t == to && slices.ContainsFunc(w, func(x string) bool { return slices.Contains(upWords, x) }):
		return nameRole, "named like a reference to another row of the table"
	case last > 0 && !identifier(w) && !code(w) && len(noun) == 1 && stem(w[0], noun[0]):
		return nameStem, "shares its stem with the table"
	case last > 0 && (identifier(w) || w[last] == "by" || w[last] == "to") && s.personTable(to) &&
		slices.ContainsFunc(w[:last], func(x string) bool { return slices.Contains(personRoles, x) }):
		return nameRole, "named like a role of people"
	}
	return nameNothing, ""
}

// personTable reports whether table t is the most special table of people.
func (s *Schema) personTable(t int) bool {
	for _, p := range personTables {
		for i, o := range s.Tables {
			if n := o.noun(); len(n) > 0 && n[len(n)-1] == p {
				return i == t
			}
		}
	}
	return false
}

// noun is what a row of the table is, in words: "tbl_order_items" gives order, item.
func (t *Table) noun() []string {
	w := words(t.Name)
	for len(w) > 1 && slices.Contains([]string{"tbl", "t", "dim", "fact", "fct", "stg", "tb"}, w[0]) {
		w = w[1:]
	}
	if len(w) > 0 {
		w = append(slices.Clone(w[:len(w)-1]), singular(w[len(w)-1]))
	}
	return w
}

// endsWith reports whether the last words of w are the words of noun.
func endsWith(w, noun []string) bool {
	if len(noun) == 0 || len(w) < len(noun) {
		return false
	}
	tail := w[len(w)-len(noun):]
	for i := range noun {
		if tail[i] != noun[i] && singular(tail[i]) != noun[i] {
			return false
		}
	}
	return true
}

// stem reports whether one word of at least four letters begins the other.
func stem(a, b string) bool {
	return len(a) >= 4 && len(b) >= 4 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// reason words what speaks for a candidate.
func (c *Candidate) reason() string {
	why := c.why
	if why == "" {
		why = "values only"
	}
	if c.Value.Distinct == 0 {
		return "proposed: " + why + ", no values to compare"
	}
	return fmt.Sprintf("proposed: %s, %d of %d values are there", why, c.Value.Found, c.Value.Distinct)
}
