package rowlink_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/rowlink/rowlink/ingest/sqlite"
)

// oddShop writes a small database whose rows a case then spoils: customers with a level of
// their own, orders of about that level, visits (a child table for cases to fill or empty),
// and a table with a single row and one with none.
func oddShop(t *testing.T, customers int, spoil ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "odd.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(s string, args ...any) {
		if _, err := db.ExecContext(t.Context(), s, args...); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	exec("PRAGMA journal_mode = OFF")
	exec("PRAGMA foreign_keys = OFF")
	exec("BEGIN")
	for _, s := range []string{
		`CREATE TABLE company (company_id INTEGER PRIMARY KEY, name TEXT NOT NULL, founded DATE)`,
		`CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, company_id INTEGER REFERENCES company(company_id), signed_up_at TIMESTAMP NOT NULL,
			level REAL, colour TEXT, void TEXT, nought REAL, same INTEGER)`,
		`CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(customer_id), ordered_at TIMESTAMP NOT NULL,
			total REAL, void REAL, same REAL, kind TEXT)`,
		`CREATE TABLE visits (visit_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(customer_id), visited_at TIMESTAMP, pages INTEGER)`,
		`CREATE TABLE refunds (refund_id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(order_id), refunded_at TIMESTAMP, amount REAL)`,
		`INSERT INTO company VALUES (1, 'the only one', '2001-01-01')`,
	} {
		exec(s)
	}
	rng, order := rand.New(rand.NewPCG(7, 11)), 0
	for c := range customers {
		level := rng.Float64()
		signed := oddStart.Add(time.Duration(rng.IntN(300*24)) * time.Hour)
		exec(`INSERT INTO customers VALUES (?, 1, ?, ?, ?, NULL, NULL, 5)`, c+1, signed.Format(time.DateTime), level, []string{"red", "green", "blue"}[rng.IntN(3)])
		for at := signed; at.Before(oddEnd); at = at.Add(time.Duration(1+rng.ExpFloat64()*24*40*(1.2-level)) * time.Hour) {
			order++
			exec(`INSERT INTO orders VALUES (?, ?, ?, ?, NULL, 1.5, ?)`, order, c+1, at.Format(time.DateTime), 10+90*level*rng.Float64(), []string{"a", "b"}[rng.IntN(2)])
		}
	}
	for _, s := range spoil {
		exec(s)
	}
	exec("COMMIT")
	return path
}

var (
	oddStart = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	oddEnd   = time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC)
)

// oddGrid fixes the anchors of the tasks over an odd shop.
const oddGrid = ` WITH (step = '30 days', val_anchor = '2023-06-01', test_anchor = '2023-09-01', eval_anchors = 3)`

// The tasks over an odd shop.
var (
	oddChurn = fmt.Sprintf(`CREATE TASK churn AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers %s`, oddGrid)
	oddSpend = fmt.Sprintf(`CREATE TASK spend AS PREDICT SUM(orders.total, 0, 30, days) FOR EACH customers %s`, oddGrid)
	oddKind  = fmt.Sprintf(`CREATE TASK kind AS PREDICT LAST(orders.kind, 0, 30, days) FOR EACH customers %s`, oddGrid)
)
