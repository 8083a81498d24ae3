package scan

import (
	"testing"

	"github.com/rowlink/rowlink/ingest"
)

// The count grows with rows and with queries.
func TestModel_Bytes(t *testing.T) {
	bytes := func(scale, queries int) (int64, *Model) {
		g := draw(3, scale).graph(t)
		m := network(t, config(1), g, ingest.TimeRule{}, 40*dayMicros)
		return m.Bytes(g, queries), m
	}
	few, m := bytes(1, 0)
	many, _ := bytes(2, 0)
	asked, _ := bytes(1, 1000)
	if few <= 0 || many <= few || asked-few < 1000*4*int64(m.width[0]) {
		t.Errorf("%d bytes, %d with more rows, %d with 1000 queries of %d columns", few, many, asked, m.width[0])
	}
}
