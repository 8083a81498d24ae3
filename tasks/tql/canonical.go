package tql

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// canonScope is what the normal form of an expression depends on.
type canonScope struct {
	table []Name  // the aggregated table, inside an aggregate
	paths []*Path // declared paths, to be put in place of their names
}

// Canonical prints the normal form of a statement: names as written; keywords, blanks,
// comments, units and the two spellings of aggregates made one; columns inside an
// aggregate qualified; declared paths written out; options sorted by name. The text
// is itself a statement with the same normal form. What only the schema decides
// (whether users and users.user_id are the same entity) is left as written.
func Canonical(s Statement) string { return s.canon().String() }

// Hash returns 16 hexadecimal digits that identify the normal form of a statement.
// OR REPLACE and IF NOT EXISTS do not count.
func Hash(s Statement) string {
	if c, ok := s.(*Create); ok {
		bare := *c
		bare.OrReplace, bare.IfNotExists = false, false
		s = &bare
	}
	sum := sha256.Sum256([]byte(Canonical(s)))
	return hex.EncodeToString(sum[:8])
}

func (q *Query) canon() Statement { return q.normal() }

func (q *Query) normal() *Query {
	s := canonScope{paths: q.Paths}
	out := &Query{Base: q.Base, Target: q.Target.canon(s), Spec: q.Spec, Each: true}
	if q.Entity != nil {
		out.Entity = &Entity{Loc: q.Entity.Loc, Parts: q.Entity.Parts}
	}
	if q.Selection != nil {
		out.Selection = &Selection{Loc: q.Selection.Loc, Keys: normalKeys(q.Selection.Keys)}
	}
	if q.Where != nil {
		out.Where = q.Where.canon(s)
	}
	if q.Assuming != nil {
		out.Assuming = q.Assuming.canon(s)
	}
	out.At = q.At.normal()
	return out
}

// normalKeys normalises the constants; a tuple of one is that one.
func normalKeys(keys []*Key) []*Key {
	var out []*Key
	for _, k := range keys {
		n := &Key{Loc: k.Loc, Tuple: len(k.Parts) > 1}
		for _, c := range k.Parts {
			n.Parts = append(n.Parts, c.normal())
		}
		out = append(out, n)
	}
	return out
}

func (a *AnchorTime) normal() *AnchorTime {
	if a == nil || a.Value == nil {
		return a
	}
	n := *a
	if d, ok := a.Value.Time(); ok {
		n.Value = &Literal{Loc: a.Value.Loc, Kind: LitTimestamp, Text: d.String()}
	}
	return &n
}

// normalOptions sorts by name; among equal names the written order stays.
func normalOptions(list []*Option) []*Option {
	var out []*Option
	for _, o := range list {
		name := Name{Loc: o.Name.Loc, Text: strings.ToLower(o.Name.Text), Quoted: o.Name.Quoted}
		out = append(out, &Option{Loc: o.Loc, Name: name, Value: normalValue(o.Value)})
	}
	slices.SortStableFunc(out, func(a, b *Option) int { return strings.Compare(a.Name.Text, b.Name.Text) })
	return out
}

// normalValue writes words, strings, times and durations as one kind of string.
func normalValue(v Value) Value {
	switch v := v.(type) {
	case *Word:
		return &Literal{Loc: v.Loc, Kind: LitString, Text: strings.ToLower(v.Text)}
	case *Duration:
		return &Literal{Loc: v.Loc, Kind: LitString, Text: v.Interval.String()}
	case *ValueList:
		out := &ValueList{Loc: v.Loc}
		for _, x := range v.Values {
			out.Values = append(out.Values, normalValue(x))
		}
		return out
	case *Literal:
		n := v.normal()
		if d, ok := v.Time(); ok {
			n.Kind, n.Text = LitString, d.String()
		} else if iv, err := ParseInterval(v.Text); err == nil && (v.Kind == LitString || v.Kind == LitInterval) {
			n.Kind, n.Text = LitString, iv.String()
		}
		return n
	}
	return v
}

func (c *Create) canon() Statement {
	out := *c
	if c.Query != nil {
		out.Query = c.Query.normal()
	}
	if c.Raw != nil {
		raw := *c.Raw
		raw.Each = true
		if raw.Horizon != nil {
			raw.Horizon = durationOf(raw.Horizon.Interval)
		}
		out.Raw = &raw
	}
	out.Options = normalOptions(c.Options)
	return &out
}

func (d *Drop) canon() Statement  { return d }
func (a *Alter) canon() Statement { return a }

func (t *Train) canon() Statement {
	return &Train{Base: t.Base, Name: t.Name, Options: normalOptions(t.Options)}
}

func (e *Evaluate) canon() Statement {
	out := *e
	if e.Query != nil {
		out.Query = e.Query.normal()
	}
	out.Options = normalOptions(e.Options)
	return &out
}

func (e *ExplainStatement) canon() Statement {
	out := *e
	if e.Query != nil {
		out.Query = e.Query.normal()
	}
	return &out
}

func (t *PredictTask) canon() Statement {
	out := *t
	out.Keys, out.Single = normalKeys(t.Keys), false
	out.At = t.At.normal()
	out.Options = normalOptions(t.Options)
	return &out
}

func (s *Show) canon() Statement {
	out := *s
	out.At = s.At.normal()
	return &out
}
