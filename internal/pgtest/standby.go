package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Standby starts a hot standby of a server that this process started: a copy by
// pg_basebackup that replays the server's log as it comes.
func (s *Server) Standby(ctx context.Context, more ...string) (_ *Server, err error) {
	if s.proc == nil {
		return nil, errors.New("a standby needs a server that this process started")
	}
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := s.who.folder()
	if err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	// -R writes the address of the primary into the copy.
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pg_basebackup"), "-d", s.URL("postgres"), "-D", filepath.Join(dir, "data"),
		"-R", "-X", "stream", "-c", "fast", "--no-sync")
	cmd.Dir = dir
	s.who.apply(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the primary: %w: %s", err, lastLines(string(out), 5))
	}
	proc, port, err := postgres(ctx, bin, dir, s.who, more)
	if err != nil {
		return nil, err
	}
	base := *s.base
	base.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return &Server{proc: proc, who: s.who, base: &base}, nil
}
