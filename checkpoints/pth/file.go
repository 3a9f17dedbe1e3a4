// Package pth reads and writes PyTorch's checkpoints (torch.save since version
// 1.6): a zip archive of a pickle and of the tensors' bytes. A pickle is a
// program; this package runs only what dictionaries of tensors and numbers
// need, refuses everything else by name, and never calls what a file names.
package pth

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"

	"fsdfm/checkpoints"
)

// File is an open checkpoint. It is not safe for concurrent use.
type File struct {
	path    string
	archive *archive
	closer  io.Closer
	root    *dict
	buffer  []byte // of the values being read
}

// Open reads what path holds beside the tensors' values, which stay on disk.
// The caller closes the result.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	f, err := newFile(path, file, info.Size())
	if err != nil {
		file.Close()
		return nil, err
	}
	f.closer = file
	return f, nil
}

// newFile reads a checkpoint of size bytes.
func newFile(path string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{path: path}
	var err error
	if f.archive, err = openArchive(r, size); err != nil {
		return nil, f.bad(err)
	}
	if len(f.archive.names("byteorder")) > 0 {
		order, err := f.archive.small("byteorder")
		if err != nil {
			return nil, f.bad(err)
		}
		if string(order) != "little" {
			return nil, f.bad(fmt.Errorf("its byte order is %s: save it on a little-endian machine", quote(string(order))))
		}
	}
	code, err := f.archive.small("data.pkl")
	if err != nil {
		return nil, f.bad(err)
	}
	value, err := unpickle(code)
	if err != nil {
		return nil, f.bad(err)
	}
	var ok bool
	if f.root, ok = value.(*dict); !ok {
		return nil, f.bad(fmt.Errorf("it holds %s, not a dictionary", kind(value)))
	}
	return f, nil
}

func (f *File) bad(err error) error {
	return fmt.Errorf("%s is not a checkpoint that can be imported: %w", f.path, err)
}

// Close closes the file.
func (f *File) Close() error { return f.closer.Close() }

// Int is the integer under a key of the file, such as its step.
func (f *File) Int(key string) (int64, bool) {
	v, _ := f.root.get(key)
	n, ok := v.(int64)
	return n, ok
}

// StateDicts lists the keys of the file under which there are named tensors and
// nothing else; "" is the file itself, for one that is a state dictionary.
func (f *File) StateDicts() []string {
	var keys []string
	if isStateDict(f.root) {
		keys = append(keys, "")
	}
	for _, p := range f.root.pairs {
		key, named := p.key.(string)
		if d, ok := p.value.(*dict); ok && named && isStateDict(d) {
			keys = append(keys, key)
		}
	}
	return keys
}

func isStateDict(d *dict) bool {
	for _, p := range d.pairs {
		_, isTensor := p.value.(*tensor)
		if _, named := p.key.(string); !named || !isTensor {
			return false
		}
	}
	return len(d.pairs) > 0
}

// StateDict lists the tensors under a key of StateDicts without what
// DistributedDataParallel and torch.compile put before their names. Their
// values are read when asked for, piece by piece, and only while f is open;
// where a tensor is the whole of its storage, its check sum is verified with
// the last piece.
func (f *File) StateDict(key string) ([]checkpoints.Tensor, error) {
	d := f.root
	if key != "" {
		v, _ := f.root.get(key)
		d, _ = v.(*dict)
	}
	if d == nil || !isStateDict(d) {
		return nil, fmt.Errorf("%s: %s is no dictionary of tensors", f.path, quote(key))
	}
	tensors, total := make([]checkpoints.Tensor, 0, len(d.pairs)), int64(0)
	seen := make(map[string]bool, len(d.pairs))
	for _, p := range d.pairs {
		name := p.key.(string)
		v, err := f.place(p.value.(*tensor))
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %s: %w", f.path, quote(name), err)
		}
		name = bare(name)
		if seen[name] {
			return nil, fmt.Errorf("%s: it has tensor %s twice", f.path, quote(name))
		}
		// So a small file cannot ask for a large model.
		if total += v.n * v.size; total > f.archive.size {
			return nil, fmt.Errorf("%s: its tensors share their values: save them without", f.path)
		}
		seen[name] = true
		tensors = append(tensors, checkpoints.Tensor{Name: name, DType: v.dtype, Shape: v.shape, Fill: v.fill})
	}
	return tensors, nil
}

// bare is a parameter's name without the wrappers' prefixes.
func bare(name string) string {
	for {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "module."), "_orig_mod.")
		if short == name {
			return name
		}
		name = short
	}
}

func sum(before uint32, b []byte) uint32 { return crc32.Update(before, crc32.IEEETable, b) }
