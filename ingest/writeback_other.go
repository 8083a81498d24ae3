//go:build !linux

package ingest

import "os"

func beginWriteback(*os.File, int64, int64) {}
