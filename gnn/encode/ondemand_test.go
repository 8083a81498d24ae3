package encode

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// both returns the rows of tab encoded once and on demand.
func both(t testing.TB, tab *ingest.Table) (stored, demand *Features) {
	t.Helper()
	enc, err := Fit(tab, ingest.TimeRule{}, 5*day, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stored, err = enc.Features(tensor.NewPool(1), tab); err != nil {
		t.Fatal(err)
	}
	before := onDemandFrom
	onDemandFrom = 0
	defer func() { onDemandFrom = before }()
	if demand, err = enc.Features(tensor.NewPool(1), tab); err != nil {
		t.Fatal(err)
	}
	if stored.demand != nil || demand.demand == nil || stored.Width() != demand.Width() {
		t.Fatal("not one of each kind")
	}
	return stored, demand
}

// Rows encoded on demand have the bits of those encoded once, at any number of threads
// and from several goroutines at once.
func TestFeatures_onDemand(t *testing.T) {
	tab := wide()
	stored, demand := both(t, tab)
	rows := make([]int32, 5*pickGrain+3) // several blocks, rows out of order and repeated
	for i := range rows {
		rows[i] = int32(i * 7 % tab.Rows)
	}
	pick := func(f *Features, threads int, rows []int32) string {
		tape := tensor.NewTape(tensor.NewPool(threads))
		for range 2 { // the second uses the memory of the first
			tape.Reset()
			f.Pick(tape, rows)
		}
		dense, codes, weights := f.Pick(tape, rows)
		return fmt.Sprint(dense, codes.Ptr, codes.Src, weights)
	}
	for _, n := range []int{0, 1, pickGrain, len(rows)} {
		want := pick(stored, 1, rows[:n])
		var group sync.WaitGroup
		for _, threads := range []int{1, 2, 8} {
			group.Go(func() {
				if got := pick(demand, threads, rows[:n]); got != want {
					t.Errorf("%d rows, %d threads: the features differ", n, threads)
				}
			})
		}
		group.Wait()
	}
	var a, b Row
	for row := range int32(tab.Rows) {
		stored.Read(row, &a)
		demand.Read(row, &b)
		if !slices.Equal(a.Dense, b.Dense) || !slices.Equal(a.Codes, b.Codes) {
			t.Errorf("row %d is %v, want %v", row, b, a)
		}
		stored.Read(row, &b) // shares memory with stored, which the next read must not write to
	}
	if got, want := pick(stored, 1, rows), pick(demand, 1, rows); got != want {
		t.Error("reading rows has changed them")
	}
}

// facts is a table of n rows with the usual columns.
func facts(n int) *ingest.Table {
	amount, kind, at := make([]float64, n), make([]int64, n), make([]int64, n)
	x := uint64(1)
	for i := range n {
		x = x*6364136223846793005 + 1442695040888963407
		amount[i], kind[i], at[i] = float64(x>>40), int64(x>>33%12), int64(i)*1000
	}
	return &ingest.Table{
		Def: &schema.Table{Name: "facts", Time: &schema.RowTime{Column: 2, Via: -1, Until: -1}, Columns: []schema.Column{
			{Name: "amount", Kind: schema.Float, Sem: schema.SemNumerical},
			{Name: "kind", Kind: schema.Int, Sem: schema.SemCategorical},
			{Name: "at", Kind: schema.Time, Sem: schema.SemTimestamp}}},
		Rows: n, Times: at,
		Columns: []ingest.Column{{Kind: schema.Float, Floats: amount}, {Kind: schema.Int, Ints: kind}, {Kind: schema.Time, Ints: at}},
	}
}

// Steady state needs no heap, and preparing none that grows with the rows.
func TestFeatures_onDemandAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	stored, demand := both(t, facts(20_000))
	for _, f := range []*Features{stored, demand} {
		tape := tensor.NewTape(tensor.NewPool(1))
		rows := make([]int32, 3*pickGrain)
		step := func() {
			tape.Reset()
			f.Pick(tape, rows)
		}
		step()
		step()
		if n := testing.AllocsPerRun(20, step); n > 0 {
			t.Errorf("%v allocations per call, want none", n)
		}
	}
}

