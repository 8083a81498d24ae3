package postgres

import (
	"context"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"
)

// catalog is what pg_catalog says about the namespaces, including what will be left out.
type catalog struct {
	role       string
	namespaces []namespace // every namespace of the database that users own
	wanted     []string
	chosen     bool        // the user named the namespaces
	include    []string    // views and foreign tables that are read like tables
	acceptRLS  bool        // rows that row-level security hides may be missing
	relations  []*relation // of the wanted namespaces, by namespace and name
	byOID      map[uint32]*relation
	byName     map[string]*relation
	types      map[uint32]pgType
}

type namespace struct {
	name   string
	usable bool // the role has USAGE
	tables int
}

// relation is a row of pg_class with what belongs to it.
type relation struct {
	oid       uint32
	namespace string
	name      string
	kind      string // relkind: r table, p partitioned table, v view, ...
	partition bool   // child of a partitioned table
	root      string // full name of the partitioned table at the top, for a partition
	parents   bool   // has tables that inherit from it and are no partitions
	rows      int64
	readable  bool // SELECT on the whole table
	rls       bool // row-level security would hide rows from the role
	extension bool
	attrs     []attr // live columns in order
	keys      []key
	links     []link
	leaves    []uint32 // of a partitioned table: the tables that hold its rows
	elsewhere []string // of a partitioned table: partitions that lie on other servers
	included  bool     // no table, but read like one
	populated bool     // false for a materialized view without rows to read
	bases     []uint32 // of an included view: the tables that its rows come from
}

type attr struct {
	num      int16
	name     string
	typ      uint32
	mod      int32
	print    string // format_type
	notNull  bool
	readable bool
	vague    bool // its collation counts different texts as equal
}

// key is a unique index over plain columns.
type key struct {
	primary bool
	columns []int16
}

// link is a foreign key; columns[i] refers to ref[i].
type link struct {
	name         string
	columns, ref []int16
	to           uint32
	toName       string
	valid        bool // the server vouches for it; else rows may refer to nothing
}

// pgType is a row of pg_type.
type pgType struct {
	oid       uint32
	namespace string
	name      string
	kind      string // b base, d domain, e enum, c composite, r range, m multirange
	base      uint32
	mod       int32
	notNull   bool
	array     bool
}

const (
	// Privileges and sizes are live, whatever the snapshot: they are NULL for what is gone.
	sqlNamespaces = `SELECT n.nspname::text, COALESCE(has_schema_privilege(n.oid, 'USAGE'), false),
 (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r','p') AND NOT c.relispartition)
 FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

	sqlRelations = `SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relispartition, COALESCE(rn.nspname || '.' || r.relname, ''),
 EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid) AND c.relkind = 'r', c.reltuples::float8::bigint,
 COALESCE(has_table_privilege(c.oid, 'SELECT'), false), c.relrowsecurity AND COALESCE(row_security_active(c.oid), false),
 EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'), c.relispopulated
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_catalog.pg_class r ON c.relispartition AND r.oid = pg_partition_root(c.oid)
 LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
 WHERE n.nspname = ANY($1::text[]) AND c.relkind IN ('r','p','v','m','f')`

	sqlColumns = `SELECT a.attrelid, a.attnum, a.attname::text, a.atttypid, a.atttypmod,
 pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, COALESCE(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), false),
 EXISTS (SELECT FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic)
 FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum`

	// The types of the columns, and through domains those that are stored.
	sqlTypes = `WITH RECURSIVE used(oid) AS (
 SELECT DISTINCT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
 UNION SELECT t.typbasetype FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid WHERE t.typtype = 'd')
 SELECT t.oid, n.nspname::text, t.typname::text, t.typtype::text, t.typbasetype, t.typtypmod, t.typnotnull, t.typcategory = 'A' AND t.typelem <> 0
 FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace`

	// indnkeyatts leaves out INCLUDE columns; partial and expression indexes are no keys.
	sqlKeys = `SELECT i.indrelid, i.indisprimary, (i.indkey::int2[])[0:i.indnkeyatts-1]
 FROM pg_catalog.pg_index i WHERE i.indrelid = ANY($1::oid[]) AND i.indisunique AND i.indisvalid
 AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indrelid, NOT i.indisprimary, i.indexrelid`

	// conparentid <> 0 marks the copies that partitions carry.
	sqlLinks = `SELECT k.conrelid, k.conname::text, k.conkey, k.confrelid, k.confkey, n.nspname::text, c.relname::text, k.convalidated
 FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid = ANY($1::oid[]) ORDER BY k.conrelid, k.conkey, k.conname`

	sqlLeaves = `WITH RECURSIVE part(root, oid) AS (
 SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.oid = ANY($1::oid[]) AND c.relkind = 'p'
 UNION ALL SELECT p.root, i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid)
 SELECT p.root, c.oid, c.reltuples::float8::bigint, c.relkind::text, n.nspname || '.' || c.relname
 FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r','f') ORDER BY p.root, c.oid`

	// The rule of a view depends on what it selects from; that may be views and have children.
	sqlBases = `WITH RECURSIVE base(root, oid) AS (
 SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.oid = ANY($1::oid[])
 UNION SELECT b.root, f.oid FROM base b CROSS JOIN LATERAL (
  SELECT d.refobjid FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
   AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass WHERE w.ev_class = b.oid
  UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = b.oid) AS f(oid))
 SELECT b.root, b.oid FROM base b JOIN pg_catalog.pg_class c ON c.oid = b.oid WHERE c.relkind IN ('r','m') ORDER BY 1, 2`
)

