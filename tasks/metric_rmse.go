package tasks

import "math"

func init() {
	register(2, measure{"rmse", false, func(truth, predicted []float64) float64 {
		return math.Sqrt(meanSquare(truth, predicted))
	}}, quantities...)
}
