package checkpoints

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// A safetensors file is the header's length as 8 bytes little-endian, the
// header (JSON: name -> data type, shape, range of bytes; padded with spaces),
// and the values one tensor after another.

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the format's own limit
	chunk       = 1 << 20     // bytes converted at a time; a multiple of every element size
)

// WriteSafetensors streams tensors to w in the given order. metadata may be
// nil. It refuses duplicate names, values that do not match their shape, and an
// order that leaves a tensor off its natural alignment.
func WriteSafetensors(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	header, err := encodeHeader(tensors, metadata)
	if err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("write safetensors header: %w", err)
	}
	put := func(b []byte) error {
		_, err := w.Write(b)
		return err
	}
	for _, t := range tensors {
		_, kind := t.kind()
		if kind.putInts != nil {
			err = encode(put, make([]byte, chunk), int(kind.size), t.I64, kind.putInts)
		} else {
			err = t.EncodeFloats(put)
		}
		if err != nil {
			return fmt.Errorf("write tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// encodeHeader is the file up to the first value, a multiple of 8 bytes.
func encodeHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	header := append(make([]byte, 8), '{')
	if len(metadata) > 0 {
		text, err := json.Marshal(metadata)
		if err != nil {
			return nil, err
		}
		header = fmt.Appendf(header, `%q:%s,`, metadataKey, text)
	}
	seen, offset := make(map[string]bool, len(tensors)), int64(0)
	for _, t := range tensors {
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q appears twice: give each tensor its own name", t.Name)
		}
		seen[t.Name] = true
		item, end, err := headerItem(t, offset)
		if err != nil {
			return nil, err
		}
		header, offset = append(append(header, item...), ','), end
	}
	if header[len(header)-1] == ',' {
		header = header[:len(header)-1]
	}
	header = append(header, '}')
	header = append(header, strings.Repeat(" ", -len(header)&7)...)
	if len(header)-8 > maxHeader {
		return nil, fmt.Errorf("header of %d bytes is over the format's limit of %d: write fewer tensors a file", len(header)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	return header, nil
}

// headerItem is the header's line for t at offset, and the offset after it.
func headerItem(t Tensor, offset int64) (item []byte, end int64, err error) {
	name, kind := t.kind()
	n, _ := elements(t.Shape)
	end = offset + n*kind.size
	// Readers map the file and view it in place.
	if offset%kind.size != 0 {
		return nil, 0, fmt.Errorf("tensor %q of %s would start at byte %d: list tensors with wider elements first", t.Name, name, offset)
	}
	key, err := json.Marshal(t.Name)
	if err != nil {
		return nil, 0, err
	}
	value, err := json.Marshal(struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}{name, append([]int{}, t.Shape...), [2]int64{offset, end}})
	return append(append(key, ':'), value...), end, err
}

// encode passes src on through buffer, convert making size bytes an element.
func encode[T any](put func([]byte) error, buffer []byte, size int, src []T, convert func([]byte, []T)) error {
	for part := range slices.Chunk(src, len(buffer)/size) {
		convert(buffer, part)
		if err := put(buffer[:len(part)*size]); err != nil {
			return err
		}
	}
	return nil
}

// Safetensors is an open file whose header has been checked; values are read on
// request. Reads may run concurrently.
type Safetensors struct {
	path     string
	values   io.ReaderAt // the bytes after the header
	closer   io.Closer
	header   header
	position map[string]int // name -> index in header.tensors
}

// OpenSafetensors opens path and checks its header against the file's size
// before anything is allocated for it. The caller closes the result.
func OpenSafetensors(path string) (*Safetensors, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open safetensors: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open safetensors: %w", err)
	}
	s, err := newSafetensors(path, file, info.Size())
	if err != nil {
		file.Close()
		return nil, err
	}
	s.closer = file
	return s, nil
}

// newSafetensors reads the header from the first bytes of r, which holds size.
func newSafetensors(path string, r io.ReaderAt, size int64) (*Safetensors, error) {
	h, start, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s is not a whole safetensors file: %w; fetch or export it again", path, err)
	}
	s := &Safetensors{path: path, values: io.NewSectionReader(r, start, size-start), header: h}
	s.position = make(map[string]int, len(h.tensors))
	for i, t := range h.tensors {
		s.position[t.name] = i
	}
	return s, nil
}

// Close closes the file.
func (s *Safetensors) Close() error { return s.closer.Close() }

// Names lists the tensors in the order of their values in the file.
func (s *Safetensors) Names() []string {
	names := make([]string, len(s.header.tensors))
	for i, t := range s.header.tensors {
		names[i] = t.name
	}
	return names
}

// Info describes a tensor; ok is false if the file has none of that name.
func (s *Safetensors) Info(name string) (dtype string, shape []int, ok bool) {
	i, ok := s.position[name]
	if !ok {
		return "", nil, false
	}
	t := s.header.tensors[i]
	return t.dtype, slices.Clone(t.shape), true
}

// Metadata is the header's free text; the caller must not change it.
func (s *Safetensors) Metadata() map[string]string { return s.header.metadata }

