package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
)

// A SQLite file becomes a snapshot by its URL alone.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "shop.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.Exec(`
		CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, joined DATE);
		CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, placed DATETIME);
		INSERT INTO customers VALUES (7, 'Ada', '2024-01-31'), (3, 'Grace', NULL);
		INSERT INTO orders VALUES (1, 7, '2024-02-01 10:30:00'), (2, 3, '2024-02-02 08:00:00')`)
	if err != nil {
		log.Fatal(err)
	}
	db.Close()

	ctx := context.Background()
	src, err := ingest.Open(ctx, "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(ctx, src, ingest.TakeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for i, t := range snap.Tables {
		for row := range t.Rows {
			fmt.Print(t.Def.Name, " ", t.KeyText(int32(row)), ":")
			for c := range t.Columns {
				fmt.Print(" ", snap.Tables[i].Columns[c].Value(row))
			}
			fmt.Println()
		}
	}
	fmt.Println("parents of the orders:", snap.Tables[1].Parents[0])
	// Output:
	// customers 3: 3 Grace <nil>
	// customers 7: 7 Ada 2024-01-31 00:00:00 +0000 UTC
	// orders 1: 1 7 2024-02-01 10:30:00 +0000 UTC
	// orders 2: 2 3 2024-02-02 08:00:00 +0000 UTC
	// parents of the orders: [1 0]
}
