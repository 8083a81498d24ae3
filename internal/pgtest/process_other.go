//go:build !unix

package pgtest

import (
	"errors"
	"os/exec"
)

type process struct{ dir string }

func (*process) stop() error { return nil }

type account struct{}

func runAs() (*account, error) {
	return nil, errors.New("a throw-away server needs Unix; set " + Env + " to a server of your own")
}

func launch(string, *account, ...string) (*process, error) { return nil, errors.ErrUnsupported }

func (*account) apply(*exec.Cmd)            {}
func (*account) folder() (string, error)    { return "", errors.ErrUnsupported }
func (*account) write(string, string) error { return errors.ErrUnsupported }
