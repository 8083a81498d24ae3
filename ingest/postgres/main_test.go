package postgres

import (
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
