package mapped

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// smallBytes is up to which size an array stays on the heap: a file of its own costs
// more than it saves.
const smallBytes = 1 << 20

// Space hands out arrays that lie in temporary files of one folder. The files have no
// name, so they vanish with the process whatever happens to it. A nil Space hands out
// arrays of the heap. It is safe for concurrent use.
type Space struct {
	dir string

	mu   sync.Mutex
	maps []Mapping
}

// NewSpace returns a space whose files lie in dir; nil where the system cannot map files.
func NewSpace(dir string) *Space {
	if !canMap {
		return nil
	}
	return &Space{dir: dir}
}

// Make returns an array of n zeros, which lives until the space is closed.
func Make[T Element](s *Space, n int) ([]T, error) {
	if s == nil || n*sizeOf[T]() <= smallBytes {
		return make([]T, n), nil
	}
	f, err := s.file()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := n * sizeOf[T]()
	if err := f.Truncate(int64(size)); err != nil {
		return nil, fmt.Errorf("make room for %d bytes in %q: %w", size, s.dir, err)
	}
	data, err := s.keep(f, size)
	return view[T](data), err
}

// file creates a file without a name.
func (s *Space) file() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, ".space-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// keep maps the first n bytes of f for writing until the space is closed.
func (s *Space) keep(f *os.File, n int) ([]byte, error) {
	data, err := mapFile(f, 0, n, true)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes in %q: %w", n, s.dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maps = append(s.maps, Mapping{data})
	return data, nil
}

// Close gives the arrays' memory and files back; none may be used afterwards.
func (s *Space) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for i := range s.maps {
		errs = append(errs, s.maps[i].Close())
	}
	s.maps = nil
	return errors.Join(errs...)
}

// Vector collects values. The zero value collects on the heap; with a Space, what
// exceeds one block goes to a file. It is for one goroutine at a time.
type Vector[T Element] struct {
	Space *Space

	buf  []T
	file *os.File
	n    int // values in the file
	err  error
}

// Len returns the number of values.
func (v *Vector[T]) Len() int { return v.n + len(v.buf) }

// Append adds a value.
func (v *Vector[T]) Append(x T) {
	if v.Space != nil && len(v.buf)*sizeOf[T]() >= smallBytes {
		v.flush()
	}
	v.buf = append(v.buf, x)
}

// Last returns the place of the last value.
func (v *Vector[T]) Last() *T { return &v.buf[len(v.buf)-1] }

// AppendAll adds values.
func (v *Vector[T]) AppendAll(x []T) {
	if v.Space != nil && len(v.buf)*sizeOf[T]() >= smallBytes {
		v.flush()
	}
	v.buf = append(v.buf, x...)
}

// flush moves the block to the file. The first error is kept for Slice.
func (v *Vector[T]) flush() {
	if v.file == nil && v.err == nil {
		v.file, v.err = v.Space.file()
	}
	if v.err == nil {
		_, v.err = v.file.Write(Bytes(v.buf))
	}
	v.n += len(v.buf)
	v.buf = v.buf[:0]
}

// Slice returns the values, which may be altered in place, and leaves the vector empty.
// They live until the space is closed.
func (v *Vector[T]) Slice() ([]T, error) {
	defer func() { *v = Vector[T]{Space: v.Space} }()
	if v.file == nil && v.err == nil {
		return v.buf, nil
	}
	v.flush()
	if v.file != nil {
		defer v.file.Close()
	}
	if v.err != nil {
		return nil, fmt.Errorf("collect %d values: %w", v.n, v.err)
	}
	data, err := v.Space.keep(v.file, v.n*sizeOf[T]())
	return view[T](data), err
}
