// Package registry maps names to constructors. A plug-in (layer, encoder, task
// type, metric, source, subcommand) registers itself from its own file, and an
// unknown name's error lists the known ones.
package registry

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Of is a registry of values of one kind. The zero value is not usable; see [New].
type Of[T any] struct {
	kind string
	mu   sync.RWMutex
	byID map[string]T
}

// New returns an empty registry; kind names its values in errors ("layer").
func New[T any](kind string) *Of[T] {
	return &Of[T]{kind: kind, byID: map[string]T{}}
}

// Add registers v under name. A name taken twice is a bug and panics.
func (r *Of[T]) Add(name string, v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.byID[name]; ok {
		panic(fmt.Sprintf("registry: %s %q registered twice", r.kind, name))
	}
	r.byID[name] = v
}

// Get returns the value of that name; the error of an unknown name lists the known ones.
func (r *Of[T]) Get(name string) (T, error) {
	r.mu.RLock()
	v, ok := r.byID[name]
	r.mu.RUnlock()
	if !ok {
		return v, fmt.Errorf("unknown %s %q (have %s)", r.kind, name, strings.Join(r.Names(), ", "))
	}
	return v, nil
}

// Names returns all registered names in order.
func (r *Of[T]) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.byID))
	for n := range r.byID {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
