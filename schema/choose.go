package schema

import (
	"cmp"
	"slices"
)

// Shares of sampled values that must be found, by what the names say.
var foundShare = [...]float64{nameNothing: 1, nameRole: 0.99, nameStem: 0.99, nameTable: 0.95, nameSame: 0.9}

// Values alone speak for a reference only where they are enough and not alike by chance.
const (
	leastValues = 2   // different texts
	leastLength = 3.0 // mean bytes of few texts: Y and N are in every list of codes
	manyTexts   = 10  // from which short texts count too
	leastNumber = 20  // different numbers
	leastReach  = 0.5 // the largest number over the largest key: small numbers are in every key
)

// ChooseLinks keeps of the candidates with evidence those that hold, at most one for the
// same columns, in the order of tables and columns.
func (s *Schema) ChooseLinks(cands []*Candidate) []Proposal {
	cands = slices.DeleteFunc(slices.Clone(cands), func(c *Candidate) bool { return !s.holds(c) })
	slices.SortStableFunc(cands, func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), slices.Compare(a.Columns, b.Columns), s.better(a, b))
	})
	cands = slices.CompactFunc(cands, func(a, b *Candidate) bool { return a.Table == b.Table && slices.Equal(a.Columns, b.Columns) })
	cands = s.entities(cands)
	var out []Proposal
	for _, c := range cands {
		t := s.Tables[c.Table]
		l := Link{Columns: c.Columns, To: c.To, Ref: c.Ref, Reason: c.reason()}
		l.Name = t.Label(l)
		out = append(out, Proposal{Table: c.Table, Link: l})
	}
	return out
}

// entities drops candidates of several columns that refer to no thing: short keys are
// judged first, since what is left of them judges longer ones.
func (s *Schema) entities(cands []*Candidate) []*Candidate {
	refs := make([][][]int, len(s.Tables))
	for t, table := range s.Tables {
		for _, l := range table.Links {
			refs[t] = append(refs[t], l.Columns)
		}
	}
	drop := map[*Candidate]bool{}
	byLength := slices.Clone(cands)
	slices.SortStableFunc(byLength, func(a, b *Candidate) int { return cmp.Compare(len(a.Columns), len(b.Columns)) })
	for _, c := range byLength {
		if len(c.Columns) > 1 && !entity(c.Ref, refs[c.To]) {
			drop[c] = true
			continue
		}
		refs[c.Table] = append(refs[c.Table], c.Columns)
	}
	return slices.DeleteFunc(cands, func(c *Candidate) bool { return drop[c] })
}

// entity reports whether a key of several columns stands for a thing and not for a fact
// about several things (who rated what, who played when for whom): facts about the same
// things have the same columns without being children of each other. A key is a thing's
// if no part of it refers to anything, or if one column is left beside one reference: a
// line of an order, an hour of a station. refs are the references of its table.
func entity(key []int, refs [][]int) bool {
	touched, beside := false, false
	covered := map[int]bool{}
	for _, r := range refs {
		if slices.ContainsFunc(r, func(c int) bool { return !slices.Contains(key, c) }) || len(r) == len(key) {
			continue
		}
		touched = true
		beside = beside || len(key)-len(r) == 1
		for _, c := range r {
			covered[c] = true
		}
	}
	return !touched || beside && len(covered) < len(key)
}

// holds judges one candidate by its values.
func (s *Schema) holds(c *Candidate) bool {
	v := c.Value
	if !v.TargetUnique {
		return false
	}
	if v.Distinct == 0 {
		return c.name >= nameTable
	}
	if float64(v.Found) < foundShare[c.name]*float64(v.Distinct) {
		return false
	}
	if c.Table == c.To && len(c.Columns) == 1 && v.Nulls == 0 && v.SelfLoops == 0 {
		return false // rows that all have one above them go round in circles
	}
	if c.name > nameNothing {
		return true
	}
	if s.Tables[c.Table].Columns[c.Columns[0]].Kind == Text {
		return v.Distinct >= manyTexts || v.Distinct >= leastValues && v.MeanLen >= leastLength
	}
	return v.Distinct >= leastNumber && v.Max >= leastReach*v.RefMax
}

// better orders candidates for the same columns, the best first.
func (s *Schema) better(a, b *Candidate) int {
	primary := func(c *Candidate) int {
		if slices.Equal(s.Tables[c.To].Key, c.Ref) {
			return 0
		}
		return 1
	}
	named := func(c *Candidate) int { // the table that the column or its key is named after
		w := split(s.Tables[c.To].Columns[c.Ref[0]].Name)
		if len(w) > 1 && endsWith(w[:len(w)-1], s.Tables[c.To].noun()) {
			return 0
		}
		return 1
	}
	share := func(c *Candidate) float64 { return float64(c.Value.Found) / float64(max(c.Value.Distinct, 1)) }
	return cmp.Or(cmp.Compare(b.name, a.name), cmp.Compare(primary(a), primary(b)), cmp.Compare(named(a), named(b)),
		cmp.Compare(share(b), share(a)), cmp.Compare(a.Value.TargetRows, b.Value.TargetRows), cmp.Compare(a.To, b.To))
}

// KeyCandidates lists columns that may be the key of a table that declares none, the
// likeliest first. Which is unique and never NULL the values say.
func (s *Schema) KeyCandidates(t int) []int {
	table := s.Tables[t]
	if len(table.Key) > 0 {
		return nil
	}
	var own, other []int
	for c := range table.Columns {
		w := split(table.Columns[c].Name)
		switch {
		case table.Columns[c].Kind == Opaque || !identifier(w) || SecretName(table.Columns[c].Name) != "":
		case len(w) == 1 || endsWith(w[:len(w)-1], table.noun()):
			own = append(own, c)
		case c == 0:
			other = append(other, c)
		}
	}
	return append(own, other...)
}

// Accept returns a copy of s with the proposals in it.
func (s *Schema) Accept(proposals []Proposal) *Schema {
	out := s.Clone()
	for _, p := range proposals {
		t := out.Tables[p.Table]
		if p.Key != nil {
			t.Key, t.KeyReason = slices.Clone(p.Key), p.Link.Reason
			continue
		}
		l := p.Link
		l.Columns, l.Ref = slices.Clone(l.Columns), slices.Clone(l.Ref)
		t.Links = append(t.Links, l)
	}
	return out
}
