package beam

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	Init()
	os.Exit(m.Run())
}
