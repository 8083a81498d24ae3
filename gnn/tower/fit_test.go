package tower

import (
	"context"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

func fitted(t *testing.T, threads int, d Data, train, valid []Seed, o Options) (*Model, []Epoch) {
	t.Helper()
	m, log, err := Fit(context.Background(), tensor.NewPool(threads), d, train, valid, o)
	if err != nil {
		t.Fatal(err)
	}
	return m, log
}

var quick = Options{Width: 16, Epochs: 6, HalfLives: []float64{5, 60}, Seed: 3, Top: 10}

// ofTaste is the share of the hits that are of the seed's taste: 1 of 8 by chance.
func ofTaste(seeds []Seed, lists [][]Hit, which func(item int32) bool) float64 {
	same, n := 0, 0
	for i, hits := range lists {
		for _, h := range hits {
			if which(h.Item) {
				n++
				if tasteOf(h.Item) == tasteOf(seeds[i].Entity+1000) {
					same++
				}
			}
		}
	}
	return float64(same) / float64(max(n, 1))
}

func TestFit_findsItemsOfTheTaste(t *testing.T) {
	d, seeds := planted()
	train, valid := split(seeds, 90)
	m, log := fitted(t, 2, d, train, valid, quick)
	lists := m.Recommend(tensor.NewPool(2), valid, 10, nil)
	if got := ofTaste(valid, lists, func(int32) bool { return true }); got < 0.8 {
		t.Errorf("%.3f of the items are of the taste, want at least 0.8; training %v", got, log)
	}
	for i, hits := range lists {
		for _, h := range hits {
			if !d.Known(h.Item, valid[i].Cut) {
				t.Fatalf("item %d is recommended before it is known", h.Item)
			}
		}
	}
}

// Items that came up after training had ended are reached by what their attributes say.
func TestFit_attributesReachNewItems(t *testing.T) {
	d, seeds := planted()
	train, valid := split(seeds, 60)
	_, later := split(seeds, 100)
	d.Attributes = tasteAttributes{}
	o := quick
	o.Codes = tastes
	m, _ := fitted(t, 2, d, train, valid, o)
	isNew := func(item int32) bool { return birthOf(item) > 60 }
	lists := m.Recommend(tensor.NewPool(2), later, 10, func(_ int, item int32) bool { return isNew(item) })
	if got := ofTaste(later, lists, isNew); got < 0.8 {
		t.Errorf("%.3f of the new items are of the taste, want at least 0.8", got)
	}
}

// Everything that came to be known after a cut may change, go or come: nothing that was
// trained on seeds whose windows had closed by then, and no answer at the cut, differs.
func TestFit_noLaterLinkCounts(t *testing.T) {
	d, seeds := planted()
	const day = 80
	train, at := split(seeds, day)
	answer := func(d Data) [][]Hit {
		m, _ := fitted(t, 2, d, train, at, Options{Width: 8, Epochs: 2, HalfLives: []float64{5, 60}, Seed: 3, Negatives: 64})
		return m.Recommend(tensor.NewPool(2), at, 10, nil)
	}
	want := answer(d)
	var other Links
	for i, time := range d.Links.Time {
		e, item := d.Links.Entity[i], d.Links.Item[i]
		if time > atDay(day) {
			switch i % 3 {
			case 0:
				continue // gone
			case 1:
				item = (item + 17) % items // changed
			}
			other.Entity, other.Item, other.Time = append(other.Entity, (e+1)%entities), append(other.Item, items-1), append(other.Time, time) // came
		}
		other.Entity, other.Item, other.Time = append(other.Entity, e), append(other.Item, item), append(other.Time, time)
	}
	changed := d
	changed.Links = other
	same(t, answer(changed), want)

	// The test can fail: a link at the cut does count.
	other.Entity, other.Item, other.Time = append(other.Entity, 0), append(other.Item, 3), append(other.Time, atDay(day))
	changed.Links = other
	if slices.Equal(answer(changed)[0], want[0]) {
		t.Error("a link at the cut changed nothing")
	}
}

func TestFit_equalBitsOnAnyNumberOfThreads(t *testing.T) {
	d, seeds := planted()
	train, valid := split(seeds, 60)
	d.Attributes = tasteAttributes{}
	for _, negatives := range []int{0, 64} { // all items, and a sample
		o := Options{Width: 8, Epochs: 2, Negatives: negatives, Codes: tastes, Pairs: 1500}
		one, _ := fitted(t, 1, d, train, valid, o)
		four, _ := fitted(t, 4, d, train, valid, o)
		same(t, four.Recommend(tensor.NewPool(3), valid, 10, nil), one.Recommend(tensor.NewPool(1), valid, 10, nil))
	}
}

func TestFit_noSeeds(t *testing.T) {
	d, _ := planted()
	if _, _, err := Fit(context.Background(), tensor.NewPool(1), d, nil, nil, Options{}); err == nil {
		t.Error("no error without training seeds")
	}
}

func same(t *testing.T, got, want [][]Hit) {
	t.Helper()
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Fatalf("seed %d: %v, want %v", i, got[i], want[i])
		}
	}
}
