package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// joins collects the joins of one FROM clause that starts at one row.
type joins struct {
	l     *lowering
	inner []string          // of rows that must exist
	left  []string          // of parents that -> reaches; may refer to the grid
	known map[string]string // alias by what was joined
	n     int
}

func newJoins(l *lowering) *joins { return &joins{l: l, known: map[string]string{}} }

func (j *joins) alias() string {
	j.n++
	return fmt.Sprintf("t%d", j.n)
}

// pairs equates the columns of a link between a child and its parent.
func (l *lowering) pairs(child string, table, link int, parent string) string {
	t := l.sc.Tables[table]
	k := t.Links[link]
	to := l.sc.Tables[k.To]
	out := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		out[i] = column(parent, to.Columns[k.Ref[i]].Name) + " = " + column(child, t.Columns[c].Name)
	}
	return strings.Join(out, " AND ")
}

// parent joins the row that a link points to, once, and returns its alias. Without it
// the child falls out.
func (j *joins) parent(child string, table, link int) string {
	key := fmt.Sprint("parent ", child, " ", link)
	if have := j.known[key]; have != "" {
		return have
	}
	p := j.alias()
	j.known[key] = p
	j.inner = append(j.inner, fmt.Sprintf("JOIN %s %s ON %s", j.l.table(j.l.sc.Tables[table].Links[link].To), p, j.l.pairs(child, table, link, p)))
	return p
}

// children joins the rows that point to a row by a link.
func (j *joins) children(parent string, table, link int) string {
	c := j.alias()
	j.inner = append(j.inner, fmt.Sprintf("JOIN %s %s ON %s", j.l.table(table), c, j.l.pairs(c, table, link, parent)))
	return c
}

// row tells when a row of a table is known; the rows from which it inherits its time are
// joined, so that a row without time falls out.
func (j *joins) row(table int, alias string) rowTime {
	at := rowTime{}
	t := j.l.sc.Tables[table]
	if t.Time == nil {
		return at
	}
	if t.Time.Until >= 0 {
		at.until = rowInstant(alias, t.Columns[t.Time.Until], t.Time)
	}
	at.since = j.l.since(table, alias, j.parent)
	return at
}

// since finds the column with the time of a row, through parents as join allows.
func (l *lowering) since(table int, alias string, join func(child string, table, link int) string) instant {
	t := l.sc.Tables[table]
	rt := t.Time
	if rt.Via < 0 {
		return rowInstant(alias, t.Columns[rt.Column], rt)
	}
	p := join(alias, table, rt.Via)
	to := t.Links[rt.Via].To
	if rt.Column < 0 {
		return l.since(to, p, join)
	}
	return rowInstant(p, l.sc.Tables[to].Columns[rt.Column], rt)
}

func rowInstant(alias string, c schema.Column, rt *schema.RowTime) instant {
	return instant{column(alias, c.Name), c.DBType, rt.Zone, rt.DayEnd && c.DBType == "date"}
}

// reach joins the parent that -> leads to, where it is visible as of an instant (rule
// R21); NULLs stand in its place otherwise.
func (j *joins) reach(child string, table, link int, asOf string, strict bool) string {
	to := j.l.sc.Tables[table].Links[link].To
	p := j.l.sc.Tables[to]
	key := fmt.Sprint("reach ", child, " ", link)
	if p.Time != nil {
		key += fmt.Sprint(" ", asOf, strict)
	}
	if have := j.known[key]; have != "" {
		return have
	}
	alias := j.alias()
	j.known[key] = alias
	target := j.l.table(to) + " " + alias
	on := []string{j.l.pairs(child, table, link, alias)}
	if p.Time != nil {
		own := &joins{l: j.l, known: map[string]string{}, n: j.n}
		at := own.row(to, alias)
		j.n = own.n
		if len(own.inner) > 0 {
			target = "(" + target + " " + strings.Join(own.inner, " ") + ")"
		}
		on = append(on, at.visible(asOf, strict)...)
	}
	j.left = append(j.left, "LEFT JOIN "+target+" ON "+strings.Join(on, " AND "))
	return alias
}

// rowTime is when a row is known; both parts are empty for a table without time.
type rowTime struct{ since, until instant }

