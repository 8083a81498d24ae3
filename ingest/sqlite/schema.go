package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Schema reads tables, keys and foreign keys from the catalog, in the order of the
// tables' names. Views and virtual tables are skipped with a reason.
func (s *Source) Schema(ctx context.Context) (*schema.Schema, error) {
	var out *schema.Schema
	err := s.inTransaction(ctx, func(conn *sql.Conn) error {
		version, err := schemaVersion(ctx, conn)
		if err != nil {
			return err
		}
		c := catalog{ctx: ctx, conn: conn, schema: &schema.Schema{}}
		if err := c.read(); err != nil {
			return err
		}
		out, s.version = c.schema, version
		return nil
	})
	if err != nil {
		return nil, s.failed("read the catalog", err)
	}
	if len(out.Tables) == 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("no table in %q", s.path), Hint: "check the path; the file is a SQLite database without tables"}
	}
	return out, nil
}

// failed wraps what the database or the way to it did wrong.
func (s *Source) failed(act string, err error) error {
	return &ingest.SourceError{Op: fmt.Sprintf("%s of %q", act, s.path), Err: err}
}

// inTransaction calls f with a connection that sees one state of the database.
func (s *Source) inTransaction(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	// The connection must not keep its read lock when ctx has ended.
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return f(conn)
}

func schemaVersion(ctx context.Context, conn *sql.Conn) (v int64, err error) {
	err = conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&v)
	return v, err
}

// catalog collects what the PRAGMAs say.
type catalog struct {
	ctx    context.Context
	conn   *sql.Conn
	schema *schema.Schema
	links  [][]link // per table, as declared
}

// link is a foreign key as declared; to is empty where it refers to the primary key.
type link struct {
	table    string
	from, to []string
}

func (c *catalog) read() error {
	type object struct {
		name, kind string
		noRowid    bool
	}
	var objects []object
	err := c.query("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", nil,
		func(scan func(...any) error) error {
			var o object
			err := scan(&o.name, &o.kind, &o.noRowid)
			objects = append(objects, o)
			return err
		})
	if err != nil {
		return err
	}
	for _, o := range objects {
		switch o.kind {
		case "table":
			if err := c.table(o.name, o.noRowid); err != nil {
				return err
			}
		case "view":
			c.skip(o.name, "view: its rows come from other tables")
		case "virtual":
			c.skip(o.name, "virtual table: its rows are made by a module")
		default:
			c.skip(o.name, "belongs to a virtual table")
		}
	}
	for i, t := range c.schema.Tables {
		c.addLinks(t, c.links[i])
	}
	c.schema.HideSecrets()
	return c.estimates()
}

func (c *catalog) skip(object, reason string) {
	c.schema.Skipped = append(c.schema.Skipped, schema.Skipped{Object: object, Reason: reason})
}

