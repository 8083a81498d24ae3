package rowlink

import (
	"github.com/rowlink/rowlink/gnn/predict"
)

// rowCache completes the options of the row tables that each of some networks holds: all
// of them together take a quarter of the memory at most, unless the options say more.
func (o Options) rowCache(networks int) predict.CacheOptions {
	c := o.RowCache
	if c.Budget == 0 {
		c.Budget = memoryBytes() / 4
	}
	c.Budget /= int64(max(networks, 1))
	return c
}
