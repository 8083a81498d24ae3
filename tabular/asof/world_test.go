package asof_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const dayMicros = 86_400_000_000

// day is the midnight that begins day n.
func day(n int) int64 { return int64(n) * dayMicros }

// The tables of the small world: riders, and their rides. A ride may end (until).
const riders, rides = 0, 1

type rider struct {
	id     int64
	joined int64 // microseconds UTC
	age    float64
	team   string // "" = NULL
}

type ride struct {
	id        int64
	rider     int32 // row of the riders; -1 = none
	at, until int64
	km        float64
	bike      string
}

// snapshot puts the rows into two tables, in the given order.
func snapshot(rs []rider, ds []ride) *ingest.Snapshot {
	num := func(name string) schema.Column {
		return schema.Column{Name: name, Kind: schema.Float, Sem: schema.SemNumerical}
	}
	cat := func(name string) schema.Column {
		return schema.Column{Name: name, Kind: schema.Text, Sem: schema.SemCategorical}
	}
	key := schema.Column{Name: "id", Kind: schema.Int, Sem: schema.SemID}
	at := schema.Column{Name: "at", Kind: schema.Time, Sem: schema.SemIgnore}
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "riders", Key: []int{0}, Columns: []schema.Column{key, at, num("age"), cat("team")}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}},
		{Name: "rides", Key: []int{0}, Columns: []schema.Column{key, at, num("km"), cat("bike"), {Name: "rider", Kind: schema.Int, Sem: schema.SemID}},
			Links: []schema.Link{{Name: "rider", Columns: []int{4}, To: riders, Ref: []int{0}}}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}},
	}}
	r := &ingest.Table{Def: s.Tables[riders], Rows: len(rs), Columns: make([]ingest.Column, 4)}
	for i := range r.Columns {
		r.Columns[i] = ingest.Column{Kind: s.Tables[riders].Columns[i].Kind, Valid: make([]byte, len(rs)/8+1), Offsets: []int64{0}}
	}
	for i, x := range rs {
		r.Columns[0].Ints = append(r.Columns[0].Ints, x.id)
		r.Columns[1].Ints = append(r.Columns[1].Ints, x.joined)
		r.Times = append(r.Times, x.joined)
		r.Columns[2].Floats = append(r.Columns[2].Floats, x.age)
		text(&r.Columns[3], i, x.team)
		for c := range 3 {
			r.Columns[c].Valid[i>>3] |= 1 << (i & 7)
		}
	}
	d := &ingest.Table{Def: s.Tables[rides], Rows: len(ds), Columns: make([]ingest.Column, 5), Parents: make([][]int32, 1), Dangling: []int{0}}
	for i := range d.Columns {
		d.Columns[i] = ingest.Column{Kind: s.Tables[rides].Columns[i].Kind, Valid: make([]byte, len(ds)/8+1), Offsets: []int64{0}}
	}
	for i, x := range ds {
		d.Columns[0].Ints = append(d.Columns[0].Ints, x.id)
		d.Columns[1].Ints = append(d.Columns[1].Ints, x.at)
		d.Times, d.Until = append(d.Times, x.at), append(d.Until, x.until)
		d.Columns[2].Floats = append(d.Columns[2].Floats, x.km)
		text(&d.Columns[3], i, x.bike)
		d.Columns[4].Ints = append(d.Columns[4].Ints, int64(x.rider))
		for _, c := range []int{0, 1, 2, 4} {
			d.Columns[c].Valid[i>>3] |= 1 << (i & 7)
		}
		d.Parents[0] = append(d.Parents[0], x.rider)
	}
	return &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{r, d}}
}

// text appends a value to a column of texts; "" is NULL.
func text(c *ingest.Column, row int, value string) {
	c.Bytes = append(c.Bytes, value...)
	c.Offsets = append(c.Offsets, int64(len(c.Bytes)))
	if value != "" {
		c.Valid[row>>3] |= 1 << (row & 7)
	}
}

// fitted builds the graph of a snapshot, and the encoders of its tables from the rows
// that are visible at cut.
func fitted(s *ingest.Snapshot, rule ingest.TimeRule, cut int64) (*graph.Graph, []*encode.Table) {
	g, err := graph.Build(s)
	if err != nil {
		panic(err)
	}
	var enc []*encode.Table
	for _, t := range s.Tables {
		e, err := encode.Fit(t, rule, cut, nil)
		if err != nil {
			panic(err)
		}
		enc = append(enc, e)
	}
	return g, enc
}

// random draws a world: riders who join until day 60 and rides until day 100, some of
// which end, and a few that belong to nobody.
func random(seed uint64) ([]rider, []ride) {
	r := rand.New(rand.NewPCG(seed, 1))
	var rs []rider
	for i := range 30 {
		rs = append(rs, rider{int64(100 * (i + 1)), day(0) + r.Int64N(day(60)), float64(20 + r.IntN(40)), []string{"", "red", "blue", "green"}[r.IntN(4)]})
	}
	var ds []ride
	for i := range 400 {
		d := ride{int64(100 * (i + 1)), int32(r.IntN(len(rs)+1)) - 1, day(r.IntN(100)), ingest.Never, 5 * float64(r.IntN(20)), []string{"", "road", "gravel", "track"}[r.IntN(4)]}
		if r.IntN(4) == 0 {
			d.until = d.at + r.Int64N(day(60))
		}
		ds = append(ds, d)
	}
	return rs, ds
}

// instant prints a day for messages.
func instant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.DateTime) }

// table prints names beside values, one per line, without those that are 0.
func table(names []string, values []float64) string {
	var b strings.Builder
	for i, n := range names {
		if values[i] != 0 {
			fmt.Fprintf(&b, "%8.4f  %s\n", values[i], n)
		}
	}
	return b.String()
}
