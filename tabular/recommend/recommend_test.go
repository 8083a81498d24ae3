package recommend_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

const day = 86_400_000_000

// foundedLate is after the cuts of the tests.
const foundedLate = 260

// basket is one row of orders.
type basket struct {
	user, item int64
	at         int64 // day
	price      float64
}

// world is a shop whose users buy what users of their taste buy: items of a taste share
// their remainder by three. Every seventh item is of a brand that is founded on day
// foundedLate; with later, that brand is there, and so many items are listed from that day on.
func world(t testing.TB, orders []basket, items int, later ...int) *ingest.Snapshot {
	t.Helper()
	more := 0
	for _, n := range later {
		more += n
	}
	table := func(name string, columns ...schema.Column) *schema.Table {
		for i := range columns {
			columns[i].NotNull = true
		}
		return &schema.Table{Name: name, Columns: columns, Key: []int{0}}
	}
	integer := func(name string, sem schema.SemType) schema.Column {
		return schema.Column{Name: name, DBType: "integer", Kind: schema.Int, Sem: sem}
	}
	users := table("users", integer("user_id", schema.SemID))
	instant := func(name string) schema.Column {
		return schema.Column{Name: name, DBType: "timestamp without time zone", Kind: schema.Time, Sem: schema.SemTimestamp}
	}
	things := table("items", integer("item_id", schema.SemID), integer("shelf", schema.SemCategorical), schema.Column{Name: "price", DBType: "double precision", Kind: schema.Float, Sem: schema.SemNumerical},
		integer("brand_id", schema.SemID), instant("listed"))
	things.Time = &schema.RowTime{Column: 4, Via: -1, Until: -1}
	things.Links = []schema.Link{{Name: "brand_id", Columns: []int{3}, To: 3, Ref: []int{0}}}
	brands := table("brands", integer("brand_id", schema.SemID), instant("founded"))
	brands.Time = &schema.RowTime{Column: 1, Via: -1, Until: -1}
	rows := table("orders", integer("order_id", schema.SemID), integer("user_id", schema.SemID), integer("item_id", schema.SemID),
		schema.Column{Name: "placed", DBType: "timestamp without time zone", Kind: schema.Time, Sem: schema.SemTimestamp}, schema.Column{Name: "price", DBType: "double precision", Kind: schema.Float, Sem: schema.SemNumerical})
	rows.Time = &schema.RowTime{Column: 3, Via: -1, Until: -1}
	rows.Links = []schema.Link{{Name: "user_id", Columns: []int{1}, To: 0, Ref: []int{0}}, {Name: "item_id", Columns: []int{2}, To: 1, Ref: []int{0}}}
	sc := &schema.Schema{Tables: []*schema.Table{users, things, rows, brands}}
	b := ingest.NewBuilder(sc)
	for u := range int64(24) {
		b.Tables[0].Columns[0].Int(u)
		b.Tables[0].EndRow()
	}
	for i := range int64(items + more) {
		c := b.Tables[1].Columns
		c[0].Int(i)
		c[1].Int(i % 3)
		c[2].Float(float64(i))
		brand, listed := i%4, int64(0)
		if i%7 == 0 {
			brand = 4
		}
		if i >= int64(items) {
			listed = foundedLate
		}
		c[3].Int(brand)
		c[4].Int(listed * day)
		b.Tables[1].EndRow()
	}
	for i := range int64(5) {
		if i == 4 && len(later) == 0 {
			break
		}
		b.Tables[3].Columns[0].Int(i)
		b.Tables[3].Columns[1].Int(i / 4 * foundedLate * day)
		b.Tables[3].EndRow()
	}
	for i, o := range orders {
		c := b.Tables[2].Columns
		c[0].Int(int64(i))
		c[1].Int(o.user)
		c[2].Int(o.item)
		c[3].Int(o.at * day)
		c[4].Float(o.price)
		b.Tables[2].EndRow()
	}
	snap, err := b.Finish(sc, 4e15)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	return snap
}

// orders draws a year and a half of purchases.
func orders(items int) []basket {
	r := rand.New(rand.NewPCG(1, 2))
	var out []basket
	for at := range int64(300) {
		for range 4 {
			u := r.Int64N(24)
			item := 3*r.Int64N(int64(items)/3) + u%3
			if r.IntN(4) == 0 {
				item = r.Int64N(int64(items))
			}
			out = append(out, basket{u, item, at, float64(r.IntN(20))})
		}
	}
	return out
}

const text = `CREATE TASK next AS PREDICT LIST_DISTINCT(orders.item_id WHERE orders.price > 2, 0, 20, days) RANK TOP 5 FOR EACH users
  WITH (val_anchor = '1970-07-01', test_anchor = '1970-08-20', step = '20 days', eval_anchors = 2)`

