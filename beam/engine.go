package beam

import (
	"flag"
	"fmt"
	"strconv"

	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts" // its flags are set here
)

// Engine says where pipelines run that this process does not run itself.
type Engine struct {
	Endpoint    string // host:port of a job server of Beam
	Environment string // LOOPBACK, EXTERNAL, PROCESS or DOCKER; empty = as the SDK chooses
	Config      string // what the environment needs
	Parallelism int    // -1 = as the engine chooses
}

// Use sets the options of the SDK, which are flags of the process: a process uses one
// engine at a time.
func (e Engine) Use() error {
	for name, value := range map[string]string{"endpoint": e.Endpoint, "environment_type": e.Environment, "environment_config": e.Config, "parallelism": strconv.Itoa(e.Parallelism)} {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("option %s of the engine: %w", name, err)
		}
	}
	return nil
}
