package beam

import (
	"context"
	"sync"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

// Init makes the process ready to run pipelines; where an engine started it as a worker, it
// works and never returns. It belongs at the start of main, behind the parsing of flags.
func Init() { initialise() }

// initialise tells the SDK the types of the pipelines, so that it calls them without
// reflection, which it wants to know before it starts.
var initialise = sync.OnceFunc(func() {
	type (
		block = []byte
		next  = func(*[]byte) bool
		emit  = func(int64, []byte)
	)
	register.DoFn5x1[context.Context, block, emit, emit, emit, error](&readFn{})
	register.DoFn6x1[context.Context, int64, next, next, emit, emit, error](&joinFn{})
	register.DoFn5x1[context.Context, int64, next, emit, func([]byte), error](&pieceFn{})
	register.DoFn4x1[context.Context, int64, block, next, error](&checkFn{})
	register.Emitter2[int64, []byte]()
	register.Emitter1[[]byte]()
	register.Iter1[[]byte]()
	sdk.Init()
})
