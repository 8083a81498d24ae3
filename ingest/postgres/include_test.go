package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
)

func mustInclude(t *testing.T, u string, names ...string) *Source {
	t.Helper()
	s, err := Open(t.Context(), u, ingest.OpenOptions{Include: names})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Views, materialized views and foreign tables are read like tables where that is asked for,
// from the one snapshot, with keys, links and times of the mapping (cases 32, 33, 34).
func TestCase32_include(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE customer (id int PRIMARY KEY, name text)", "CREATE TABLE sale (id int PRIMARY KEY, customer int, at timestamptz, amount numeric(9,2))",
		"INSERT INTO customer SELECT g, 'c' || g FROM generate_series(1, 20) g",
		"INSERT INTO sale SELECT g, 1 + g % 20, timestamptz '2024-01-01' + g * interval '1 hour', g FROM generate_series(1, 500) g",
		"CREATE VIEW inner_view AS SELECT * FROM sale WHERE amount > 10",
		"CREATE VIEW large AS SELECT id AS sale_id, customer, at, amount, at::text AS note FROM inner_view WHERE amount > 100",
		"CREATE MATERIALIZED VIEW per_customer AS SELECT customer, count(*) AS n FROM sale GROUP BY customer",
		"CREATE MATERIALIZED VIEW never AS SELECT 1 AS x WITH NO DATA",
		"CREATE EXTENSION postgres_fdw", "CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '"+strings.Split(mustHost(t, u), ":")[0]+"', port '"+strings.Split(mustHost(t, u), ":")[1]+"', dbname '"+mustOpen(t, u).config.Database+"')",
		"CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user 'postgres', password "+quoteLiteral(mustOpen(t, u).config.Password)+")",
		"CREATE FOREIGN TABLE far (id int, name text) SERVER here OPTIONS (table_name 'customer')")
	s := mustInclude(t, u, "large", "public.per_customer", "never", "far")
	snap := mustTakeOf(t, s)
	rows := map[string]int{}
	for _, tb := range snap.Tables {
		rows[tb.Def.Name] = tb.Rows
	}
	for name, want := range map[string]int{"customer": 20, "sale": 500, "large": 400, "per_customer": 20, "far": 20} {
		if rows[name] != want {
			t.Errorf("%s has %d rows, want %d", name, rows[name], want)
		}
	}
	if got := skipped(snap.Schema); !strings.Contains(got, "public.never: materialized view without rows") || !strings.Contains(got, "public.inner_view: view") {
		t.Errorf("left out: %q", got)
	}
	var told []string
	for _, f := range snap.Findings {
		if f.Check == "included" {
			told = append(told, f.Level+" "+strings.SplitN(f.Detail, ":", 2)[0])
		}
	}
	if got := strings.Join(sorted(told), ", "); got != "info public.large, info public.per_customer, warning public.far" {
		t.Errorf("told of %s", got)
	}
	schema.Infer(snap.Schema, snap.Stats())
	m, err := schema.ReadMapping(strings.NewReader(`version: 1
tables:
  public.large:
    key: sale_id
    time: at
    links:
      - columns: [customer]
        to: public.customer
`))
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := m.Apply(snap.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.Derive(mapped); err != nil {
		t.Fatal(err)
	}
	large := snap.Tables[mapped.Table("large")]
	if len(large.Def.Key) != 1 || large.Def.Time == nil || len(large.Parents) != 1 || large.Dangling[0] != 0 {
		t.Errorf("the view has key %v, time %v, links %v", large.Def.Key, large.Def.Time, large.Def.Links)
	}

	// A refresh computes the view anew and copies a concurrently refreshed one by its rows.
	old := mustTakeOf(t, s)
	mark := s.Mark()
	mustExec(t, conn, "INSERT INTO sale VALUES (501, 1, now(), 900)", "REFRESH MATERIALIZED VIEW per_customer")
	again, err := ingest.Take(t.Context(), s, ingest.TakeOptions{Old: old, OldMark: mark, Taken: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Tables[again.Schema.Table("large")].Rows; n != 401 {
		t.Errorf("%d rows of the view after a refresh, want 401", n)
	}
	if w := wayOf(t, s.Ways(), "large"); w.Way != ingest.WayWhole {
		t.Errorf("%+v, want the view whole", w)
	}

	var user *ingest.UserError
	if _, err := mustInclude(t, u, "larg").Schema(t.Context()); !errors.As(err, &user) || !strings.Contains(user.Hint, `"large"`) {
		t.Errorf("error %v, want the names that there are", err)
	}
	if _, err := mustInclude(t, u, "customer").Schema(t.Context()); !errors.As(err, &user) {
		t.Errorf("error %v for a table, want a UserError", err)
	}
}

// A TRUNCATE of a table behind a view would show the view too short in the old snapshot: it is
// noticed, and all is read again.
func TestCase32_truncatedBelow(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE VIEW w AS SELECT id, i FROM small", "CREATE VIEW v AS SELECT * FROM w")
	s := mustInclude(t, u, "v")
	s.workers = 1
	mustExec(t, conn, "UPDATE pg_class SET reltuples = 1 WHERE relname IN ('v', 'w', 'small')") // big first, the view last
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := ingest.NewBuilder(sch)
	done := false
	b.Progress = func(table int, _ int64) {
		if sch.Tables[table].Name == "big" && !done {
			done = true
			mustExec(t, conn, "TRUNCATE small", "INSERT INTO small SELECT generate_series(1, 7)")
		}
	}
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	if n := b.Tables[sch.Table("v")].Rows(); !done || n != 7 {
		t.Errorf("%d rows of the view, want the 7 of the new state", n)
	}
}
