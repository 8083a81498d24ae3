package shop

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func small() *Database { return Generate(Options{Customers: 400, Seed: 5}) }

func TestWriteSQLite(t *testing.T) {
	d := small()
	path := filepath.Join(t.TempDir(), "shop.db")
	if err := d.WriteSQLite(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	one := func(query string) (s sql.Null[string]) {
		t.Helper()
		if err := db.QueryRow(query).Scan(&s); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		return s
	}
	if s := one(`SELECT "table" FROM pragma_foreign_key_check`); s.Valid {
		t.Errorf("table %s has a dangling foreign key", s.V)
	}
	if s := one("PRAGMA integrity_check"); s.V != "ok" {
		t.Errorf("integrity check: %s", s.V)
	}
	for _, tab := range d.tables() {
		if n := one("SELECT count(*) FROM " + tab.name).V; n != strconv.Itoa(tab.rows) {
			t.Errorf("%s has %s rows, want %d", tab.name, n, tab.rows)
		}
		if n := one("SELECT count(DISTINCT id) FROM pragma_foreign_key_list('" + tab.name + "')").V; n != strconv.Itoa(len(tab.links)) {
			t.Errorf("%s has %s foreign keys, want %d", tab.name, n, len(tab.links))
		}
		for _, c := range tab.columns {
			if c.typ != typeTimestamp {
				continue
			}
			if last := one("SELECT max(" + c.name + ") FROM " + tab.name).V; last > End.Format("2006-01-02 15:04:05") {
				t.Errorf("%s.%s goes up to %s, after the end", tab.name, c.name, last)
			}
		}
	}
	for query, want := range map[string]string{
		"SELECT max(ordered_at) FROM orders":                                                "2025-01-01T00:00:00Z",
		"SELECT group_concat(name, ' ') FROM pragma_table_info('order_lines') WHERE pk > 0": "order_id line_no",
		"SELECT group_concat(type, ' ') FROM pragma_table_info('customers')":                "INTEGER TIMESTAMP TEXT INTEGER BOOLEAN INTEGER TEXT",
		"SELECT count(*) FROM orders o WHERE abs(total - (SELECT sum(quantity * unit_price * (1 - coalesce(discount, 0))) FROM order_lines l WHERE l.order_id = o.order_id)) > 0.006": "0",
		"SELECT count(*) FROM pragma_table_info('products') WHERE \"notnull\" = 1":                                                                                                    "6",
	} {
		got := one(query).V
		if at, err := time.Parse("2006-01-02 15:04:05", got); err == nil {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s\n= %s, want %s", query, got, want)
		}
	}
}

func TestWriteSQLite_keepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := small().WriteSQLite(t.Context(), path); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file now holds %q (%v)", text, err)
	}
}

func TestWriteSQLite_interruptedLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := small().WriteSQLite(ctx, filepath.Join(dir, "shop.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one of cancellation", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestWritePostgres also runs the script of WriteSQL and compares the two databases.
func TestWritePostgres(t *testing.T) {
	d := small()
	url := pgtest.URL(t)
	if have, err := Seeded(t.Context(), url, "odd name"); err != nil || have {
		t.Fatalf("Seeded = %v, %v before writing", have, err)
	}
	if err := d.WritePostgres(t.Context(), url, "odd name"); err != nil {
		t.Fatal(err)
	}
	if have, err := Seeded(t.Context(), url, "odd name"); err != nil || !have {
		t.Fatalf("Seeded = %v, %v after writing", have, err)
	}
	if err := d.WritePostgres(t.Context(), url, "odd name"); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("second write: error %v", err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var script strings.Builder
	if err := d.WriteSQL(&script); err != nil {
		t.Fatal(err)
	}
	if err := pgtest.RunScript(t.Context(), conn, ".", strings.NewReader(script.String())); err != nil {
		t.Fatal(err)
	}
	for _, tab := range d.tables() {
		var a, b, c int
		err := conn.QueryRow(t.Context(), strings.NewReplacer("$t", tab.name).Replace(
			`SELECT count(*), (SELECT count(*) FROM public.$t),
			        (SELECT count(*) FROM (TABLE "odd name".$t EXCEPT ALL TABLE public.$t) d)
			   FROM "odd name".$t`)).Scan(&a, &b, &c)
		if err != nil || a != tab.rows || b != tab.rows || c != 0 {
			t.Errorf("%s: %d rows by COPY, %d by script, %d differ, want %d, %d, 0 (%v)", tab.name, a, b, c, tab.rows, tab.rows, err)
		}
	}
	var links int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = '"odd name"'::regnamespace`).Scan(&links); err != nil || links != 9 {
		t.Errorf("%d foreign keys (%v), want 9", links, err)
	}
}

func TestTable_copyLineEscapes(t *testing.T) {
	tab := table{name: "t", columns: []column{{"a", typeText, true}, {"b", typeDate, false}, {"c", typeBoolean, false}, {"d", typeText, true}},
		rows: 1, row: func(int) []any { return []any{"a\tb\\c\nd", End, true, nil} }}
	if got, want := tab.copyLine(0), "a\\tb\\\\c\\nd\t2025-01-01\tt\t\\N\n"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
}
