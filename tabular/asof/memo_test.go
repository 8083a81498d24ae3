package asof

import "testing"

// What was asked lately is remembered, the rest forgotten, and copies are kept: a walker
// writes over its own.
func TestMemo(t *testing.T) {
	var m memo
	const width = memoNumbers / 4
	v := make([]float64, width)
	for row := range int32(9) {
		v[0] = float64(row)
		m.keep(memoKey{row: row, cut: 7}, v)
		if got := m.get(memoKey{row: 0, cut: 7}); got == nil || got[0] != 0 {
			t.Fatalf("after row %d: row 0, asked all the time, is %v", row, got[:min(1, len(got))])
		}
	}
	if got := m.get(memoKey{row: 8, cut: 7}); got == nil || got[0] != 8 {
		t.Error("the latest is forgotten")
	}
	for key, what := range map[memoKey]string{{row: 1, cut: 7}: "never asked again", {row: 8, cut: 6}: "another cut", {part: 1, row: 8, cut: 7}: "another part"} {
		if m.get(key) != nil {
			t.Errorf("%v is remembered: %s", key, what)
		}
	}
	if n := len(m.young) + len(m.old); n > 8 {
		t.Errorf("%d remembered, want at most twice four", n)
	}
}
