package beam

import (
	"sync"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Init makes the process ready to run pipelines; where an engine started it as a worker, it
// works and never returns. It belongs at the start of main, behind the parsing of flags.
func Init() { initialise() }

// initialise tells the SDK the types of the pipelines, which it wants to know before it
// starts. They are called by reflection: the generic registration would save a microsecond
// per element, of which there are few (see [blocks]), and cost half a minute of compiling.
var initialise = sync.OnceFunc(func() {
	for _, f := range []any{&keySplitFn{}, &readFn{}, &readMadeFn{}, &cohortFn{}, &rankFn{}, &historyFn{}, &stateFn{}, &joinFn{}, &pieceFn{}, &checkFn{}} {
		sdk.RegisterDoFn(f)
	}
	sdk.Init()
})
