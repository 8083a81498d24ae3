package kernel

import (
	"fmt"
	"strings"
)

// all holds every path of this build, the preferred ones first.
var all = append(assembly, &plain, &naive)

// active is the path in use: at start the first that this machine can run, among
// those that are meant for use. A path of machine code must also agree with plain
// Go on a small product, so that a fault in it costs speed and not answers.
var active = choose()

func choose() *Path {
	for _, p := range assembly {
		if p.fault() == "" {
			return p
		}
	}
	return &plain
}

// fault says why the path cannot be used here, or is empty.
func (p *Path) fault() string {
	if p.lacks != nil {
		if what := p.lacks(); what != "" {
			return "this CPU lacks " + what
		}
		return p.disagreement()
	}
	return ""
}

// Name returns the name of the path in use.
func Name() string { return active.Name }

// Names returns the names of the paths that [Use] accepts on this machine, the
// preferred ones first.
func Names() []string {
	var names []string
	for _, p := range all {
		if p.fault() == "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// Get returns the path of that name. The error says what there is, or why the path
// cannot be used on this machine.
func Get(name string) (*Path, error) {
	for _, p := range all {
		if p.Name != name {
			continue
		}
		if why := p.fault(); why != "" {
			return nil, fmt.Errorf("kernel path %q cannot be used: %s (have %s)", name, why, strings.Join(Names(), ", "))
		}
		return p, nil
	}
	if why := absent[name]; why != "" {
		return nil, fmt.Errorf("kernel path %q is not in this program: %s (have %s)", name, why, strings.Join(Names(), ", "))
	}
	return nil, fmt.Errorf("unknown kernel path %q (have %s)", name, strings.Join(Names(), ", "))
}

// Use switches to the path of that name. Call it before any work starts.
func Use(name string) error {
	p, err := Get(name)
	if err == nil {
		active = p
	}
	return err
}
