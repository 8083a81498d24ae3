package predict

import (
	"context"
	"sync"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// CacheOptions says how a network holds the rows that it reads. The zero value stores
// float32 without a limit, when enough was asked.
type CacheOptions struct {
	model.TableOptions
	Off   bool // rows are encoded for every batch
	Eager bool // tables are made at once, not when enough was asked

	// Like are tables of the same model over an earlier snapshot, from which the rows are
	// taken that have not changed; nil = all are computed.
	Like *model.RowTables
}

// cache makes the row tables of a network when that pays.
type cache struct {
	mu    sync.Mutex
	on    bool
	opt   CacheOptions
	asked int // queries so far; under mu, as all below
	made  int // rows that were encoded for the tables
}

// CacheRows lets the network hold row tables; see [model.RowTables]. Tables of float32
// change no prediction by a bit, so they are made when that has become cheaper than to
// go on without them; tables of a shorter format are made at once, so that a prediction
// never depends on what was asked before. It is to be called before the first Score.
func (n *Network) CacheRows(ctx context.Context, o CacheOptions) error {
	n.cache.mu.Lock()
	defer n.cache.mu.Unlock()
	n.cache.opt, n.cache.on = o, !o.Off
	lossy := o.Format != tensor.Float32 || unsafe.Sizeof(tensor.Real(0)) != 4
	if o.Off || !o.Eager && !lossy {
		return nil
	}
	return n.cache.build(ctx, n)
}

// Rows returns the tables in use; nil when none are held.
func (n *Network) Rows() *model.RowTables { return n.shards.Tables() }

// RowsEncoded is how many rows were encoded for the tables in use: not those that were taken
// from tables over an earlier snapshot.
func (n *Network) RowsEncoded() int {
	n.cache.mu.Lock()
	defer n.cache.mu.Unlock()
	return n.cache.made
}

// before counts queries and makes the tables once the rows that were encoded for queries
// so far, by estimate, are as many as the tables hold: the work is never more than twice
// that of the better choice.
func (c *cache) before(ctx context.Context, n *Network, queries int) error {
	if !c.mu.TryLock() {
		return nil // another caller makes the tables, or counts
	}
	defer c.mu.Unlock()
	c.asked += queries
	if !c.on || c.asked*rowsPerQuery < n.bound.TableRows() {
		return nil
	}
	return c.build(ctx, n)
}

// rowsPerQuery is about how many rows a query reads that its batch does not read already.
const rowsPerQuery = 32

func (c *cache) build(ctx context.Context, n *Network) error {
	like := c.opt.Like
	if like == nil {
		like = &model.RowTables{} // of no network: all rows are computed
	}
	tables, made, err := like.Refresh(ctx, n.bound, c.opt.TableOptions, n.pool)
	if err != nil {
		return err
	}
	c.made = made
	n.shards.Use(tables)
	c.on, c.opt.Like = false, nil // lets go of the earlier snapshot
	return nil
}
