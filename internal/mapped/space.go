package mapped

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// smallBytes is up to which size an array stays on the heap: a file of its own costs
// more than it saves.
const smallBytes = 1 << 20

// Space hands out arrays that lie in temporary files of one folder. The files have no
// name, so they vanish with the process whatever happens to it. A nil Space hands out
// arrays of the heap. It is safe for concurrent use.
type Space struct {
	Heap int64 // bytes of settled vectors that may stay on the heap

	dir string

	mu      sync.Mutex
	maps    []Mapping
	settled int64 // bytes of them
}

// NewSpace returns a space whose files lie in dir; nil where the system cannot map files.
func NewSpace(dir string) *Space {
	if !canMap {
		return nil
	}
	return &Space{dir: dir, Heap: 64 << 20}
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
	if err := allocate(f, 0, int64(size)); err != nil {
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

	shown Mapping // the file, while Values are in use
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

// AppendAll adds values. Many at once go to the file without passing through the block,
// all but the last.
func (v *Vector[T]) AppendAll(x []T) {
	if v.Space != nil && (len(v.buf)+len(x))*sizeOf[T]() >= smallBytes {
		v.flush()
		if last := len(x) - 1; last*sizeOf[T]() >= smallBytes {
			v.write(x[:last])
			x = x[last:]
		}
	}
	v.buf = append(v.buf, x...)
}

// Extend adds n values, whatever they are, and returns them to be set before the next call.
func (v *Vector[T]) Extend(n int) []T {
	if v.Space != nil && len(v.buf)*sizeOf[T]() >= smallBytes {
		v.flush()
	}
	from := len(v.buf)
	v.buf = slices.Grow(v.buf, n)[:from+n]
	return v.buf[from:]
}

// Values returns the values, which stay in the vector and may be altered in place until
// Clear; where they cannot be had Err tells why.
func (v *Vector[T]) Values() []T {
	if v.file == nil && v.err == nil {
		return v.buf
	}
	v.flush()
	if v.err == nil && v.shown.Data == nil {
		v.shown.Data, v.err = mapFile(v.file, 0, v.n*sizeOf[T](), true)
	}
	return view[T](v.shown.Data)
}

// Clear drops the values and keeps memory and file for others.
func (v *Vector[T]) Clear() {
	v.buf = v.buf[:0]
	if v.file == nil {
		return
	}
	v.n = 0
	_, err := v.file.Seek(0, io.SeekStart)
	v.err = errors.Join(v.err, v.shown.Close(), v.file.Truncate(0), err)
}

// tinyBytes is up to which size a vector is never worth a file of its own.
const tinyBytes = 4 << 10

// Settle says that the vector is complete for now: its block may stay on the heap if there
// is room among the others of its space.
func (v *Vector[T]) Settle() {
	size := int64(len(v.buf) * sizeOf[T]())
	if v.Space == nil || size <= tinyBytes {
		return
	}
	if v.file != nil || !v.Space.room(size) {
		v.flush()
		v.buf = nil
	}
}

// room takes note of size bytes on the heap, if they are not too many.
func (s *Space) room(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settled+size > s.Heap {
		return false
	}
	s.settled += size
	return true
}

// flush moves the block to the file.
func (v *Vector[T]) flush() {
	if len(v.buf) > 0 {
		v.write(v.buf)
		v.buf = v.buf[:0]
	}
}

// write appends values to the file. The first error is kept for Slice.
func (v *Vector[T]) write(x []T) {
	if v.file == nil && v.err == nil {
		v.file, v.err = v.Space.file()
	}
	if v.err == nil {
		_, v.err = v.file.Write(Bytes(x))
	}
	v.n += len(x)
}

// Discard drops the values and gives the file back.
func (v *Vector[T]) Discard() {
	if v.file != nil {
		v.shown.Close()
		v.file.Close()
	}
	*v = Vector[T]{Space: v.Space}
}

// Err is the first error of writing the file, which Slice returns too.
func (v *Vector[T]) Err() error { return v.err }

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