// readCatalog reads the structure inside the session's running transaction.
func (s *Source) readCatalog(ctx context.Context) (*catalog, error) {
	c := &catalog{wanted: s.namespaces, chosen: s.chosen, include: s.opt.Include, acceptRLS: s.opt.AcceptRowSecurity,
		byOID: map[uint32]*relation{}, byName: map[string]*relation{}, types: map[uint32]pgType{}}
	steps := []func(context.Context, *pgx.Conn) error{
		c.readNamespaces, c.readRelations, c.readColumns, c.readTypes, c.readKeys, c.readLinks, c.readLeaves, c.readBases,
	}
	for _, step := range steps {
		if err := step(ctx, s.session.conn); err != nil {
			return nil, sourceError("read catalog", err, s.config)
		}
	}
	return c, nil
}

// each runs a query and calls row for every row after scanning it into dest.
func each(ctx context.Context, conn *pgx.Conn, sql string, args []any, dest []any, row func()) error {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, func() error { row(); return nil })
	return err
}

func (c *catalog) readNamespaces(ctx context.Context, conn *pgx.Conn) error {
	if err := conn.QueryRow(ctx, "SELECT current_user::text").Scan(&c.role); err != nil {
		return err
	}
	var n namespace
	err := each(ctx, conn, sqlNamespaces, nil, []any{&n.name, &n.usable, &n.tables}, func() { c.namespaces = append(c.namespaces, n) })
	sort.Slice(c.namespaces, func(i, j int) bool { return c.namespaces[i].name < c.namespaces[j].name })
	return err
}

func (c *catalog) readRelations(ctx context.Context, conn *pgx.Conn) error {
	var r relation
	dest := []any{&r.oid, &r.namespace, &r.name, &r.kind, &r.partition, &r.root, &r.parents, &r.rows, &r.readable, &r.rls, &r.extension, &r.populated}
	err := each(ctx, conn, sqlRelations, []any{c.wanted}, dest, func() {
		one := r
		if one.rows < 0 {
			one.rows = -1
		}
		one.included = skippedKinds[one.kind] != "" && (slices.Contains(c.include, one.name) || slices.Contains(c.include, one.full()))
		c.relations = append(c.relations, &one)
		c.byOID[one.oid] = &one
		c.byName[one.full()] = &one
	})
	sort.Slice(c.relations, func(i, j int) bool {
		a, b := c.relations[i], c.relations[j]
		if a.namespace != b.namespace {
			return a.namespace < b.namespace
		}
		return a.name < b.name
	})
	return err
}

// tables lists the relations that hold rows of their own or of their partitions, and those
// that are read like them.
func (c *catalog) tables() []uint32 {
	out := []uint32{}
	for _, r := range c.relations {
		if r.kind == "r" || r.kind == "p" || r.included {
			out = append(out, r.oid)
		}
	}
	return out
}

func (c *catalog) readColumns(ctx context.Context, conn *pgx.Conn) error {
	var rel uint32
	var a attr
	dest := []any{&rel, &a.num, &a.name, &a.typ, &a.mod, &a.print, &a.notNull, &a.readable, &a.vague}
	return each(ctx, conn, sqlColumns, []any{c.tables()}, dest, func() {
		c.byOID[rel].attrs = append(c.byOID[rel].attrs, a)
	})
}

func (c *catalog) readTypes(ctx context.Context, conn *pgx.Conn) error {
	var t pgType
	dest := []any{&t.oid, &t.namespace, &t.name, &t.kind, &t.base, &t.mod, &t.notNull, &t.array}
	return each(ctx, conn, sqlTypes, []any{c.tables()}, dest, func() { c.types[t.oid] = t })
}

func (c *catalog) readKeys(ctx context.Context, conn *pgx.Conn) error {
	var rel uint32
	var k key
	dest := []any{&rel, &k.primary, &k.columns}
	return each(ctx, conn, sqlKeys, []any{c.tables()}, dest, func() {
		c.byOID[rel].keys = append(c.byOID[rel].keys, k)
		k.columns = nil
	})
}

func (c *catalog) readLinks(ctx context.Context, conn *pgx.Conn) error {
	var rel uint32
	var l link
	var ns, name string
	dest := []any{&rel, &l.name, &l.columns, &l.to, &l.ref, &ns, &name, &l.valid}
	return each(ctx, conn, sqlLinks, []any{c.tables()}, dest, func() {
		l.toName = ns + "." + name
		c.byOID[rel].links = append(c.byOID[rel].links, l)
		l.columns, l.ref = nil, nil
	})
}

// readLeaves also gives partitioned tables their row estimate: unknown if it is
// unknown for any partition.
func (c *catalog) readLeaves(ctx context.Context, conn *pgx.Conn) error {
	var roots []uint32
	for _, r := range c.relations {
		if r.kind == "p" {
			roots = append(roots, r.oid)
			r.rows = 0
		}
	}
	if len(roots) == 0 {
		return nil
	}
	var root, leaf uint32
	var rows int64
	var kind, name string
	return each(ctx, conn, sqlLeaves, []any{roots}, []any{&root, &leaf, &rows, &kind, &name}, func() {
		r := c.byOID[root]
		if kind == "f" {
			r.elsewhere = append(r.elsewhere, name)
			return
		}
		r.leaves = append(r.leaves, leaf)
		if rows < 0 || r.rows < 0 {
			r.rows = -1
		} else {
			r.rows += rows
		}
	})
}

// readBases finds the tables behind the views that are read, which must stay the snapshot's
// as tables must.
func (c *catalog) readBases(ctx context.Context, conn *pgx.Conn) error {
	var views []uint32
	for _, r := range c.relations {
		if r.included && r.kind == "v" {
			views = append(views, r.oid)
		}
	}
	if len(views) == 0 {
		return nil
	}
	var view, base uint32
	return each(ctx, conn, sqlBases, []any{views}, []any{&view, &base}, func() {
		c.byOID[view].bases = append(c.byOID[view].bases, base)
	})
}
