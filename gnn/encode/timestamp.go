package encode

import (
	"math"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemTimestamp, func() Encoder { return &Timestamp{} }) }

// dayMicros is one day in the unit of row times.
const dayMicros = 86_400_000_000

// Timestamp has eight dense features: sine and cosine of the time of day, of the day
// of the week and of the day of the year, the scaled distance in days, and a flag for
// "not known". The distance runs from the row's own time, so that it does not drift
// with the calendar; for a row without time it is the date itself.
//
// A cell that names a later instant than its row's own time was not known, or not
// filled, when the row came to be (resolved_at, shipped_at): it is encoded exactly
// like NULL, because telling the two apart would look into the future.
type Timestamp struct {
	Center, Scale float64
}

// Fit takes median and interquartile range of the distance.
func (e *Timestamp) Fit(src Source, rows []int32) {
	var days []float64
	for _, r := range rows {
		if d, ok := e.distance(src, int(r)); ok {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	e.Center, e.Scale = robustScale(days)
}

// distance is the cell's distance in days, at most 0 for a timed row.
func (e *Timestamp) distance(src Source, row int) (days float64, ok bool) {
	v, ok := src.Cells().Number(row)
	if !ok || src.Cells().Kind != schema.Time {
		return 0, false
	}
	known := src.Table.TimeOf(int32(row))
	if known == ingest.Always {
		return v / dayMicros, true
	}
	if !(ingest.TimeRule{}).Visible(src.Cells().Ints[row], known) {
		return 0, false
	}
	return (v - float64(known)) / dayMicros, true
}

// Sine and cosine of each day of the week and of the year.
var (
	weekdays = circle(7, 7)
	yearDays = circle(366, 365.25)
)

// circle returns sine and cosine of the first n of period equal steps around a circle.
func circle(n int, period float64) [][2]tensor.Real {
	out := make([][2]tensor.Real, n)
	for i := range out {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) / period))
		out[i] = [2]tensor.Real{tensor.Real(sin), tensor.Real(cos)}
	}
	return out
}

// Prepare refuses a scale that does not divide.
func (e *Timestamp) Prepare() error { return checkScale(e.Center, e.Scale) }

// Shape is 8 dense features.
func (e *Timestamp) Shape() (dense, codes int) { return 8, 0 }

// Cell encodes one instant.
func (e *Timestamp) Cell(src Source, row int, out []tensor.Real, codes []Code) []Code {
	days, ok := e.distance(src, row)
	if !ok {
		out[7] = 1
		return codes
	}
	at := time.UnixMicro(src.Cells().Ints[row]).UTC()
	sin, cos := math.Sincos(2 * math.Pi * (at.Sub(at.Truncate(24*time.Hour)).Hours() / 24))
	out[0], out[1] = tensor.Real(sin), tensor.Real(cos)
	out[2], out[3] = weekdays[at.Weekday()][0], weekdays[at.Weekday()][1]
	day := at.YearDay() - 1
	out[4], out[5] = yearDays[day][0], yearDays[day][1]
	out[6] = clip((days - e.Center) / e.Scale)
	return codes
}
