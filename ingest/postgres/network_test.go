package postgres

import (
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// overNetwork reads the tables of twoTables through a proxy, in ranges, while fault does
// something to the connections.
func overNetwork(t *testing.T, rows int, change func(*Source, *pgtest.Proxy)) {
	t.Helper()
	u := twoTables(t, rows, 400)
	want := mustTake(t, u)
	leaks := goleak.IgnoreCurrent()
	p, through := pgtest.NewProxy(t, u)
	s, err := Open(t.Context(), through, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.chunk = 2 << 20
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(s, p)
	b := ingest.NewBuilder(sch)
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	snap, err := b.Finish(sch, 0)
	if err != nil {
		t.Fatal(err)
	}
	sameSnapshot(t, snap, want)
	s.Close()
	p.Close()
	goleak.VerifyNone(t, leaks)
}

// All connections are cut in the middle of a row, several times: the exporter's death costs
// one new start, and what was half read is not in the result.
func TestCase51_cut(t *testing.T) {
	var p *pgtest.Proxy
	overNetwork(t, 20000, func(s *Source, proxy *pgtest.Proxy) {
		p = proxy
		p.CutAfter(3_000_001)
	})
	if p.Faults() == 0 {
		t.Error("nothing was cut")
	}
}

// A connection that falls silent in the middle of a range, as on a lost route, counts as
// dead after a while, and its range is read again.
func TestCase51_silence(t *testing.T) {
	var p *pgtest.Proxy
	start := time.Now()
	overNetwork(t, 20000, func(s *Source, proxy *pgtest.Proxy) {
		p = proxy
		s.silence = 700 * time.Millisecond
		p.SilenceAfter(3_000_001)
	})
	if took := time.Since(start); p.Faults() != 1 || took < 700*time.Millisecond {
		t.Errorf("%d silences in %v", p.Faults(), took)
	}
}

// A slow link is no fault: what comes, however slowly, counts as life.
func TestCase51_slow(t *testing.T) {
	overNetwork(t, 4000, func(s *Source, p *pgtest.Proxy) {
		s.silence = 700 * time.Millisecond
		p.Slow(800_000) // two seconds and more for the rows of one connection
	})
}

// Connections that are cut again and again end the read with an error that says what to do.
func TestCase52_cutAgain(t *testing.T) {
	u := twoTables(t, 20000, 400)
	p, through := pgtest.NewProxy(t, u)
	s := mustOpen(t, through)
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := ingest.NewBuilder(sch)
	b.Progress = func(int, int64) { p.Cut() }
	err = s.Read(t.Context(), sch, b)
	if err == nil || !strings.Contains(err.Error(), "snapshot lost twice") {
		t.Errorf("error %v, want one about a snapshot lost twice", err)
	}
}

// Of several hosts the first that answers is taken, and the one that may be written to where
// that is asked for (case 54).
func TestCase54_hosts(t *testing.T) {
	u := twoTables(t, 100, 10)
	want := mustTake(t, u)
	host := mustHost(t, u)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refuses := dead.Addr().String()
	dead.Close()
	for _, more := range []string{"", "&target_session_attrs=primary", "&target_session_attrs=read-write"} {
		several := strings.Replace(u, host, refuses+","+host, 1) + more
		sameSnapshot(t, mustTake(t, several), want)
	}
	_, err = Open(t.Context(), strings.Replace(u, host, refuses+","+host, 1)+"&target_session_attrs=standby", ingest.OpenOptions{})
	if err == nil || strings.Contains(err.Error(), "postgres:") {
		t.Errorf("error %v, want one that says that there is no standby, without the password", err)
	}
	t.Log(err)
}