// ReadFloat32 fills dst, which must hold as many values as the tensor, from
// F32, or from BF16 or F16, widened exactly.
func (s *Safetensors) ReadFloat32(name string, dst []float32) error {
	t, get, err := find(s, name, "float32", dtype.floatReader)
	if err != nil {
		return err
	}
	return read(s, t, dst, get)
}

// ReadFloat32At is ReadFloat32 of a part: dst holds the values from element at
// on.
func (s *Safetensors) ReadFloat32At(name string, dst []float32, at int64) error {
	t, get, err := find(s, name, "float32", dtype.floatReader)
	if err != nil {
		return err
	}
	size := dtypes[t.dtype].size
	if n := (t.end - t.begin) / size; at < 0 || at > n || int64(len(dst)) > n-at {
		return fmt.Errorf("%s: tensor %q has %d values, not %d from %d on", s.path, name, n, len(dst), at)
	}
	t.begin += at * size
	t.end = t.begin + int64(len(dst))*size
	return read(s, t, dst, get)
}

// ReadInt64 fills dst, which must hold as many values as the tensor, from I64
// or I32.
func (s *Safetensors) ReadInt64(name string, dst []int64) error {
	t, get, err := find(s, name, "int64", dtype.intReader)
	if err != nil {
		return err
	}
	return read(s, t, dst, get)
}

// find places a tensor; get reads its data type as the wanted kind.
func find[T any](s *Safetensors, name, kind string, reader func(dtype) func([]T, []byte)) (t entry, get func([]T, []byte), err error) {
	i, ok := s.position[name]
	if !ok {
		return t, nil, fmt.Errorf("%s: no tensor %q among its %d: is it the file of another model?", s.path, name, len(s.header.tensors))
	}
	t = s.header.tensors[i]
	if get = reader(dtypes[t.dtype]); get == nil {
		readable := func(d dtype) bool { return reader(d) != nil }
		return t, nil, fmt.Errorf("%s: tensor %q is %s, which does not read as %s: convert it to one of %s", s.path, name, t.dtype, kind, dtypeNames(readable))
	}
	return t, get, nil
}

// read fills dst, which must hold as many values as t.
func read[T any](s *Safetensors, t entry, dst []T, get func([]T, []byte)) error {
	size := dtypes[t.dtype].size
	if n := (t.end - t.begin) / size; n != int64(len(dst)) {
		return fmt.Errorf("%s: tensor %q has shape %v, %d values; expected %d: does the config belong to this file?", s.path, t.name, t.shape, n, len(dst))
	}
	if err := decode(s.values, t.begin, int(size), dst, get); err != nil {
		return fmt.Errorf("%s: read tensor %q: %w", s.path, t.name, err)
	}
	return nil
}

// decode fills dst from the bytes of r at offset.
func decode[T any](r io.ReaderAt, offset int64, size int, dst []T, get func([]T, []byte)) error {
	buffer := make([]byte, min(chunk, len(dst)*size))
	for part := range slices.Chunk(dst, chunk/size) {
		bytes := buffer[:len(part)*size]
		if n, err := r.ReadAt(bytes, offset); n < len(bytes) {
			return err
		}
		get(part, bytes)
		offset += int64(len(bytes))
	}
	return nil
}

// Load fills the values of dst, whose names and shapes say what is expected.
// The file must hold these tensors and no others; nothing is read unless all
// names and shapes agree.
func (s *Safetensors) Load(dst []Tensor) error {
	if err := s.checkNames(dst); err != nil {
		return err
	}
	for _, t := range dst {
		_, found, _ := s.Info(t.Name)
		if !slices.Equal(found, t.Shape) {
			return fmt.Errorf("%s: tensor %q has shape %v, expected %v: use the config that this file was made with", s.path, t.Name, found, t.Shape)
		}
	}
	for _, t := range dst {
		_, kind := t.kind()
		err := error(nil)
		if kind.putInts != nil {
			err = s.ReadInt64(t.Name, t.I64)
		} else {
			err = s.ReadFloat32(t.Name, t.F32)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkNames reports tensors that are missing and tensors that are not in dst.
func (s *Safetensors) checkNames(dst []Tensor) error {
	wanted := make(map[string]bool, len(dst))
	var missing, unexpected []string
	for _, t := range dst {
		wanted[t.Name] = true
		if _, ok := s.position[t.Name]; !ok {
			missing = append(missing, t.Name)
		}
	}
	for _, name := range s.Names() {
		if !wanted[name] {
			unexpected = append(unexpected, name)
		}
	}
	var problems []string
	if len(missing) > 0 {
		problems = append(problems, "lacks "+enumerate(missing))
	}
	if len(unexpected) > 0 {
		problems = append(problems, "has the unexpected "+enumerate(unexpected))
	}
	if problems == nil {
		return nil
	}
	return errors.New(s.path + " " + strings.Join(problems, " and ") + ": use the config that this file was made with")
}

// enumerate prints the first few names.
func enumerate(names []string) string {
	const few = 4
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
