package csvdir_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir" // URL scheme csv
)

func Example() {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"schema.sql": "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (user_id int REFERENCES users, at timestamp);",
		"users.csv":  "id\n1\n2\n",
		"orders.csv": "user_id,at\n2,2024-05-01 12:00:00\n2,2024-05-03 09:30:00\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	src, err := ingest.Open(context.Background(), "csv:"+dir, ingest.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(context.Background(), src, ingest.TakeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range snap.Tables {
		fmt.Println(t.Def.Name, t.Rows, "rows,", len(t.Def.Links), "links")
	}
	// Output:
	// orders 2 rows, 1 links
	// users 2 rows, 0 links
}
