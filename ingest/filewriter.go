package ingest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
)

// writeStep is the number of bytes that are hashed while the same bytes are written, and
// after which the system is asked to begin with the disk: the flush at the end then finds
// little to do. A whole column is one write, which would leave both to the end.
const writeStep = 8 << 20

// fileWriter writes a file and takes its SHA-256 on the way.
type fileWriter struct {
	file *os.File
	hash hash.Hash
	size int64
}

// Write hashes p while it writes it.
func (w *fileWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		step := p[:min(len(p), writeStep)]
		hashed := make(chan struct{})
		go func() {
			w.hash.Write(step)
			close(hashed)
		}()
		var wrote int
		wrote, err = w.file.Write(step)
		<-hashed
		beginWriteback(w.file, w.size, int64(wrote))
		n, w.size, p = n+wrote, w.size+int64(wrote), p[wrote:]
	}
	return n, err
}

// writeFile creates a file, flushes it to disk and returns its SHA-256 in hexadecimal.
func writeFile(path string, write func(io.Writer) error) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // a second time after success, which does nothing
	out := &fileWriter{file: f, hash: sha256.New()}
	w := bufio.NewWriterSize(out, 1<<20) // what is larger goes past it
	if err := write(w); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	return hex.EncodeToString(out.hash.Sum(nil)), f.Close()
}
