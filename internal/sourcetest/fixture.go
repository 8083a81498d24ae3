package sourcetest

import (
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Statements creates and fills the fixture database. The same text runs on SQLite
// and on Postgres, one statement after the other, in a schema without these tables.
func Statements() []string {
	return []string{
		`CREATE TABLE regions (country text NOT NULL, code integer NOT NULL, name varchar(40), PRIMARY KEY (country, code))`,
		`CREATE TABLE customers (
			id bigint PRIMARY KEY,
			handle text NOT NULL UNIQUE,
			region_code integer, region_country text,
			referrer_id bigint REFERENCES customers (id),
			vip boolean, born date, score double precision, credit numeric(10,2), note text,
			FOREIGN KEY (region_code, region_country) REFERENCES regions (code, country))`,
		`CREATE TABLE orders (
			id integer PRIMARY KEY,
			billing_id bigint NOT NULL REFERENCES customers (id),
			shipping_id bigint REFERENCES customers (id),
			placed timestamp NOT NULL, paid timestamptz, pickup time, picture bytea)`,
		`CREATE TABLE "Order ""Lines" ("order" integer NOT NULL REFERENCES orders (id), line smallint NOT NULL, amount integer, PRIMARY KEY ("order", line))`,
		`CREATE TABLE visits (handle text REFERENCES customers (handle), page text, seconds real)`,
		`CREATE TABLE nothing_yet (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id), happened timestamp)`,

		`INSERT INTO regions VALUES ('fr', 2, 'Île-de-France'), ('de', 10, 'Bayern'), ('de', 2, 'Köln'), ('fr', -1, NULL)`,
		`INSERT INTO customers VALUES
			(30, 'c', 2, 'fr', 9223372036854775807, TRUE, '1969-12-31', -0.5, -12.34, ''),
			(-7, 'a', 10, 'de', NULL, FALSE, '2000-02-29', 1e300, 0, 'naïve 🦊 — 漢字'),
			(9223372036854775807, 'b', 2, NULL, -7, NULL, NULL, NULL, NULL, NULL),
			(4, 'it''s', NULL, NULL, 4, TRUE, '0999-01-01', 0.1, 99999999.99, 'two
lines')`,
		`INSERT INTO orders VALUES
			(2, 4, NULL, '2024-02-29 23:59:59.999999', '2024-03-01 00:30:00+02:00', '23:59:59.5', NULL),
			(1, -7, 30, '2024-01-01 00:00:00', NULL, NULL, '\x00ff'),
			(3, 4, 4, '1901-01-01 12:00:00', '1970-01-01 00:00:00+00', '00:00', NULL)`,
		`INSERT INTO "Order ""Lines" VALUES (2, 1, 5), (1, 2, -3), (1, 1, NULL), (2, -1, 0)`,
		`INSERT INTO visits VALUES ('c', '/b', 1.5), (NULL, '/a', NULL), ('a', '/a', 0.25), ('c', '/b', 1.5), ('c', NULL, -2)`,
	}
}

// Fixture returns the snapshot that every source must take of the fixture database.
func Fixture(t testing.TB) *ingest.Snapshot {
	t.Helper()
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "regions", Key: []int{0, 1}, Columns: columns("country", schema.Text, "code", schema.Int, "name", schema.Text)},
		{Name: "customers", Key: []int{0}, Unique: [][]int{{1}},
			Columns: columns("id", schema.Int, "handle", schema.Text, "region_code", schema.Int, "region_country", schema.Text, "referrer_id", schema.Int,
				"vip", schema.Bool, "born", schema.Time, "score", schema.Float, "credit", schema.Float, "note", schema.Text),
			Links: []schema.Link{link(1, []int{4}, 0), {Columns: []int{2, 3}, To: 0, Ref: []int{1, 0}}}},
		{Name: "orders", Key: []int{0},
			Columns: columns("id", schema.Int, "billing_id", schema.Int, "shipping_id", schema.Int, "placed", schema.Time, "paid", schema.Time, "pickup", schema.Float, "picture", schema.Opaque),
			Links:   []schema.Link{link(1, []int{1}, 0), link(1, []int{2}, 0)}},
		{Name: `Order "Lines`, Key: []int{0, 1}, Columns: columns("order", schema.Int, "line", schema.Int, "amount", schema.Int), Links: []schema.Link{link(2, []int{0}, 0)}},
		{Name: "visits", Columns: columns("handle", schema.Text, "page", schema.Text, "seconds", schema.Float), Links: []schema.Link{link(1, []int{0}, 1)}},
		{Name: "nothing_yet", Key: []int{0}, Columns: columns("id", schema.Int, "customer_id", schema.Int, "happened", schema.Time), Links: []schema.Link{link(1, []int{1}, 0)}},
	}}
	return Build(t, s, [][][]any{
		{{"de", 2, "Köln"}, {"de", 10, "Bayern"}, {"fr", -1, nil}, {"fr", 2, "Île-de-France"}},
		{
			{-7, "a", 10, "de", nil, false, date(2000, 2, 29), 1e300, 0.0, "naïve 🦊 — 漢字"},
			{4, "it's", nil, nil, 4, true, date(999, 1, 1), 0.1, 99999999.99, "two\nlines"},
			{30, "c", 2, "fr", int64(9223372036854775807), true, date(1969, 12, 31), -0.5, -12.34, ""},
			{int64(9223372036854775807), "b", 2, nil, -7, nil, nil, nil, nil, nil},
		},
		{
			{1, -7, 30, date(2024, 1, 1), nil, nil, nil},
			{2, 4, nil, time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC), time.Date(2024, 2, 29, 22, 30, 0, 0, time.UTC), 86399.5, nil},
			{3, 4, 4, time.Date(1901, 1, 1, 12, 0, 0, 0, time.UTC), date(1970, 1, 1), 0.0, nil},
		},
		{{1, 1, nil}, {1, 2, -3}, {2, -1, 0}, {2, 1, 5}},
		{{"a", "/a", 0.25}, {"c", "/b", 1.5}, {"c", "/b", 1.5}, {"c", nil, -2.0}, {nil, "/a", nil}},
		{},
	})
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// columns makes columns of pairs of name and kind.
func columns(pairs ...any) []schema.Column {
	var out []schema.Column
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, schema.Column{Name: pairs[i].(string), Kind: pairs[i+1].(schema.Kind)})
	}
	return out
}

func link(to int, cols []int, ref ...int) schema.Link {
	return schema.Link{Columns: cols, To: to, Ref: ref}
}

// Build makes a snapshot of rows given as Go values: int or int64, float64, bool,
// string, time.Time, nil for NULL; rows[t] holds the rows of table t.
func Build(t testing.TB, s *schema.Schema, rows [][][]any) *ingest.Snapshot {
	t.Helper()
	b := ingest.NewBuilder(s)
	for i, table := range rows {
		for _, row := range table {
			for c, v := range row {
				put(t, &b.Tables[i].Columns[c], v)
			}
			b.Tables[i].EndRow()
		}
	}
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.Derive(s); err != nil {
		t.Fatal(err)
	}
	return snap
}

func put(t testing.TB, c *ingest.ColumnBuilder, v any) {
	switch v := v.(type) {
	case nil:
		if c.Kind != schema.Opaque {
			c.Null()
		}
	case int:
		c.Int(int64(v))
	case int64:
		c.Int(v)
	case float64:
		c.Float(v)
	case bool:
		c.Bool(v)
	case string:
		c.Text([]byte(v))
	case time.Time:
		c.Int(v.UnixMicro())
	default:
		t.Fatalf("fixture value of type %T", v)
	}
}
