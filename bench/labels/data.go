package main

import (
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// The events lie on 1000 days from begin on; the first anchor leaves 20 months before it.
var (
	begin       = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	firstAnchor = begin.AddDate(0, 0, 600)
)

const days = 1000

// event returns whose the i-th of n events is and when it happened: about in the order of
// the rows, as in a table that grows at its end.
func event(i, n, customers int) (customer int64, at int64) {
	h := mix(uint64(i))
	const day = 24 * int64(time.Hour/time.Microsecond)
	return int64(h%uint64(customers)) + 1, begin.UnixMicro() + int64(float64(i)/float64(n)*days)*day + int64(h>>32)%day
}

// mix spreads a number over all 64 bits (the finaliser of SplitMix64, Steele et al., 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func database() *schema.Schema {
	return &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Columns: []schema.Column{{Name: "id", DBType: "bigint", Kind: schema.Int, NotNull: true}}},
		{Name: "events", Columns: []schema.Column{
			{Name: "customer_id", DBType: "bigint", Kind: schema.Int, NotNull: true},
			{Name: "at", DBType: "timestamp with time zone", Kind: schema.Time, NotNull: true},
		}, Links: []schema.Link{{Name: "customer_id", Columns: []int{0}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}},
	}}
}

// generate makes the snapshot.
func generate(customers, events int) (*ingest.Snapshot, error) {
	b := ingest.NewBuilder(database())
	for i := range customers {
		b.Tables[0].Columns[0].Int(int64(i + 1))
		b.Tables[0].EndRow()
	}
	for i := range events {
		customer, at := event(i, events, customers)
		b.Tables[1].Columns[0].Int(customer)
		b.Tables[1].Columns[1].Int(at)
		b.Tables[1].EndRow()
	}
	sc := database()
	snap, err := b.Finish(sc, 0)
	if err != nil {
		return nil, err
	}
	return snap.Derive(sc)
}
