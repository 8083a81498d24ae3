package ingest_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// A snapshot is built of rows, linked, saved, reopened and asked.
func Example() {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, DBType: "bigint"}, {Name: "name", Kind: schema.Text, DBType: "text"}}},
		{Name: "orders", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, DBType: "bigint"}, {Name: "customer_id", Kind: schema.Int, DBType: "bigint"}},
			Links: []schema.Link{{Name: "customer_id", Columns: []int{1}, To: 0, Ref: []int{0}}}},
	}}
	b := ingest.NewBuilder(s)
	for id, name := range map[int64]string{7: "Ada", 3: "Grace"} { // the order does not matter
		b.Tables[0].Columns[0].Int(id)
		b.Tables[0].Columns[1].Text([]byte(name))
		b.Tables[0].EndRow()
	}
	for id, customer := range []int64{7, 3, 7, 5} {
		b.Tables[1].Columns[0].Int(int64(id))
		b.Tables[1].Columns[1].Int(customer)
		b.Tables[1].EndRow()
	}
	snap, err := b.Finish(s, 0)
	if err != nil {
		log.Fatal(err)
	}
	if snap, err = snap.Derive(s); err != nil {
		log.Fatal(err)
	}

	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := snap.Save(filepath.Join(folder, snap.ID)); err != nil {
		log.Fatal(err)
	}
	reopened, err := ingest.OpenSnapshot(filepath.Join(folder, snap.ID))
	if err != nil {
		log.Fatal(err)
	}
	defer reopened.Close()

	customers, orders := reopened.Tables[0], reopened.Tables[1]
	fmt.Println("customers of the orders:", orders.Parents[0], "dangling:", orders.Dangling[0])
	key, err := customers.ParseKeyText("7")
	if err != nil {
		log.Fatal(err)
	}
	row, ok := customers.Find(key)
	fmt.Println("customer 7 is row", row, ok, customers.Columns[1].Text(int(row)))
	_, err = customers.ParseKeyText("seven")
	fmt.Println(err)
	// Output:
	// customers of the orders: [1 0 1 -1] dangling: 1
	// customer 7 is row 1 true Ada
	// no customers row with key "seven" (bigint expected)
}
