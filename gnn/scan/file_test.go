package scan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/ingest"
)

// A network that was written and read answers with the same bits (of float32).
func TestRead_roundTrip(t *testing.T) {
	if double() {
		t.Skip("files hold float32")
	}
	for layers := 1; layers <= 2; layers++ {
		b, tr, _ := training(t, layers, 1)
		tr.Forward(0)
		data := written(t, b.Model)
		m, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, m), data) || m.String() != b.String() || m.WeightsHash() != b.WeightsHash() {
			t.Error("what was read is not what was written")
		}
		q := queries(27, 9)
		if !slices.Equal(score(t, bind(t, m, b.Over(), ingest.TimeRule{}, 2), q).Data, score(t, b, q).Data) {
			t.Error("a network that was read gives other outputs")
		}
	}
}

// Files of the two kinds of networks are told apart, and options that do not fit refused.
func TestRead_refuses(t *testing.T) {
	b, _, _ := training(t, 1, 1)
	data := written(t, b.Model)
	if _, err := model.Read(data); err == nil {
		t.Error("a sampled network was read out of the file of another kind")
	}
	for what, change := range map[string][2]string{
		"unknown field": {`\"entity\":`, `\"entitx\":`},
		"format":        {`\"format\":2`, `\"format\":7`},
		"no such table": {`\"entity\":\"drivers\"`, `\"entity\":\"divers!\"`},
		"layers":        {`\"layers\":1`, `\"layers\":9`},
	} {
		bad := bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, data) {
			t.Fatalf("%s: the file does not hold %s", what, change[0])
		}
		if _, err := Read(bad); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	c := config(1)
	c.FanOut = []int{8}
	g := b.Over()
	if _, err := New(c, g, drivers, b.Encoder, ingest.TimeRule{}, 60*day, 1); err == nil || !strings.Contains(err.Error(), "fan_out") {
		t.Errorf("error %v, want one that names fan_out", err)
	}
}

// FuzzRead: whatever a file holds, it is read or refused.
func FuzzRead(f *testing.F) {
	g := draw(2, 1).graph(f)
	for layers := 1; layers <= 2; layers++ {
		var buf bytes.Buffer
		if err := network(f, config(layers), g, ingest.TimeRule{}, 60*day).Write(&buf); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := Read(data); err == nil {
			if err := m.Write(&bytes.Buffer{}); err != nil {
				t.Errorf("a model that was read cannot be written: %v", err)
			}
		}
	})
}
