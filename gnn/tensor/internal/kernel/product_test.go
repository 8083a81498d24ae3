package kernel

import (
	"testing"

	"pgregory.net/rapid"
)

// Every path against the naive one: random shapes with 0, 1 and odd sizes, rows longer
// than they need be, A as it is or transposed, every start, with and without the
// activation, and cells around each slice that nobody may touch.
func TestProduct_agreesWithNaive(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		rapid.Check(t, func(r *rapid.T) {
			side := rapid.OneOf(rapid.IntRange(0, 40), rapid.SampledFrom([]int{1, 6, 7, 16, 32, 64, 300}))
			m, n, k := side.Draw(r, "m"), side.Draw(r, "n"), side.Draw(r, "k")
			gap := rapid.IntRange(0, 3)
			x := Product{M: m, N: n, K: k, ARow: k + gap.Draw(r, "gap of A"), ACol: 1, CRow: n + gap.Draw(r, "gap of C")}
			if rapid.Bool().Draw(r, "transposed A") {
				x.ARow, x.ACol = 1, m+rapid.SampledFrom([]int{0, 1, 300}).Draw(r, "gap of A")
			}
			row, col := n, 1
			if rapid.Bool().Draw(r, "transposed B") {
				row, col = 1, k
			}
			a, b, bias := newGuarded(max(m*x.ARow, k*x.ACol), 1), newGuarded(k*n, 2), newGuarded(n, 3)
			x.A = a.data
			switch rapid.IntRange(0, 2).Draw(r, "start") {
			case 1:
				x.Add = true
			case 2:
				x.Bias = bias.data
			}
			x.ReLU = rapid.Bool().Draw(r, "relu")
			multiply := func(p *Path) guarded {
				c, packed := newGuarded(m*x.CRow, 4), newGuarded(p.PackedLen(k, n), 5)
				p.Pack(packed.data, k, n, b.data, row, col)
				packed.check(t, p.Name+" pack")
				x.B, x.C = packed.data, c.data
				p.Mul(x)
				c.check(t, p.Name+" product")
				return c
			}
			near(t, p.Name+" product", multiply(p).data, multiply(&naive).data, k)
		})
	})
}
