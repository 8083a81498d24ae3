package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// skippedKinds says why relations that are no tables are left out unless they are asked for.
var skippedKinds = map[string]string{
	"v": "view: its rows come from other tables; to read it like a table add --include",
	"m": "materialized view: its rows come from other tables; to read it like a table add --include",
	"f": "foreign table: lies on another server; to read it like a table add --include",
}

// includedKinds says what to know of those that are read.
var includedKinds = map[string]string{
	"v": "a view: computed at the snapshot; functions in it that read tables or change from call to call are not watched. Its key, links and time are what mapping.yaml says",
	"m": "a materialized view: its rows are as old as its last REFRESH. Its key, links and time are what mapping.yaml says",
	"f": "a foreign table: its rows are another server's and not of the snapshot. Its key, links and time are what mapping.yaml says",
}

// maxTables bounds a read: beyond it, the structure of some tool was meant, not that of one
// application, and every table costs transactions on the server.
const maxTables = 10_000

// refuse returns the error of what must be settled before anything is read: unknown
// namespaces, and tables whose rows the server would filter.
func (c *catalog) refuse() error {
	var names []string
	for _, n := range c.namespaces {
		names = append(names, n.name)
	}
	for _, w := range c.wanted {
		if slices.Contains(names, w) {
			continue
		}
		if best := schema.Nearest(w, names); best != "" {
			return &ingest.UserError{Msg: fmt.Sprintf("unknown schema %q", w), Hint: fmt.Sprintf("did you mean %q? the database has %s", best, list(names))}
		}
		return &ingest.UserError{Msg: fmt.Sprintf("unknown schema %q", w), Hint: "the database has " + list(names)}
	}
	if err := c.refuseIncluded(); err != nil {
		return err
	}
	if n := c.used(); n > maxTables {
		return &ingest.UserError{Msg: fmt.Sprintf("schema %s has %d tables, more than the %d that make one graph", list(c.wanted), n, maxTables),
			Hint: "choose schemas with --schema NAME, or let the role see only the tables that matter"}
	}
	hidden := c.filtered()
	if len(hidden) > 0 && !c.acceptRLS {
		return &ingest.UserError{
			Msg:  fmt.Sprintf("row-level security would hide rows of %s from role %q", list(hidden), c.role),
			Hint: fmt.Sprintf("a superuser may run: ALTER ROLE %s BYPASSRLS; or take only the rows that the role sees with ingest --accept-row-security", quote(c.role))}
	}
	return nil
}

// used counts the tables that would be read.
func (c *catalog) used() (n int) {
	for _, r := range c.relations {
		if r.used() && c.denied(r) == "" {
			n++
		}
	}
	return n
}

// refuseIncluded returns the error of a name that is to be included and is nothing that could be.
func (c *catalog) refuseIncluded() error {
	for _, name := range c.include {
		var names []string
		known := false
		for _, r := range c.relations {
			if skippedKinds[r.kind] != "" {
				names = append(names, r.name)
			}
			known = known || r.included && (r.name == name || r.full() == name)
		}
		if known {
			continue
		}
		hint := "the schemas that are read hold no view, materialized view or foreign table"
		if len(names) > 0 {
			hint = "there are " + list(names)
		}
		return &ingest.UserError{Msg: fmt.Sprintf("no view, materialized view or foreign table %q", name), Hint: hint}
	}
	return nil
}

// filtered lists the tables of which row-level security hides rows from the role.
func (c *catalog) filtered() []string {
	var out []string
	for _, r := range c.relations {
		if r.rls && r.used() && r.anyReadable() {
			out = append(out, r.full())
		}
	}
	return out
}

// list prints names for an error, cut where they would fill the screen.
func list(names []string) string {
	const most = 12
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	return b.String()
}

func (r *relation) full() string { return r.namespace + "." + r.name }

// used reports whether the relation is a table of its own in the schema.
func (r *relation) used() bool {
	return (r.kind == "r" || r.kind == "p" || r.included && r.populated) && !r.partition && !r.extension && len(r.elsewhere) == 0
}

