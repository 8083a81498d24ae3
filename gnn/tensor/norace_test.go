//go:build !race

package tensor

// racing says that the race detector is on, which makes sync.Pool forget at random.
const racing = false
