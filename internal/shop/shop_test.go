package shop

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// whole is the shop of the demo; it takes half a second.
var whole = sync.OnceValue(func() *Database { return Generate(Options{Seed: 1}) })

func hash(t *testing.T, o Options) string {
	t.Helper()
	h := sha256.New()
	if err := Generate(o).WriteSQL(h); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestGenerate_equalOptionsGiveEqualBytes(t *testing.T) {
	o := Options{Customers: 300, Seed: 7}
	a, b := hash(t, o), hash(t, o)
	if a != b {
		t.Errorf("two runs differ: %s and %s", a, b)
	}
	for name, other := range map[string]Options{
		"seed": {Customers: 300, Seed: 8}, "customers": {Customers: 301, Seed: 7},
		"products": {Customers: 300, Products: 100, Seed: 7}, "suppliers": {Customers: 300, Suppliers: 5, Seed: 7},
	} {
		if hash(t, other) == a {
			t.Errorf("another value of %s gives the same bytes", name)
		}
	}
}

func TestGenerate_smallShops(t *testing.T) {
	for seed := range uint64(20) {
		for _, n := range []int{1, 2, 10} {
			d := Generate(Options{Customers: n, Products: 1 + int(seed)%3, Suppliers: 1, Seed: seed})
			if len(d.Customers) != n || len(d.Orders) == 0 {
				t.Errorf("seed %d: %d customers with %d orders, want %d customers", seed, len(d.Customers), len(d.Orders), n)
			}
		}
	}
}

func TestGenerate_sizes(t *testing.T) {
	d := whole()
	for _, c := range []struct {
		what           string
		n, least, most int
	}{
		{"customers", len(d.Customers), 5000, 5000},
		{"products", len(d.Products), 400, 400},
		{"order lines", len(d.Lines), 180_000, 230_000},
		{"returns", len(d.Returns), 10_000, 18_000},
		{"tickets", len(d.Tickets), 15_000, 26_000},
	} {
		t.Logf("%s: %d", c.what, c.n)
		if c.n < c.least || c.n > c.most {
			t.Errorf("%d %s, want %d to %d", c.n, c.what, c.least, c.most)
		}
	}
}

func TestGenerate_rowsAreInOrderAndInTime(t *testing.T) {
	d := whole()
	placed := map[int64]time.Time{}
	var last time.Time
	next := 0
	for i, o := range d.Orders {
		if o.OrderedAt.Before(last) || o.OrderedAt.After(End) || !o.OrderedAt.After(Start) {
			t.Fatalf("order %d at %s: not in order, or outside of the shop's time", o.ID, o.OrderedAt)
		}
		if c := d.Customers[o.customer]; o.OrderedAt.Before(c.SignedUpAt) || c.ID != o.Customer {
			t.Fatalf("order %d is before its customer's sign-up, or not of that customer", o.ID)
		}
		if (o.Channel == "store") != o.Store.Valid {
			t.Fatalf("order %d: channel %s, store %v", o.ID, o.Channel, o.Store)
		}
		if o.first != next || o.lines == 0 || d.Lines[next].Order != o.ID {
			t.Fatalf("order %d (row %d) has lines from %d, want %d", o.ID, i, o.first, next)
		}
		next += o.lines
		last, placed[o.ID] = o.OrderedAt, o.OrderedAt
	}
	if !last.Equal(End) || next != len(d.Lines) {
		t.Errorf("last order at %s, want %s; %d of %d lines", last, End, next, len(d.Lines))
	}
	for i, r := range d.Returns {
		if r.ReturnedAt.After(End) || r.ReturnedAt.Before(placed[r.Order]) || r.ID != firstReturn+int64(i) {
			t.Fatalf("return %+v is before its order or after the end", r)
		}
	}
	for i, k := range d.Tickets {
		if k.OpenedAt.After(End) || k.OpenedAt.Before(placed[k.Order.V]) || k.ResolvedAt.V.After(End) || k.ID != firstTicket+int64(i) {
			t.Fatalf("ticket %+v is before its order or after the end", k)
		}
	}
	for _, l := range d.Lines {
		if p := d.Products[l.Product-firstProduct]; p.ListedOn.After(placed[l.Order]) {
			t.Fatalf("line %+v sells a product before it was listed", l)
		}
	}
}

func TestGenerate_hasNulls(t *testing.T) {
	d := whole()
	for _, tab := range d.tables() {
		nulls := make([]int, len(tab.columns))
		for i := range tab.rows {
			for c, v := range tab.row(i) {
				if v == nil {
					nulls[c]++
				}
			}
		}
		for c, col := range tab.columns {
			always := tab.name == "support_tickets" && col.name == "order_id" // nullable, but every ticket has one
			if some := nulls[c] > 0; some != col.nullable && !always || nulls[c] == tab.rows {
				t.Errorf("%s.%s: %d NULLs in %d rows, nullable %v", tab.name, col.name, nulls[c], tab.rows, col.nullable)
			}
		}
	}
}

func TestTasks_textsFollowTheGrid(t *testing.T) {
	if got := strings.Join(Tasks(), " "); got != "channel churn spend" {
		t.Errorf("tasks %s", got)
	}
	for name, text := range map[string]string{"channel": Channel, "churn": Churn, "spend": Spend} {
		for _, want := range []string{
			"CREATE TASK " + name + " AS", "0, 30, days",
			"val_anchor = '" + ValAnchor.Format(time.DateOnly) + "'",
			"test_anchor = '" + TestAnchor.Format(time.DateOnly) + "'",
			"data_from = '" + Anchor(3).Format(time.DateOnly) + "'",
			"data_until = '" + End.Format(time.DateOnly) + "'",
			"step = '30 days'", fmt.Sprintf("eval_anchors = %d", EvalAnchors),
		} {
			if !strings.Contains(text, want) {
				t.Errorf("task %s lacks %q", name, want)
			}
		}
	}
	// All evaluation windows are complete and do not overlap (rule R11).
	if last := TestAnchor.Add((EvalAnchors - 1) * Period); !last.Add(Period).Equal(End) {
		t.Errorf("the last test window ends at %s", last.Add(Period))
	}
	if last := ValAnchor.Add((EvalAnchors - 1) * Period); last.Add(Period).After(TestAnchor) {
		t.Errorf("the last validation window ends at %s", last.Add(Period))
	}
}

func TestAttainableAUROC_byHand(t *testing.T) {
	ex := []Example{{P: 0.9, Churned: true}, {P: 0.2}, {P: 0.5, Churned: true}, {P: 0.5}, {P: 0.6}}
	realised, expected := AttainableAUROC(ex)
	// Positives 0.9 and 0.5 against 0.2, 0.5, 0.6: 3 + (1 + 0.5 + 0) of 6 pairs.
	if want := 4.5 / 6; math.Abs(realised-want) > 1e-12 {
		t.Errorf("realised %v, want %v", realised, want)
	}
	var right, all float64
	for i, a := range ex {
		for j, b := range ex {
			if i == j {
				continue
			}
			w := a.P * (1 - b.P)
			all += w
			switch {
			case a.P > b.P:
				right += w
			case a.P == b.P:
				right += w / 2
			}
		}
	}
	if want := right / all; math.Abs(expected-want) > 1e-12 {
		t.Errorf("expected %v, want %v", expected, want)
	}
}

func TestChurnProbability_unknown(t *testing.T) {
	d := whole()
	late := d.Customers[len(d.Customers)-1]
	for _, tt := range []struct {
		customer int64
		at       time.Time
		want     bool
	}{
		{late.ID, TestAnchor, true}, {late.ID, Anchor(2), false}, {late.ID, TestAnchor.Add(time.Second), false},
		{late.ID, End, false}, {late.ID, Start.Add(-Period), false}, {late.ID + 1, TestAnchor, false}, {1, TestAnchor, false},
	} {
		if p, ok := d.ChurnProbability(tt.customer, tt.at); ok != tt.want || ok && (p <= 0 || p >= 1) {
			t.Errorf("customer %d at %s: %v, %v; want %v", tt.customer, tt.at, p, ok, tt.want)
		}
	}
	if ex := d.Attainable(TestAnchor.Add(time.Hour)); ex != nil {
		t.Errorf("%d examples off the grid", len(ex))
	}
}
