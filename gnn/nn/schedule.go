package nn

import "math"

// Schedule gives the learning rate of a step; steps count from 0.
type Schedule func(step int) float64

// ConstantRate is the same rate at every step.
func ConstantRate(lr float64) Schedule { return func(int) float64 { return lr } }

// Cosine rises linearly from near 0 to lr over the first warmup steps, then falls along
// half a cosine to floor at step total, and stays there (Loshchilov and Hutter, 2017).
func Cosine(lr, floor float64, warmup, total int) Schedule {
	return func(step int) float64 {
		switch {
		case step < warmup:
			return lr * float64(step+1) / float64(warmup)
		case step >= total:
			return floor
		}
		done := float64(step-warmup) / float64(total-warmup)
		return floor + (lr-floor)*0.5*(1+math.Cos(math.Pi*done))
	}
}
