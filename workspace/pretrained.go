package workspace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// pretrainedSuffix ends the names of the files of pretrained networks.
const pretrainedSuffix = ".safetensors"

// SavePretrained stores a network that was trained without labels under a name, in place of
// one that has it. fill writes the file.
func (w *Workspace) SavePretrained(name string, fill func(io.Writer) error) error {
	if err := checkName("pretrained network", name); err != nil {
		return err
	}
	return w.change("save pretrained network", func() error {
		if err := w.files.mkdirAll(w.path("pretrained")); err != nil {
			return err
		}
		return w.files.stream(w.path("pretrained", name+pretrainedSuffix), fill)
	})
}

// Pretrained returns the file of a pretrained network, or a [*NotFoundError].
func (w *Workspace) Pretrained(name string) ([]byte, error) {
	if err := checkName("pretrained network", name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(w.path("pretrained", name+pretrainedSuffix))
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	entries, err := readDir(w.path("pretrained"))
	if err != nil {
		return nil, err
	}
	missing := &NotFoundError{Kind: "pretrained network", Name: name, Dir: w.dir, Advice: "rowlink pretrain makes one"}
	for _, e := range entries {
		if have, ok := strings.CutSuffix(e.Name(), pretrainedSuffix); ok && !isTemp(have) {
			missing.Have = append(missing.Have, have)
		}
	}
	return nil, missing
}
