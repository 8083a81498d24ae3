package sqlite

import "math"

// unixMicros reads an integer since 1970. The unit follows from its size: seconds
// below 1e11 (the year 5138), milliseconds below 1e14, else microseconds. Times
// before March 1973 in milliseconds are therefore not told from seconds.
func unixMicros(v int64) int64 {
	switch size := max(v, -v); {
	case size < 0: // the smallest int64
		return v + 1
	case size < 1e11:
		return v * 1e6
	case size < 1e14:
		return v * 1e3
	}
	return v
}

// fractionMicros reads a fractional number: up to 5373484.5, the end of the year
// 9999, as a Julian day (SQLite's date functions do the same), above as seconds since 1970.
func fractionMicros(v float64) (int64, bool) {
	const unixEpoch = 2440587.5 // as a Julian day
	if v >= 0 && v < 5373484.5 {
		// Days have 0.1 ms of precision here; SQLite itself counts milliseconds.
		return int64(math.Round((v-unixEpoch)*86400e3)) * 1e3, true
	}
	if !(math.Abs(v) < 1e11) {
		return 0, false
	}
	return int64(math.Round(v * 1e6)), true
}
