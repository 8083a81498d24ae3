package postgres

import (
	"bytes"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
)

// What is inferred from the real Formula 1 tables: the original ones, whose results
// have their time through the race, and RelBench's nine, which carry it themselves.
func TestInferF1(t *testing.T) {
	u := pgtest.LoadF1(t)
	var snap *ingest.Snapshot // the last: RelBench's
	for _, name := range []string{"public", "relf1"} {
		snap = mustTake(t, u, name)
		s := snap.Schema.Clone()
		schema.Infer(s, snap.Stats())
		var b bytes.Buffer
		if err := schema.WriteMapping(&b, s, schema.MappingInfo{Database: "f1"}); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".mapping.yaml", b.String())
		m, err := schema.ReadMapping(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Apply(s); err != nil {
			t.Error(err)
		}
	}
	// golden/README.md of the reference data: 74,063 rows at or before 2010-01-01.
	schema.Infer(snap.Schema, snap.Stats())
	snap, err := snap.Derive(snap.Schema)
	if err != nil {
		t.Fatal(err)
	}
	const testAnchor = 1262304000_000000 // 2010-01-01 in microseconds
	n := 0
	for _, tb := range snap.Tables {
		for r := range tb.Rows {
			if tb.VisibleAt(ingest.TimeRule{}, int32(r), testAnchor) {
				n++
			}
		}
	}
	if n != 74063 {
		t.Errorf("%d rows are visible at 2010-01-01, want 74063", n)
	}
}

func BenchmarkReadF1(b *testing.B) {
	u := pgtest.LoadF1(b)
	s := mustOpen(b, u, "relf1")
	sch, err := s.Schema(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var rows int64
	for b.Loop() {
		builder := ingest.NewBuilder(sch)
		if err := s.Read(b.Context(), sch, builder); err != nil {
			b.Fatal(err)
		}
		for _, t := range builder.Tables {
			rows += t.Rows()
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