// visible is rule R2 at an instant.
func (r rowTime) visible(asOf string, strict bool) []string {
	if r.since.column == "" {
		return nil
	}
	op := "<="
	if strict {
		op = "<"
	}
	return append(r.since.compare(op, asOf), r.valid(asOf)...)
}

// valid is the part of rule R2 about the end of a row.
func (r rowTime) valid(asOf string) []string {
	if r.until.column == "" {
		return nil
	}
	return []string{"(" + r.until.column + " IS NULL OR " + strings.Join(r.until.compare(">", asOf), " AND ") + ")"}
}

// instant is a column that holds a time, with its type and, for local times, its zone;
// dayEnd makes a date the last microsecond of its day.
type instant struct {
	column, dbType, zone string
	dayEnd               bool
}

func (i instant) zoned() bool { return strings.HasSuffix(i.dbType, "with time zone") }

func (i instant) zoneText() string {
	if i.zone == "" {
		return "'UTC'"
	}
	return text(i.zone)
}

// value is the column as timestamptz.
func (i instant) value() string {
	switch {
	case i.zoned():
		return i.column
	case i.dayEnd:
		return "((" + i.column + " + 1)::timestamp AT TIME ZONE " + i.zoneText() + " - interval '1 microsecond')"
	case i.dbType == "date":
		return "(" + i.column + "::timestamp AT TIME ZONE " + i.zoneText() + ")"
	case strings.HasPrefix(i.dbType, "timestamp"):
		return "(" + i.column + " AT TIME ZONE " + i.zoneText() + ")"
	}
	return i.column + "::timestamptz"
}

// compare tests the column against an instant. Local times of UTC are compared on the
// column's side, so that an index can serve. In zones whose clocks change only the
// comparison of instants is exact; a wider bound on the column's side serves the index.
func (i instant) compare(op, bound string) []string {
	local := fmt.Sprintf("(%s AT TIME ZONE %s)", bound, i.zoneText())
	switch {
	case i.zoned() || i.dbType != "date" && !strings.HasPrefix(i.dbType, "timestamp"):
		return []string{i.value() + " " + op + " " + bound}
	case i.dayEnd && strings.HasPrefix(op, ">"):
		return []string{i.value() + " " + op + " " + bound, i.column + " >= " + local + " - interval '2 days'"}
	case i.zoneText() == "'UTC'" && !i.dayEnd:
		return []string{i.column + " " + op + " " + local}
	case strings.HasPrefix(op, "<"):
		return []string{i.value() + " " + op + " " + bound, i.column + " <= " + local + " + interval '1 day'"}
	}
	return []string{i.value() + " " + op + " " + bound, i.column + " >= " + local + " - interval '1 day'"}
}

// cell is a column as a value of its kind.
func (l *lowering) cell(alias string, table, col int) piece {
	t := l.sc.Tables[table]
	c := t.Columns[col]
	name := column(alias, c.Name)
	kind, _ := valueKind(c.Kind) // the binder refuses the others
	switch c.Kind {
	case schema.Text:
		return atom(textCell(name, c.DBType), kind)
	case schema.Float:
		return atom(floatCell(name, c.DBType), kind)
	case schema.Time:
		at := instant{column: name, dbType: c.DBType}
		if t.Time != nil {
			at.zone = t.Time.Zone
		}
		return atom(at.value(), kind)
	case schema.Int:
		if c.DBType == "oid" {
			name += "::int8"
		}
	}
	return atom(name, kind)
}

// textCell reads types that are stored as text as text.
func textCell(name, dbType string) string {
	if dbType == "text" || strings.HasPrefix(dbType, "character varying") {
		return name
	}
	return name + "::text"
}

// floatCell reads a number; NaN counts as NULL (rule R7), where Postgres sorts it above
// every number.
func floatCell(name, dbType string) string {
	switch {
	case strings.HasPrefix(dbType, "time"), strings.HasPrefix(dbType, "interval"):
		return "extract(epoch FROM " + name + ")::float8"
	case dbType == "money":
		return name + "::numeric"
	case dbType == "double precision", strings.HasPrefix(dbType, "numeric"):
		return "nullif(" + name + ", 'NaN')"
	}
	return "nullif(" + name + "::float8, 'NaN')"
}
