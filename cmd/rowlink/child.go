package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// child is another process of this program, which predictions go before.
type child struct {
	*exec.Cmd
	said *tail // the end of its stderr
}

// niceness of a child.
const niceness = 10

// newChild prepares a process that sees this one's environment but for the URLs of databases,
// and env besides. A URL may hold a password, which arguments would show to other users.
func newChild(args []string, env ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	c := &child{exec.Command(program, args...), &tail{most: 8 << 10}}
	c.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DATABASE_URL=") || strings.HasPrefix(v, sinkEnv+"=") }), env...)
	c.Stderr = c.said
	return c, nil
}

// start starts the process.
func (c *child) start() error {
	if err := c.Start(); err != nil {
		return fmt.Errorf("start rowlink %s: %w", c.Args[1], err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, c.Process.Pid, niceness) // a wish
	return nil
}

// lastError finds what a process told people that went wrong.
func (c *child) lastError(err error) string {
	stderr := c.said.String()
	if at := strings.LastIndex(stderr, "ERROR:  "); at >= 0 {
		return strings.TrimSpace(strings.TrimPrefix(stderr[at:], "ERROR:  "))
	}
	if text := strings.TrimSpace(stderr); text != "" {
		lines := strings.Split(text, "\n")
		return lines[len(lines)-1]
	}
	return err.Error()
}

// tail keeps the last bytes that are written to it.
type tail struct {
	most int
	b    bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.b.Write(p)
	if over := t.b.Len() - t.most; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.b.String() }
