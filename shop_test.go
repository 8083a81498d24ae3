package rowlink_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/internal/shop"
)

// writeShop writes a generated shop as a SQLite file in a new folder.
func writeShop(t testing.TB, o shop.Options) (*shop.Database, string) {
	t.Helper()
	db, path := shop.Generate(o), filepath.Join(t.TempDir(), "shop.db")
	if err := db.WriteSQLite(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return db, path
}

// smallShop is a shop of 100 customers.
func smallShop(t testing.TB) (path string) {
	t.Helper()
	_, path = writeShop(t, shop.Options{Customers: 100, Products: 40, Suppliers: 8, Seed: 1})
	return path
}

func open(t testing.TB, o rowlink.Options) *rowlink.Database {
	t.Helper()
	d, err := rowlink.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// quick is a training of a second.
func quick() train.Options {
	return train.Options{Model: model.Config{Width: 8, FanOut: []int{5, 3, 2}, IDs: []string{"products"}}, Epochs: 1, Seed: 3}
}

// quickScan is one with the layer scan.
func quickScan() train.Options {
	return train.Options{Model: model.Config{Layer: model.Scan, Width: 4}, Epochs: 3, Seed: 3}
}

// execute runs statements on a shop's file with the instant as ?1; each must change rows.
func execute(t testing.TB, path string, at time.Time, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		r, err := db.ExecContext(t.Context(), s, at.UTC().Format(time.DateTime))
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		// The last customers and products of a shop are older than its test anchor.
		none := !at.Before(shop.TestAnchor) && (strings.Contains(s, "signed_up_at > ?1") || strings.Contains(s, "listed_on > ?1"))
		if n, err := r.RowsAffected(); err != nil || n == 0 && !none {
			t.Fatalf("%s: %d rows, error %v, want some", s, n, err)
		}
	}
}

// foresee lets rows before the instant point to parents that come later: an order to a
// store that opens after it, a line to a product that is not listed yet.
func foresee(t testing.TB, path string, at time.Time) {
	t.Helper()
	execute(t, path, at,
		`INSERT INTO stores VALUES (90, 'Tomorrow', 'north', date(?1, '+9 days'))`,
		`UPDATE orders SET store_id = 90 WHERE ordered_at <= ?1 AND order_id % 5 = 0`,
		`INSERT INTO products SELECT 9000, supplier_id, category, brand, 1, description, date(?1, '+9 days') FROM products LIMIT 1`,
		`UPDATE order_lines SET product_id = 9000 WHERE order_id % 5 = 1 AND order_id IN (SELECT order_id FROM orders WHERE ordered_at <= ?1)`)
}

// alter lets another future happen to a shop's file: rows after the instant are changed,
// deleted and added in every table with time, also those whose time comes through a parent.
// New rows have smaller keys than all others, so that every row number moves.
func alter(t testing.TB, path string, at time.Time) {
	t.Helper()
	execute(t, path, at,
		// Changed: values, times, and whom the rows belong to.
		`UPDATE orders SET total = 10 * total + 7, channel = 'drone', store_id = NULL, ordered_at = datetime(ordered_at, '+1 hour'),
			customer_id = (SELECT min(customer_id) FROM customers) WHERE ordered_at > ?1 AND order_id % 3 = 1`,
		`UPDATE order_lines SET product_id = (SELECT min(product_id) FROM products), quantity = 99, unit_price = 1e5, discount = NULL
			WHERE line_no = 1 AND order_id IN (SELECT order_id FROM orders WHERE ordered_at > ?1)`,
		`UPDATE returns SET reason = 'exploded', returned_at = datetime(returned_at, '+1 day') WHERE returned_at > ?1 AND return_id % 3 = 1`,
		`UPDATE support_tickets SET topic = 'praise', body = 'all is well now', order_id = NULL, customer_id = (SELECT max(customer_id) FROM customers)
			WHERE opened_at > ?1 AND ticket_id % 3 = 1`,
		`UPDATE support_tickets SET resolved_at = datetime(?1, '+3 days') WHERE opened_at <= ?1 AND (resolved_at IS NULL OR resolved_at > ?1)`,
		`UPDATE customers SET region = 'moon', age = 150, newsletter = 1, note = 'who is this', referred_by = (SELECT min(customer_id) FROM customers)
			WHERE signed_up_at > ?1 AND customer_id % 3 = 1`,
		`UPDATE products SET price = 1e6, category = 'gold', brand = 'none', description = 'pure gold' WHERE listed_on > ?1`,
		`UPDATE stores SET region = 'abyss', city = 'Nowhere', opened_on = date(opened_on, '+1 day') WHERE opened_on > ?1`,
		// Deleted; what pointed to them points nowhere now.
		`DELETE FROM orders WHERE ordered_at > ?1 AND order_id % 3 = 0`,
		`DELETE FROM order_lines WHERE line_no = 2 AND order_id IN (SELECT order_id FROM orders WHERE ordered_at > ?1)`,
		`DELETE FROM returns WHERE returned_at > ?1 AND return_id % 3 = 0`,
		`DELETE FROM support_tickets WHERE opened_at > ?1 AND ticket_id % 3 = 0`,
		`DELETE FROM customers WHERE signed_up_at > ?1 AND customer_id % 3 = 0`,
		// Added, some of them to rows of the past.
		`INSERT INTO stores VALUES (1, 'Atlantis', 'sea', date(?1, '+1 day'))`,
		`INSERT INTO products SELECT product_id - 500, supplier_id, 'new', 'new', 0.01, NULL, date(?1, '+1 day') FROM products WHERE listed_on <= ?1`,
		`INSERT INTO customers SELECT customer_id - 10000, datetime(?1, '+5 seconds'), 'sea', NULL, 0, customer_id, NULL FROM customers WHERE signed_up_at <= ?1`,
		`INSERT INTO orders SELECT order_id - 700000, customer_id, datetime(?1, '+1 second'), 'phone', 1, 1e6 FROM orders WHERE order_id > 700000 AND ordered_at <= ?1 AND order_id % 2 = 0`,
		`INSERT INTO order_lines SELECT order_id, 1, (SELECT max(product_id) FROM products), 50, 1e4, 0.5 FROM orders WHERE order_id < 700000`,
		`INSERT INTO returns SELECT row_number() OVER (ORDER BY order_id, line_no), order_id, line_no, datetime(?1, '+2 seconds'), 'late' FROM order_lines
			WHERE order_id IN (SELECT order_id FROM orders WHERE ordered_at <= ?1)`,
		`INSERT INTO support_tickets SELECT ticket_id - 90000, customer_id, order_id, datetime(?1, '+3 seconds'), 'late', 'where is it', NULL FROM support_tickets WHERE ticket_id > 90000 AND opened_at <= ?1`)
}