func (r *relation) anyReadable() bool {
	return r.readable || slices.ContainsFunc(r.attrs, func(a attr) bool { return a.readable })
}

// denied returns the statement that would let the role read r, or "".
func (c *catalog) denied(r *relation) string {
	for _, n := range c.namespaces {
		if n.name == r.namespace && !n.usable {
			return fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s",
				quote(r.namespace), quote(c.role), quote(r.namespace, r.name), quote(c.role))
		}
	}
	if r.anyReadable() || len(r.attrs) == 0 && r.readable {
		return ""
	}
	return fmt.Sprintf("GRANT SELECT ON %s TO %s", quote(r.namespace, r.name), quote(c.role))
}

// schema turns the catalog into a schema. Partitions fold into their parent.
func (c *catalog) schema() (*schema.Schema, error) {
	s := &schema.Schema{}
	at := map[uint32]int{}
	skip := func(object, reason string) {
		s.Skipped = append(s.Skipped, schema.Skipped{Object: object, Reason: reason})
	}
	for _, r := range c.relations {
		switch {
		case r.partition && c.byName[r.root] != nil: // read through its root
		case r.partition:
			skip(r.full(), fmt.Sprintf("partition of %s, whose schema is not read; add it with --schema", r.root))
		case r.extension:
			skip(r.full(), "belongs to an extension")
		case r.included && !r.populated:
			skip(r.full(), "materialized view without rows: REFRESH MATERIALIZED VIEW was never run")
		case skippedKinds[r.kind] != "" && !r.included:
			skip(r.full(), skippedKinds[r.kind])
		case len(r.elsewhere) > 0:
			skip(r.full(), fmt.Sprintf("its partition %s is a foreign table: lies on another server", r.elsewhere[0]))
		case c.denied(r) != "":
			skip(r.full(), "permission denied; to read it run: "+c.denied(r))
		default:
			at[r.oid] = len(s.Tables)
			s.Tables = append(s.Tables, c.table(r, skip))
		}
	}
	if len(s.Tables) == 0 {
		return nil, &ingest.UserError{Msg: "no readable table in schema " + list(c.wanted), Hint: c.elsewhere(s)}
	}
	if !c.chosen {
		for _, n := range c.namespaces {
			if n.tables > 0 && !slices.Contains(c.wanted, n.name) {
				skip("schema "+n.name, fmt.Sprintf("%s, not asked for; to read it too add --schema %s", countTables(n.tables), n.name))
			}
		}
	}
	for _, r := range c.relations {
		if t, ok := at[r.oid]; ok {
			c.addLinks(s, s.Tables[t], r, at, skip)
		}
	}
	s.HideSecrets()
	return s, nil
}

func countTables(n int) string {
	if n == 1 {
		return "1 table"
	}
	return fmt.Sprintf("%d tables", n)
}

// findings tells what of the catalog a snapshot's reader should know.
func (c *catalog) findings() []ingest.Finding {
	var out []ingest.Finding
	add := func(level, check, detail string, args ...any) {
		out = append(out, ingest.Finding{Level: level, Check: check, Detail: fmt.Sprintf(detail, args...)})
	}
	for _, o := range c.unfollowed() {
		add(ingest.LevelInfo, "not followed", "%s", o)
	}
	if printed := c.printed(); len(printed) > 0 {
		add(ingest.LevelInfo, "printed", "stored as the text that the server prints and not looked into: %s", list(printed))
	}
	for _, t := range c.filtered() {
		add(ingest.LevelWarning, "row security", "%s: only the rows that role %q sees were read, as asked", t, c.role)
	}
	for _, r := range c.relations {
		if !r.used() || c.denied(r) != "" {
			continue
		}
		if r.included {
			level := ingest.LevelInfo
			if r.kind == "f" {
				level = ingest.LevelWarning
			}
			add(level, "included", "%s: %s", r.full(), includedKinds[r.kind])
		}
		if r.parents {
			add(ingest.LevelInfo, "inheritance", "%s: its own rows only; tables that inherit from it are tables of their own", r.full())
		}
		for _, a := range r.attrs {
			if a.vague && slices.Contains(c.identity(r), a.num) {
				add(ingest.LevelWarning, "collation", "%s.%s: a key whose collation counts different texts as equal; rows are linked where texts are the same to the byte", r.full(), a.name)
			}
		}
	}
	return out
}

