package recommend

import "testing"

func TestDays(t *testing.T) {
	for _, c := range []struct {
		horizon, horizons float64
		want              string
	}{{365, 8, "2920 d"}, {365, 0.5, "182 d"}, {14, 0.5, "7 d"}, {7, 0.5, "3.5 d"}, {1. / 24, 0.5, "0.0208 d"}} {
		if got := (&world{horizon: c.horizon}).days(c.horizons); got != c.want {
			t.Errorf("%v horizons of %v days: %s, want %s", c.horizons, c.horizon, got, c.want)
		}
	}
}