// query calls row for every row of a query. The values are bound, never pasted.
func (c *catalog) query(text string, args []any, row func(scan func(...any) error) error) error {
	rows, err := c.conn.QueryContext(c.ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// rawColumn is a row of table_xinfo.
type rawColumn struct {
	name, typ string
	notNull   bool
	key       int // position in the primary key from 1; 0 = not part of it
}

func (c *catalog) table(name string, noRowid bool) error {
	var raw []rawColumn
	err := c.query(`SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, []any{name},
		func(scan func(...any) error) error {
			var r rawColumn
			err := scan(&r.name, &r.typ, &r.notNull, &r.key)
			raw = append(raw, r)
			return err
		})
	if err != nil {
		return err
	}
	links, err := c.foreignKeys(name)
	if err != nil {
		return err
	}
	t := &schema.Table{Name: name, Estimate: -1}
	keyParts := 0
	for _, r := range raw {
		keyParts += min(r.key, 1)
	}
	t.Key = make([]int, keyParts)
	for i, r := range raw {
		identity := r.key > 0 || slices.ContainsFunc(links, func(l link) bool { return containsFold(l.from, r.name) })
		d := typeOf(r.typ, identity)
		if strings.TrimSpace(r.typ) == "" {
			if d, err = c.sample(name, r.name); err != nil {
				return err
			}
		}
		// An INTEGER PRIMARY KEY and the key of a WITHOUT ROWID table are never NULL.
		rowidAlias := keyParts == 1 && r.key == 1 && strings.EqualFold(strings.TrimSpace(r.typ), "INTEGER")
		notNull := r.notNull || r.key > 0 && (noRowid || rowidAlias)
		t.Columns = append(t.Columns, schema.Column{Name: r.name, DBType: d.dbType, Kind: d.kind, NotNull: notNull})
		if r.key > 0 {
			t.Key[r.key-1] = i
		}
	}
	if slices.ContainsFunc(t.Key, func(k int) bool { return t.Columns[k].Kind == schema.Opaque }) {
		c.skip("primary key of "+name, "uses a column that is not read")
		t.Key = nil
	}
	if len(t.Key) > 0 {
		t.KeyReason = schema.Declared
	}
	if err := c.uniqueKeys(t); err != nil {
		return err
	}
	c.schema.Tables = append(c.schema.Tables, t)
	c.links = append(c.links, links)
	return nil
}

// sample looks at the values of a column without declared type.
func (c *catalog) sample(table, column string) (declared, error) {
	classes := map[string]bool{}
	err := c.query(fmt.Sprintf("SELECT DISTINCT typeof(%s) FROM %s", quote(column), quote(table)), nil,
		func(scan func(...any) error) error {
			var class string
			err := scan(&class)
			classes[class] = true
			return err
		})
	return untyped(classes), err
}

// foreignKeys lists the foreign keys of a table in the order of their declaration:
// SQLite numbers them from the last to the first.
func (c *catalog) foreignKeys(table string) ([]link, error) {
	var out []link
	last := -1
	err := c.query(`SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq`, []any{table},
		func(scan func(...any) error) error {
			var (
				id       int
				to, from string
				ref      sql.NullString
			)
			if err := scan(&id, &to, &from, &ref); err != nil {
				return err
			}
			if id != last {
				out = append(out, link{table: to})
				last = id
			}
			l := &out[len(out)-1]
			l.from = append(l.from, from)
			if ref.Valid {
				l.to = append(l.to, ref.String)
			}
			return nil
		})
	return out, err
}

// uniqueKeys adds the unique keys besides the primary key whose columns are all NOT NULL.
func (c *catalog) uniqueKeys(t *schema.Table) error {
	byIndex := map[string][]int{}
	var order []string
	err := c.query(`SELECT l.name, coalesce(i.name, '') FROM pragma_index_list(?) l, pragma_index_info(l.name) i
		WHERE l."unique" AND NOT l.partial AND l.origin <> 'pk' ORDER BY l.seq DESC, i.seqno`, []any{t.Name},
		func(scan func(...any) error) error {
			var index, column string
			if err := scan(&index, &column); err != nil {
				return err
			}
			if _, known := byIndex[index]; !known {
				order = append(order, index)
			}
			byIndex[index] = append(byIndex[index], t.Column(column)) // -1 for an expression
			return nil
		})
	for _, index := range order {
		usable := func(col int) bool {
			return col >= 0 && t.Columns[col].NotNull && t.Columns[col].Kind != schema.Opaque
		}
		if cols := byIndex[index]; !slices.ContainsFunc(cols, func(col int) bool { return !usable(col) }) {
			t.Unique = append(t.Unique, cols)
		}
	}
	return err
}

// addLinks adds the foreign keys of t, or says why one is left out. SQLite accepts
// foreign keys to tables and columns that do not exist.
func (c *catalog) addLinks(t *schema.Table, links []link) {
	for _, l := range links {
		object := fmt.Sprintf("foreign key (%s) of %s", strings.Join(l.from, ", "), t.Name)
		to := slices.IndexFunc(c.schema.Tables, func(o *schema.Table) bool { return strings.EqualFold(o.Name, l.table) })
		if to < 0 {
			c.skip(object, fmt.Sprintf("refers to %s, which is not read", l.table))
			continue
		}
		cols, ok1 := positions(t, l.from)
		ref, ok2 := c.schema.Tables[to].Key, true
		if len(l.to) > 0 {
			ref, ok2 = positions(c.schema.Tables[to], l.to)
		}
		switch {
		case !ok1 || !ok2:
			c.skip(object, "uses a column that is not read")
		case len(ref) != len(cols):
			c.skip(object, fmt.Sprintf("pairs %d columns with a key of %d", len(cols), len(ref)))
		default:
			t.Links = append(t.Links, schema.Link{Name: strings.Join(t.Names(cols), "_"), Columns: cols, To: to, Ref: slices.Clone(ref), Reason: schema.Declared})
		}
	}
}

// positions maps names, whose case does not count, to column numbers; ok is false
// when one is missing or opaque.
func positions(t *schema.Table, columns []string) (out []int, ok bool) {
	for _, name := range columns {
		i := slices.IndexFunc(t.Columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, name) })
		if i < 0 || t.Columns[i].Kind == schema.Opaque {
			return nil, false
		}
		out = append(out, i)
	}
	return out, len(out) > 0
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// estimates counts the rows. The statistics of ANALYZE would be faster, but they are
// seldom there and go stale.
func (c *catalog) estimates() error {
	for _, t := range c.schema.Tables {
		if err := c.conn.QueryRowContext(c.ctx, "SELECT count(*) FROM "+quote(t.Name)).Scan(&t.Estimate); err != nil {
			return fmt.Errorf("count rows of %q: %w", t.Name, err)
		}
	}
	return nil
}

// quote makes a name an identifier of SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