// elsewhere says where tables could be when there are none.
func (c *catalog) elsewhere(s *schema.Schema) string {
	var names []string
	for _, n := range c.namespaces {
		if !slices.Contains(c.wanted, n.name) {
			names = append(names, n.name)
		}
	}
	switch {
	case len(s.Skipped) > 0:
		return fmt.Sprintf("%s: %s", s.Skipped[0].Object, s.Skipped[0].Reason)
	case len(names) > 0:
		return "other schemas of the database: " + list(names) + "; choose one with --schema NAME"
	}
	return "the database has no other schema; check the database name in the URL"
}

// table describes a readable table with the columns that the role may read.
func (c *catalog) table(r *relation, skip func(object, reason string)) *schema.Table {
	t := &schema.Table{Namespace: r.namespace, Name: r.name, Estimate: r.rows, KeyReason: ""}
	identity := c.identity(r)
	for _, a := range r.attrs {
		if !a.readable {
			skip(r.full()+"."+a.name, fmt.Sprintf("permission denied; to read it run: GRANT SELECT (%s) ON %s TO %s",
				quote(a.name), quote(r.namespace, r.name), quote(c.role)))
			continue
		}
		f, _ := c.format(a, slices.Contains(identity, a.num))
		_, _, notNull, _ := c.baseType(a)
		t.Columns = append(t.Columns, schema.Column{Name: a.name, DBType: a.print, Kind: f.kind, NotNull: notNull || a.notNull})
	}
	for _, k := range r.keys {
		cols, ok := r.positions(t, k.columns)
		switch {
		case !ok:
		case k.primary:
			t.Key, t.KeyReason = cols, "declared"
		case allNotNull(t, cols):
			t.Unique = append(t.Unique, cols)
		}
	}
	return t
}

// identity lists the columns of r by which rows are found: those of keys, of
// foreign keys, and those that foreign keys of other tables refer to.
func (c *catalog) identity(r *relation) []int16 {
	var out []int16
	for _, k := range r.keys {
		out = append(out, k.columns...)
	}
	for _, l := range r.links {
		out = append(out, l.columns...)
	}
	return out
}

// positions maps attribute numbers to column numbers of t; ok is false when one of
// them cannot be read or compared.
func (r *relation) positions(t *schema.Table, nums []int16) (cols []int, ok bool) {
	for _, num := range nums {
		i := slices.IndexFunc(r.attrs, func(a attr) bool { return a.num == num })
		if i < 0 {
			return nil, false
		}
		col := t.Column(r.attrs[i].name)
		if col < 0 || t.Columns[col].Kind == schema.Opaque {
			return nil, false
		}
		cols = append(cols, col)
	}
	return cols, len(cols) > 0
}

func allNotNull(t *schema.Table, cols []int) bool {
	for _, c := range cols {
		if !t.Columns[c].NotNull {
			return false
		}
	}
	return true
}

// addLinks adds the foreign keys of r, or says why one is left out.
func (c *catalog) addLinks(s *schema.Schema, t *schema.Table, r *relation, at map[uint32]int, skip func(object, reason string)) {
	for _, l := range r.links {
		object := "foreign key " + l.name + " of " + r.full()
		to, ok := at[l.to]
		if !ok {
			skip(object, fmt.Sprintf("refers to %s, which is not read", l.toName))
			continue
		}
		cols, ok1 := r.positions(t, l.columns)
		ref, ok2 := c.byOID[l.to].positions(s.Tables[to], l.ref)
		if !ok1 || !ok2 {
			skip(object, "uses a column that is not read")
			continue
		}
		reason := schema.Declared
		if !l.valid { // rows from before the constraint may refer to nothing
			reason += ", not validated"
		}
		t.Links = append(t.Links, schema.Link{Name: l.name, Columns: cols, To: to, Ref: ref, Reason: reason})
	}
}