func bind(t testing.TB, snap *ingest.Snapshot, text string) *tasks.Task {
	t.Helper()
	task, err := tql.Bind(text, snap.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := tasks.Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	return task
}

func fit(t testing.TB, snap *ingest.Snapshot, text string, threads int) (*recommend.Model, *recommend.Report) {
	t.Helper()
	labels, err := tasks.Label(t.Context(), snap, bind(t, snap, text), threads)
	if err != nil {
		t.Fatal(err)
	}
	m, r, err := recommend.Fit(t.Context(), snap, labels, threads)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// queries ask about every user at some days.
func queries(days ...int64) []recommend.Query {
	var q []recommend.Query
	for _, d := range days {
		for u := range int32(24) {
			q = append(q, recommend.Query{Row: u, Cut: d * day})
		}
	}
	return q
}

func rank(t testing.TB, m *recommend.Model, q []recommend.Query) [][]recommend.Item {
	t.Helper()
	out, err := m.Rank(t.Context(), q, 5)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What is served beats popularity where tastes differ, the same bits come from any number
// of threads, and a stored model answers as before.
func TestFit(t *testing.T) {
	for _, items := range []int{30, 700} { // all are candidates; some are
		snap := world(t, orders(items), items)
		m, r := fit(t, snap, text, 1)
		again, r2 := fit(t, snap, text, 2)
		if asJSON(t, m) != asJSON(t, again) || asJSON(t, r) != asJSON(t, r2) {
			t.Fatalf("%d items: one thread and two give different models", items)
		}
		best := map[string]float64{}
		for _, row := range r.Rows {
			best[row.Name] = row.Test["map"]
		}
		if served := best[r.Served]; items == 30 && !(served > best[r.Rows[0].Name]) {
			t.Errorf("%d items: %s is served with %.4f on test, popularity has %.4f", items, r.Served, served, best[r.Rows[0].Name])
		}
		want := rank(t, m, queries(240, 250))
		stored := &recommend.Model{}
		if err := json.Unmarshal([]byte(asJSON(t, m)), stored); err != nil {
			t.Fatal(err)
		}
		if err := stored.Bind(snap, bind(t, snap, text), 2); err != nil {
			t.Fatal(err)
		}
		got := rank(t, stored, queries(240, 250))
		for i := range want {
			if !slices.Equal(want[i], got[i]) {
				t.Fatalf("%d items: query %d gives %v after storing, before %v", items, i, got[i], want[i])
			}
		}
		for _, i := range []int{7, 24 + 7} { // of both cuts
			if one := rank(t, stored, queries(240, 250)[i:i+1]); !slices.Equal(one[0], want[i]) {
				t.Errorf("%d items: query %d asked alone gives %v, among others %v", items, i, one[0], want[i])
			}
		}
	}
}

// Rows after the cut change no answer: they are changed, added and deleted.
func TestRank_leak(t *testing.T) {
	const cut = 235
	for _, items := range []int{30, 590, 700} { // with forty more, 590 are no longer few
		all := orders(items)
		m, _ := fit(t, world(t, all, items), text, 2)
		want := rank(t, m, queries(cut))
		r := rand.New(rand.NewPCG(3, 4))
		futures := map[string][]basket{"deleted": nil, "changed": nil, "added": nil}
		for _, o := range all {
			if o.at <= cut {
				for name := range futures {
					futures[name] = append(futures[name], o)
				}
				continue
			}
			futures["changed"] = append(futures["changed"], basket{r.Int64N(24), r.Int64N(int64(items)), o.at, 20})
			futures["added"] = append(futures["added"], o, basket{r.Int64N(24), 1, o.at, 20}, basket{1, r.Int64N(int64(items)), cut + 1, 20})
		}
		for name, future := range futures {
			slices.SortStableFunc(future, func(a, b basket) int { return int(a.at - b.at) })
			snap := world(t, future, items, 40)
			other := &recommend.Model{}
			if err := json.Unmarshal([]byte(asJSON(t, m)), other); err != nil {
				t.Fatal(err)
			}
			if err := other.Bind(snap, bind(t, snap, text), 2); err != nil {
				t.Fatal(err)
			}
			for i, got := range rank(t, other, queries(cut)) {
				if !slices.Equal(got, want[i]) {
					t.Fatalf("%d items, later rows %s: user %d gets %v, want %v", items, name, i, got, want[i])
				}
			}
		}
	}
}

// With exclude_seen nothing is named that the user has had.
func TestRank_excludeSeen(t *testing.T) {
	all := orders(30)
	snap := world(t, all, 30)
	m, _ := fit(t, snap, text[:len(text)-1]+", exclude_seen = true)", 2)
	had := map[string]bool{}
	for _, o := range all {
		if o.at <= 250 && o.price > 2 {
			had[fmt.Sprint(o.user, o.item)] = true
		}
	}
	named := 0
	for u, list := range rank(t, m, queries(250)) {
		for _, item := range list {
			named++
			if had[fmt.Sprint(u, item.Row)] {
				t.Errorf("user %d had item %d", u, item.Row)
			}
		}
	}
	if named < 24 {
		t.Errorf("%d items named", named)
	}
}

// A model of other features is refused.
func TestBind_other(t *testing.T) {
	snap := world(t, orders(30), 30)
	m, _ := fit(t, snap, text, 2)
	other := &recommend.Model{}
	if err := json.Unmarshal([]byte(asJSON(t, m)), other); err != nil {
		t.Fatal(err)
	}
	other.Features = other.Features[1:]
	if err := other.Bind(snap, bind(t, snap, text), 1); err == nil {
		t.Error("a model of other features is taken")
	}
}

// What the task masks is no feature of a pair, nor are events found over it.
func TestFit_mask(t *testing.T) {
	snap := world(t, orders(30), 30)
	named := func(mask, part string) bool {
		m, _ := fit(t, snap, text[:len(text)-1]+mask+")", 2)
		return slices.ContainsFunc(m.Features, func(n string) bool { return strings.Contains(n, part) })
	}
	const events = "orders.user_id and orders.item_id"
	if !named("", "brand_id") || !named("", "shelf") || !named("", events) {
		t.Error("the features lack what is not masked")
	}
	if named(", mask = ('items.brand_id', 'items.shelf')", "brand_id") || named(", mask = ('items.brand_id', 'items.shelf')", "shelf") {
		t.Error("masked columns of the items are features")
	}
	if named(", mask = ('orders.user_id')", events) {
		t.Error("events are found over a masked foreign key")
	}
}