// A table of more rows than encoders are fitted on: equal distances among visible rows.
func TestFitRows(t *testing.T) {
	before := mostFitRows
	mostFitRows = 4
	defer func() { mostFitRows = before }()
	for n, want := range map[int][]int32{0: {}, 3: {0, 1, 2}, 4: {0, 1, 2, 3}, 8: {0, 2, 4, 6}, 9: {0, 2, 4, 6}, 10: {0, 2, 5, 7}} {
		if got := fitRows(&ingest.Table{Rows: n}, ingest.TimeRule{}, 0); !slices.Equal(got, want) {
			t.Errorf("of %d rows: %v, want %v", n, got, want)
		}
	}
	tab := &ingest.Table{Rows: 12, Times: []int64{9, 1, 9, 1, 1, 9, 1, 1, 1, 9, 1, 1}}
	if got, want := fitRows(tab, ingest.TimeRule{}, 5), []int32{1, 4, 7, 10}; !slices.Equal(got, want) {
		t.Errorf("of 8 visible rows: %v, want %v", got, want)
	}
}

// BenchmarkPick takes batches of 100,000 random rows of a table of 2 M rows: encoded
// once on the heap, once in a mapped file, and on demand.
func BenchmarkPick(b *testing.B) {
	tab := facts(2_000_000)
	enc, err := Fit(tab, ingest.TimeRule{}, 1<<60, nil)
	if err != nil {
		b.Fatal(err)
	}
	sources, err := enc.sources(tab)
	if err != nil {
		b.Fatal(err)
	}
	pool := tensor.NewPool(2)
	stored, err := enc.encodeAll(pool, tab, sources)
	if err != nil {
		b.Fatal(err)
	}
	space := mapped.NewSpace(b.TempDir())
	defer space.Close()
	inFile := &Features{Dense: tensor.Mat{Rows: tab.Rows, Cols: enc.Dense, Data: copied(b, space, stored.Dense.Data)},
		Codes:   tensor.CSR{Ptr: copied(b, space, stored.Codes.Ptr), Src: copied(b, space, stored.Codes.Src)},
		Weights: copied(b, space, stored.Weights)}
	for _, c := range []struct {
		name string
		f    *Features
	}{{"heap", stored}, {"mapped", inFile}, {"on demand", &Features{demand: &onDemand{enc, sources}}}} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", c.name, threads), func(b *testing.B) {
				tape := tensor.NewTape(tensor.NewPool(threads))
				rows := make([]int32, 100_000)
				x := uint64(1)
				for b.Loop() {
					for i := range rows {
						x = x*6364136223846793005 + 1442695040888963407
						rows[i] = int32(x >> 33 % uint64(tab.Rows))
					}
					tape.Reset()
					c.f.Pick(tape, rows)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
			})
		}
	}
	b.Run("encode all", func(b *testing.B) {
		for b.Loop() {
			if _, err := enc.encodeAll(pool, tab, sources); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tab.Rows), "ns/row")
	})
}

func copied[T mapped.Element](b *testing.B, s *mapped.Space, from []T) []T {
	to, err := mapped.Make[T](s, len(from))
	if err != nil {
		b.Fatal(err)
	}
	copy(to, from)
	return to
}

// The day of the week and of the year come from tables with the bits of the formula.
func TestTimestamp_tables(t *testing.T) {
	for i := range 366 {
		at := time.Date(2024, 1, 1+i, 7, 30, 0, 0, time.UTC)
		tab := &ingest.Table{Def: &schema.Table{}, Rows: 1, Columns: []ingest.Column{{Kind: schema.Time, Ints: []int64{at.UnixMicro()}}}}
		out := make([]tensor.Real, 8)
		(&Timestamp{Scale: 1}).Cell(Source{tab, 0}, 0, out, nil)
		for k, phase := range []float64{7.5 / 24, float64(at.Weekday()) / 7, float64(at.YearDay()-1) / 365.25} {
			sin, cos := math.Sincos(2 * math.Pi * phase)
			if out[2*k] != tensor.Real(sin) || out[2*k+1] != tensor.Real(cos) {
				t.Fatalf("%v: phase %d is (%v, %v), want (%v, %v)", at, k, out[2*k], out[2*k+1], sin, cos)
			}
		}
	}
}
