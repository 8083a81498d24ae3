package rowlink_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rowlink/rowlink"
	_ "github.com/rowlink/rowlink/ingest/csvdir"
)

// P5 on a disk that becomes full: the read ends with an error that says so, the snapshot
// from before stays the latest and opens, and what was written is given back. Nothing is
// written into a mapping for which the disk has no room, which would kill the process.
func TestOpen_diskFull(t *testing.T) {
	disk := t.TempDir()
	const size = 8 << 20
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("needs a small disk, and mounting one was refused: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	used := func() uint64 {
		var st syscall.Statfs_t
		if err := syscall.Statfs(disk, &st); err != nil {
			t.Fatal(err)
		}
		return (st.Blocks - st.Bfree) * uint64(st.Bsize)
	}
	source := t.TempDir()
	write := func(rows int) {
		var b bytes.Buffer
		b.WriteString("id,parent,v,w\n")
		for i := range rows {
			fmt.Fprintf(&b, "%d,%d,%d.5,%d\n", rows-i, 1+i/2, i, i%7)
		}
		if err := os.WriteFile(filepath.Join(source, "t.csv"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	workspace := filepath.Join(disk, "w")
	open := func(fresh bool) (id string, err error) {
		d, err := rowlink.Open(t.Context(), rowlink.Options{URL: "csv:" + source, Workspace: workspace, Fresh: fresh})
		if err != nil {
			return "", err
		}
		return d.Snap.ID, d.Close()
	}
	write(1000)
	want, err := open(true)
	if err != nil {
		t.Fatal(err)
	}
	before := used()
	// From too large to be collected to just too large for the last file.
	full := 0
	for rows := 250_000; rows >= 20_000; rows = rows * 2 / 3 {
		write(rows)
		if _, err := open(true); err == nil {
			if full == 0 {
				t.Fatalf("%d rows fit", rows)
			}
			break
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d rows: error %v, want one that the disk is full", rows, err)
		}
		full++
		if id, err := open(false); err != nil || id != want {
			t.Fatalf("after %d rows did not fit: snapshot %q, error %v; want %s", rows, id, err, want)
		}
		if after := used(); after > before+64<<10 {
			t.Errorf("%d rows left %d bytes on the disk", rows, after-before)
		}
	}
	t.Logf("%d sizes did not fit", full)
}
