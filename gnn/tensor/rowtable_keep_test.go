package tensor

import "testing"

func TestRowTable_CopyRow(t *testing.T) {
	m := random(3, 5, 11)
	for f := range formatNames {
		from, to := NewRowTable(Format(f), 5, 11), NewRowTable(Format(f), 5, 11)
		from.SetRows(0, m)
		for i := range 5 {
			if to.Equal(from) {
				t.Errorf("%s: equal after %d rows of 5", Format(f), i)
			}
			to.CopyRow(i, from, i)
		}
		if !to.Equal(from) || int64(to.Bytes()) != Format(f).Bytes(55) {
			t.Errorf("%s: a copy differs, or takes %d bytes", Format(f), to.Bytes())
		}
		tape := NewTape(NewPool(1))
		v, ok := tape.Whole(from)
		if ok != (Format(f) == Float32 && !wide) || ok && v.Val.At(4, 3) != m.At(4, 3) {
			t.Errorf("%s: whole %v, %t", Format(f), v, ok)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a row went between tables of two formats")
		}
	}()
	NewRowTable(Float16, 1, 2).CopyRow(0, NewRowTable(BFloat16, 1, 2), 0)
}
