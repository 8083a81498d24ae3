// Package rawsql runs tasks that users write in SQL (rule R18): it puts censored shadows
// in the place of the tables, so that ENTITIES sees no row after the anchor and LABEL none
// after its window, refuses bodies that could read past them, and turns what the database
// answers into labels of a snapshot's rows.
package rawsql

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// statement is one SELECT with its arguments, and where the user's bodies stand in it.
type statement struct {
	b      strings.Builder
	args   []any
	number map[string]int // $n by name
	places []place
}

// place says that a stretch of the statement is a stretch of the task's text.
type place struct{ from, to, text int } // bytes; the stretch begins at text

func (s *statement) add(parts ...string) {
	for _, p := range parts {
		s.b.WriteString(p)
	}
}

// arg returns $n for a named argument.
func (s *statement) arg(name string, value any, cast string) string {
	if s.number == nil {
		s.number = map[string]int{}
	}
	n, ok := s.number[name]
	if !ok {
		s.args = append(s.args, value)
		n = len(s.args)
		s.number[name] = n
	}
	return fmt.Sprintf("($%d::%s)", n, cast)
}

// body adds a user's body on lines of its own, with its parameters replaced; at is where
// it begins in the task's text.
func (s *statement) body(text string, at int, values map[string]func() string) {
	s.add("\n")
	from := 0
	keep := func(to int) {
		s.places = append(s.places, place{s.b.Len(), s.b.Len() + to - from, at + from})
		s.add(text[from:to])
	}
	for _, t := range tql.SQLTokens(text) {
		if t.Kind == tql.SQLParameter {
			keep(t.Pos)
			start := s.b.Len()
			s.add(values[t.Text]())
			s.places = append(s.places, place{start, s.b.Len(), at + t.Pos})
			from = t.End
		}
	}
	keep(len(text))
	s.add("\n")
}

// at maps a character of the statement, from 1, to a byte of the task's text; ok is false
// where the character is not the user's.
func (s *statement) at(character int) (pos int, ok bool) {
	text := s.b.String()
	offset := 0
	for range character - 1 {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	for _, p := range s.places {
		if offset >= p.from && offset < p.to {
			return p.text + min(offset-p.from, p.to-p.from-1), true
		}
	}
	return 0, false
}

// moment is one anchor with the end of its window.
type moment struct{ anchor, end time.Time }

// composer writes the statements of one task for PostgreSQL.
type composer struct {
	task  *tasks.Task
	sc    *schema.Schema
	blank bool // tables without rows and without names, for the guard
}

// interval is a span as PostgreSQL reads it.
func interval(s tasks.Span) string {
	return fmt.Sprintf("%d months %d days %d microseconds", s.Months, s.Days, s.Micros)
}

// later stands for an instant that is known later.
const later = "\x00"

// shadows adds one CTE for each table that the bodies name.
func (c *composer) shadows(asOf func() string, strict bool, taken ...string) []string {
	var out []string
	for _, i := range c.tables() {
		t := c.sc.Tables[i]
		switch {
		case slices.Contains(taken, t.Name):
		case c.blank:
			out = append(out, tql.Identifier(t.Name)+" AS MATERIALIZED ("+tql.Blank(c.sc, i)+")")
		default:
			text := tql.Shadow(c.sc, i, later, strict)
			if strings.Contains(text, later) { // an argument that nothing refers to is an error
				text = strings.ReplaceAll(text, later, asOf())
			}
			out = append(out, tql.Identifier(t.Name)+" AS NOT MATERIALIZED ("+text+")")
		}
	}
	return out
}

// tables lists those that the bodies name and the entity table; of tables with one name in
// several schemas none, because a bare name would not tell them apart.
func (c *composer) tables() []int {
	var out []int
	for i, t := range c.sc.Tables {
		if t.Ignore || !slices.Contains(c.task.Raw.Tables, i) && i != c.task.Entity {
			continue
		}
		same := 0
		for _, o := range c.sc.Tables {
			if o.Name == t.Name {
				same++
			}
		}
		if same == 1 {
			out = append(out, i)
		}
	}
	return out
}

// keys are the columns of the result that name the entity.
func (c *composer) keys() []string {
	n := len(c.sc.Tables[c.task.Entity].Key)
	if n == 1 {
		return []string{"entity"}
	}
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("entity_%d", i+1))
	}
	return out
}

// perAnchor is the statement of the two-body form. With entities it asks for those alone.
func (c *composer) perAnchor(m moment, entitiesOnly bool) *statement {
	s := &statement{}
	anchor := func() string { return s.arg("anchor", m.anchor, "timestamptz") }
	end := func() string { return s.arg("end", m.end, "timestamptz") }
	values := map[string]func() string{
		"anchor": anchor, "anchor_end": end,
		"horizon": func() string { return s.arg("horizon", interval(c.task.Horizon), "interval") },
	}
	s.add("WITH entities AS MATERIALIZED (\nWITH ", strings.Join(c.shadows(anchor, c.task.Options.Rule.Strict), ",\n"), "\nSELECT * FROM (")
	if c.task.Raw.Entities != "" {
		s.body(c.task.Raw.Entities, c.task.Raw.EntitiesAt, values)
	} else {
		s.add(c.everybody())
	}
	s.add(") q)")
	if entitiesOnly {
		s.add("\nSELECT * FROM entities")
		return s
	}
	for _, shadow := range c.shadows(end, false, "entities") {
		s.add(",\n", shadow)
	}
	s.add("\nSELECT q.*, ", c.known(), " AS is_entity, (SELECT count(*) FROM entities) AS entities FROM (")
	s.body(c.task.Raw.Label, c.task.Raw.LabelAt, values)
	s.add(") q")
	return s
}

// known tests whether a label's entity is among the entities.
func (c *composer) known() string {
	of := func(alias string) string {
		var out []string
		for _, k := range c.keys() {
			out = append(out, alias+"."+k)
		}
		return strings.Join(out, ", ")
	}
	return "((" + of("q") + ") IN (SELECT " + of("e") + " FROM entities e))"
}

// everybody is the ENTITIES body where none is written: rule R3.
func (c *composer) everybody() string {
	t := c.sc.Tables[c.task.Entity]
	var out []string
	for i, k := range t.Key {
		out = append(out, tql.Identifier(t.Columns[k].Name)+" AS "+c.keys()[i])
	}
	return "SELECT " + strings.Join(out, ", ") + " FROM " + tql.Identifier(t.Name)
}

// overGrid is the statement of the one-body form, censored at the end of the last window.
func (c *composer) overGrid(grid []moment) *statement {
	s := &statement{}
	anchors := make([]time.Time, len(grid))
	for i, m := range grid {
		anchors[i] = m.anchor
	}
	s.add("WITH grid AS MATERIALIZED (SELECT a AS anchor, ", s.arg("horizon", interval(c.task.Horizon), "interval"),
		" AS horizon FROM unnest(", s.arg("anchors", anchors, "timestamptz[]"), ") a)")
	var last time.Time
	if len(grid) > 0 {
		last = grid[len(grid)-1].end
	}
	end := func() string { return s.arg("end", last, "timestamptz") }
	for _, shadow := range c.shadows(end, false, "grid") {
		s.add(",\n", shadow)
	}
	s.add("\nSELECT * FROM (")
	s.body(c.task.Raw.SQL, c.task.Raw.SQLAt, nil)
	s.add(") q")
	return s
}
