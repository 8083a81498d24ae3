package predict_test

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tasks"
)

// Tables of float32 come when enough was asked, others at once; the former change no
// prediction and no explanation.
func TestNetwork_CacheRows(t *testing.T) {
	if unsafe.Sizeof(tensor.Real(0)) != 4 {
		t.Skip("tables are float32, the arithmetic is float64")
	}
	snap := snapshot(someRides, someRepairs)
	make := func() *predict.Network {
		return network(t, snap, model.Config{}, bind(snap, tasks.Binary), nil, 3)
	}
	q := []model.Query{query(0, 18), query(1, 18), query(2, 20)}
	plain := make()
	want, reasons := score(t, plain, q...), plain.Explain(q[0], 5)
	for range 200 {
		score(t, plain, q...)
	}
	if plain.Rows() != nil {
		t.Error("tables without CacheRows")
	}

	off := make()
	if err := off.CacheRows(t.Context(), predict.CacheOptions{Off: true}); err != nil {
		t.Fatal(err)
	}
	lazy := make()
	if err := lazy.CacheRows(t.Context(), predict.CacheOptions{}); err != nil || lazy.Rows() != nil {
		t.Fatalf("before anything was asked: tables %v, error %v", lazy.Rows(), err)
	}
	for range 200 {
		for name, n := range map[string]*predict.Network{"off": off, "lazy": lazy} {
			if got := score(t, n, q...); !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", name, got, want)
			}
		}
	}
	if off.Rows() != nil || lazy.Rows() == nil || !lazy.Rows().Holds() {
		t.Errorf("after 600 queries: off has %v, lazy %v", off.Rows(), lazy.Rows())
	}
	if got := lazy.Explain(q[0], 5); !slices.Equal(got, reasons) {
		t.Errorf("with tables the reasons are\n%v\nwant\n%v", got, reasons)
	}

	eager, half := make(), make()
	if err := eager.CacheRows(t.Context(), predict.CacheOptions{Eager: true}); err != nil || eager.Rows() == nil {
		t.Errorf("eager: tables %v, error %v", eager.Rows(), err)
	}
	o := predict.CacheOptions{TableOptions: model.TableOptions{Format: tensor.BFloat16}}
	if err := half.CacheRows(t.Context(), o); err != nil || half.Rows() == nil || half.Rows().Bytes() >= eager.Rows().Bytes() {
		t.Errorf("bfloat16: tables %v, error %v", half.Rows(), err)
	}

	// Over a snapshot with another ride, the tables of the first help.
	more := snapshot(append(slices.Clone(someRides), someRides[0]), someRepairs)
	next, fresh := network(t, more, model.Config{}, bind(more, tasks.Binary), nil, 3), network(t, more, model.Config{}, bind(more, tasks.Binary), nil, 3)
	if err := next.CacheRows(t.Context(), predict.CacheOptions{Eager: true, Like: eager.Rows()}); err != nil {
		t.Fatal(err)
	}
	if got, want := score(t, next, q...), score(t, fresh, q...); !slices.Equal(got, want) {
		t.Errorf("with refreshed tables %v, want %v", got, want)
	}
}
