package main

import (
	"fmt"
	"path/filepath"

	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Tables of the generated shop.
const (
	users = iota
	items
	facts
)

// Every fact links a user and an item; there are so many facts per user and item.
const (
	linksPerFact = 2
	factsPerUser = 20
	factsPerItem = 200
)

const (
	dayMicros = 86_400_000_000
	shopStart = 1_577_836_800_000_000 // 2020-01-01
	shopDays  = 1000
)

// shopSchema is users and items with a property each, and facts with an amount, a kind
// and a time, in whose order they are numbered.
func shopSchema() *schema.Schema {
	column := func(name string, kind schema.Kind, sem schema.SemType) schema.Column {
		return schema.Column{Name: name, Kind: kind, Sem: sem}
	}
	id := column("id", schema.Int, schema.SemID)
	return &schema.Schema{Tables: []*schema.Table{
		{Name: "users", Key: []int{0}, Columns: []schema.Column{id, column("country", schema.Int, schema.SemCategorical)}},
		{Name: "items", Key: []int{0}, Columns: []schema.Column{id, column("price", schema.Float, schema.SemNumerical)}},
		{Name: "facts", Key: []int{0}, Time: &schema.RowTime{Column: 3, Via: -1, Until: -1}, Columns: []schema.Column{id,
			column("user_id", schema.Int, schema.SemID), column("item_id", schema.Int, schema.SemID),
			column("at", schema.Time, schema.SemTimestamp), column("amount", schema.Float, schema.SemNumerical),
			column("kind", schema.Int, schema.SemCategorical)},
			Links: []schema.Link{
				{Name: "user", Columns: []int{1}, To: users, Ref: []int{0}},
				{Name: "item", Columns: []int{2}, To: items, Ref: []int{0}}}},
	}}
}

// writeShop generates a shop with the given number of links and writes its snapshot to
// a folder of dir, whose files also hold what does not fit into memory on the way.
func writeShop(dir string, links int) (folder string, err error) {
	sc := shopSchema()
	b := ingest.NewBuilder(sc)
	b.Spill(dir)
	n := links / linksPerFact
	user, item := max(1, n/factsPerUser), max(1, n/factsPerItem)
	draws := sample.Stream(3)
	for i := range user {
		t := b.Tables[users]
		t.Columns[0].Int(int64(i))
		t.Columns[1].Int(int64(draws.Below(uint64(i), 30)))
		t.EndRow()
	}
	for i := range item {
		t := b.Tables[items]
		t.Columns[0].Int(int64(i))
		t.Columns[1].Float(float64(draws.Below(uint64(i), 10_000)) / 100)
		t.EndRow()
	}
	for i := range n {
		t, key := b.Tables[facts], uint64(4*i)
		u := draws.Below(key, uint64(user))
		if draws.Draw(key+1)%4 == 0 {
			u = u * u / uint64(user) // one in four goes to the lower numbers
		}
		t.Columns[0].Int(int64(i))
		t.Columns[1].Int(int64(u))
		t.Columns[2].Int(int64(draws.Below(key+2, uint64(item))))
		t.Columns[3].Int(shopStart + int64(float64(i)/float64(n)*shopDays*dayMicros))
		x := draws.Draw(key + 3)
		t.Columns[4].Float(float64(x%100_000) / 100)
		t.Columns[5].Int(int64(x >> 40 % 12))
		t.EndRow()
	}
	raw, err := b.Finish(sc, shopStart+shopDays*dayMicros)
	if err != nil {
		return "", err
	}
	defer raw.Close()
	snap, err := raw.Derive(sc)
	if err != nil {
		return "", err
	}
	folder = filepath.Join(dir, "snapshot")
	if err := snap.Save(folder); err != nil {
		return "", fmt.Errorf("write the generated snapshot: %w", err)
	}
	return folder, nil
}
