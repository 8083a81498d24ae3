//go:build !linux

package main

import "errors"

// cpuSeconds is 0: the system is asked on Linux only.
func cpuSeconds() float64 { return 0 }

func limitMemory(uint64) error { return errors.New("only Linux can") }
