package encode

import (
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemNumerical, func() Encoder { return &Numerical{} }) }

// numericalBins is the number of quantile bins, each with an embedding of its own:
// they let a linear step follow a curve that bends.
const numericalBins = 10

// Numerical scales robustly: dense features are z = (v - Center) / Scale clipped to
// +-5, and a flag for NULL; the code is the quantile bin. A column with heavy tails
// is scaled after sign(v) log(1+|v|). A NULL has z = 0, its flag, and no code.
type Numerical struct {
	Center, Scale float64
	Log           bool
	Edges         []float64 // ascending upper edges of all bins but the last
}

// Fit takes median, interquartile range and deciles.
func (e *Numerical) Fit(src Source, rows []int32) {
	values := numbers(src, rows)
	slices.Sort(values)
	if len(values) > 0 {
		iqr := quantile(values, .75) - quantile(values, .25)
		reach := math.Max(values[len(values)-1]-quantile(values, .5), quantile(values, .5)-values[0])
		e.Log = iqr > 0 && reach > 20*iqr
	}
	for i := range values {
		values[i] = e.shape(values[i])
	}
	e.Center, e.Scale = robustScale(values)
	e.Edges = nil
	for b := 1; b < numericalBins && len(values) > 0; b++ {
		edge := quantile(values, float64(b)/numericalBins)
		if n := len(e.Edges); (n == 0 || edge > e.Edges[n-1]) && edge < values[len(values)-1] {
			e.Edges = append(e.Edges, edge)
		}
	}
}

// Prepare refuses a scale that does not divide and edges that do not ascend.
func (e *Numerical) Prepare() error {
	if len(e.Edges) >= numericalBins {
		return fmt.Errorf("%d edges of bins, want at most %d", len(e.Edges), numericalBins-1)
	}
	for i := 1; i < len(e.Edges); i++ {
		if !(e.Edges[i] > e.Edges[i-1]) {
			return fmt.Errorf("edge %d of the bins is %g after %g, want more", i+1, e.Edges[i], e.Edges[i-1])
		}
	}
	return checkScale(e.Center, e.Scale)
}

func checkScale(center, scale float64) error {
	if !(scale > 0) || math.IsInf(scale, 0) || math.IsNaN(center) || math.IsInf(center, 0) {
		return fmt.Errorf("center %g and scale %g, want finite numbers and a scale above 0", center, scale)
	}
	return nil
}

func (e *Numerical) shape(v float64) float64 {
	if e.Log {
		return math.Copysign(math.Log1p(math.Abs(v)), v)
	}
	return v
}

// Shape is 2 dense features (z, NULL) and one code per bin.
func (e *Numerical) Shape() (dense, codes int) { return 2, len(e.Edges) + 1 }

// Cell encodes one value.
func (e *Numerical) Cell(src Source, row int, out []tensor.Real, codes []Code) []Code {
	v, ok := number(src, row)
	if !ok {
		out[1] = 1
		return codes
	}
	v = e.shape(v)
	out[0] = clip((v - e.Center) / e.Scale)
	bin, _ := slices.BinarySearch(e.Edges, v)
	return append(codes, Code{ID: int32(bin), Weight: 1})
}

// largest bounds what is computed with: squares and differences of such numbers are
// finite, which those of 1e308 are not.
const largest = 1e100

// number is the cell as a number between -largest and +largest.
func number(src Source, row int) (v float64, ok bool) {
	v, ok = src.Cells().Number(row)
	return math.Max(-largest, math.Min(largest, v)), ok
}

func numbers(src Source, rows []int32) []float64 {
	values := make([]float64, 0, len(rows))
	for _, r := range rows {
		if v, ok := number(src, int(r)); ok {
			values = append(values, v)
		}
	}
	return values
}

// robustScale returns the median and a scale of sorted values: the interquartile
// range over 1.349 (the standard deviation of a normal), else the mean and the
// standard deviation, else 1.
func robustScale(sorted []float64) (center, scale float64) {
	if len(sorted) == 0 {
		return 0, 1
	}
	center = quantile(sorted, .5)
	if scale = (quantile(sorted, .75) - quantile(sorted, .25)) / 1.349; scale > 1e-9*math.Abs(center) && scale > 0 {
		return center, scale
	}
	var mean, sq float64
	for _, v := range sorted {
		mean += v / float64(len(sorted))
	}
	for _, v := range sorted {
		sq += (v - mean) * (v - mean) / float64(len(sorted))
	}
	if dev := math.Sqrt(sq); dev > 1e-9*math.Abs(mean) {
		return mean, dev
	}
	return center, 1
}

// quantile interpolates linearly between the order statistics of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[lo] + (at-float64(lo))*(sorted[lo+1]-sorted[lo])
}

func clip(z float64) tensor.Real { return tensor.Real(math.Max(-5, math.Min(5, z))) }
