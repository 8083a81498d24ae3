package ingest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
)

// verifiedName is the file, in the folder of a snapshot, that says which large files had the
// right checksum, and how they lay on disk then. A file that still lies there unchanged
// (size, inode, times of the last change of content and of attributes) is not read again.
// Git knows by the same means which files it need not hash.
const verifiedName = "verified.json"

// verifiedFrom is the number of bytes from which it pays; below it a file that is altered
// at once after it was written could have the same times.
const verifiedFrom = 1 << 20

// verified is the content of that file. It is safe for concurrent use.
type verified struct {
	path string

	mu    sync.Mutex
	files map[string]string // checksum and place on disk, by name
	added bool
}

// openVerified reads what is known of the files of dir. A file that is missing or faulty
// means that nothing is.
func openVerified(dir string) *verified {
	v := &verified{path: filepath.Join(dir, verifiedName), files: map[string]string{}}
	text, err := os.ReadFile(v.path)
	if err != nil || json.Unmarshal(text, &v.files) != nil || v.files == nil {
		v.files = map[string]string{}
	}
	return v
}

// mark is the checksum of a file and its place on disk; "" where the system does not tell
// enough, or the file is small.
func (v *verified) mark(name, sum string) string {
	info, err := os.Stat(filepath.Join(filepath.Dir(v.path), name))
	if err != nil || info.Size() < verifiedFrom {
		return ""
	}
	place := placeOf(info)
	if place == "" {
		return ""
	}
	return sum + " " + place
}

// holds reports whether the file was found to have the checksum and lies unchanged.
func (v *verified) holds(name, sum string) bool {
	v.mu.Lock()
	known := v.files[name]
	v.mu.Unlock()
	return known != "" && known == v.mark(name, sum)
}

// add takes in that the file was found to have the checksum. before is its mark from before
// it was read.
func (v *verified) add(name, sum, before string) {
	if before == "" || before != v.mark(name, sum) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files[name], v.added = before, true
}

// save writes the file if there is something new. It is of use only, so a folder that
// cannot be written is left as it is.
func (v *verified) save() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.added {
		return
	}
	text, err := json.MarshalIndent(v.files, "", " ")
	if err != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(v.path), ".tmp-verified-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(append(text, '\n'))
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if tmp.Close() != nil || err != nil || os.Rename(tmp.Name(), v.path) != nil {
		os.Remove(tmp.Name())
	}
}
