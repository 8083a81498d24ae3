//go:build !linux

package graph

func spread[T any]([]T) {}
