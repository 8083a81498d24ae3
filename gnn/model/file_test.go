package model

import (
	"bytes"
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// rounded makes all parameters single precision, as a file holds them.
func rounded(m *Model) {
	for _, p := range m.Params.All() {
		for i, v := range p.Value.Data {
			p.Value.Data[i] = tensor.Real(float32(v))
		}
	}
}

func TestRead_roundTrip(t *testing.T) {
	eachVariant(t, func(t *testing.T, c Config) {
		g := mustGraph(t, world(1, 1))
		m := mustNew(t, c, g, 40*day)
		m.Meta = Metadata{Task: "PREDICT <this> & that", Seed: math.MaxUint64, Scaling: json.RawMessage(`{"mean":1.5}`), History: true}
		rounded(m)
		data := written(t, m)
		back, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, back), data) {
			t.Error("a model read and written again is another file")
		}
		if back.WeightsHash() != m.WeightsHash() || back.String() != m.String() || back.Meta.Task != m.Meta.Task || back.Meta.Seed != m.Meta.Seed {
			t.Errorf("read back as %s of %+v, want %s of %+v", back, back.Meta, m, m.Meta)
		}
		q := queries(30, 12)
		want := mustScore(t, mustBind(t, m, g, 1), q)
		if got := mustScore(t, mustBind(t, back, g, 1), q); !slices.Equal(got.Data, want.Data) {
			t.Errorf("read back it predicts %v, want %v", got.Data, want.Data)
		}
		back.Params.All()[3].Value.Data[0] += 1e-3
		if back.WeightsHash() == m.WeightsHash() {
			t.Error("equal hashes of unequal weights")
		}
	})
}

// smallFile is a model file to spoil.
func smallFile(t testing.TB) []byte {
	m := mustNew(t, Config{Outputs: 1, Width: 2, FanOut: []int{2}}, mustGraph(t, world(1, 1)), 40*day)
	var buf bytes.Buffer
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// edited writes the small model with another header.
func edited(t testing.TB, edit func(header string) string) []byte {
	t.Helper()
	mats, meta, err := ReadSafetensors(smallFile(t))
	if err != nil {
		t.Fatal(err)
	}
	text := edit(meta["rowlink"])
	if text == meta["rowlink"] {
		t.Fatalf("the edit changes nothing in %.1500s", text)
	}
	var buf bytes.Buffer
	if err := WriteSafetensors(&buf, mats, map[string]string{"rowlink": text}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func replaced(old, now string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, now, 1) }
}

func TestRead_refuses(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{`"format":2`, `"format":3`, "reads format 2"},
		{`"width":2`, `"width":3`, "want"},
		{`"width":2`, `"width":4096`, "network of about"},
		{`"width":2`, `"width":1000000000`, "1 to 4096"},
		{`"width":2`, `"width":-2`, "1 to 4096"},
		{`"width":2`, `"wdith":2`, "wdith"},
		{`"blocks":1`, `"blocks":0`, "1 to 64"},
		{`"blocks":1`, `"blocks":64`, "tensors"},
		{`"plan":"auto"`, `"plan":"best"`, "factored"},
		{`"outputs":1`, `"outputs":4097`, "1 to 4096"},
		{`"fan_out":[2]`, `"fan_out":[]`, "1 to 16"},
		{`"fan_out":[2]`, `"fan_out":[2,2]`, "no encoder"},
		{`"layer":"sage"`, `"layer":"sgae"`, "sage"},
		{`"aggregate":"decay"`, `"aggregate":""`, "want"},
		{`"strategy":"latest"`, `"strategy":"x"`, "latest"},
		{`"entity":"drivers"`, `"entity":"x"`, "fit together"},
		{`"entity":"drivers"`, `"entity":"races"`, "encoder"},
		{`"types":["teams"`, `"types":["races"`, `two node types "races"`},
		{`"types":["teams",`, `"types":[`, "fit together"},
		{`"src":1,`, `"src":6,`, "node types 6"},
		{`"dst":0,`, `"dst":-1,`, "and -1"},
		{`"name":"results -f2p_driver`, `"name":"results -f2p_rival`, "two edge types"},
		{`"name":"results -f2p_driver`, `"name":"results -f2p_racer`, "tensor"},
		{`{"table":"drivers"`, `{"table":"driver"`, `"drivers"`},
		{`"format":2`, `"format":2,"format":{}`, "read model header"},
	} {
		m, err := Read(edited(t, replaced(c.old, c.now)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: model %v, error %v, want one with %q", c.old, c.now, m, err, c.want)
		}
	}
	if _, err := Read(edited(t, func(s string) string { return s + "{}" })); err == nil || !strings.Contains(err.Error(), "after its end") {
		t.Errorf("two headers: %v", err)
	}
	data := smallFile(t)
	for n := range len(data) {
		if _, err := Read(data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were accepted", n, len(data))
		}
	}
	copy(data[len(data)-4:], "\x00\x00\xc0\x7f")
	if _, err := Read(data); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("a weight that is not a number: %v", err)
	}
}

// A file of the first format has one block per row encoder and computes all copies.
func TestRead_firstFormat(t *testing.T) {
	old := edited(t, func(s string) string {
		s = strings.Replace(s, `"blocks":1,"plan":"auto",`, "", 1)
		return strings.Replace(s, `"format":2`, `"format":1`, 1)
	})
	m, err := Read(old)
	if err != nil {
		t.Fatal(err)
	}
	if m.Config.Blocks != 1 || m.Config.Plan != PlanPlain {
		t.Errorf("the old file gives %d blocks and the plan %s, want 1 and %s", m.Config.Blocks, m.Config.Plan, PlanPlain)
	}
}

// A small file must not make the reader allocate a large network.
func TestRead_allocation(t *testing.T) {
	data := edited(t, func(s string) string {
		wide := strings.Replace(s, `"width":2`, `"width":1000`, 1)
		return strings.Replace(wide, `"half_lives":[`, `"half_lives":[1,2,3,4,5,6,7,8,9,`, 1)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(data); err == nil {
		t.Error("accepted")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
		t.Errorf("%d bytes allocated for a file of %d", got, len(data))
	}
}

// FuzzRead changes the header of a model: whatever is accepted can be bound, used and
// written again.
func FuzzRead(f *testing.F) {
	mats, meta, err := ReadSafetensors(smallFile(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(meta["rowlink"])
	f.Add(strings.Replace(meta["rowlink"], `"width":2`, `"width":4000`, 1))
	g := mustGraph(f, world(1, 1))
	f.Fuzz(func(t *testing.T, text string) {
		var buf bytes.Buffer
		if err := WriteSafetensors(&buf, mats, map[string]string{"rowlink": text}); err != nil {
			t.Fatal(err)
		}
		m, err := Read(buf.Bytes())
		if err != nil {
			return
		}
		again := written(t, m)
		if _, err := Read(again); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		b, err := m.Bind(g, tensor.NewPool(1))
		if err != nil {
			return
		}
		if got := mustScore(t, b, queries(5, 12)); got.Cols != m.Config.Outputs {
			t.Errorf("%d outputs, want %d", got.Cols, m.Config.Outputs)
		}
	})
}
