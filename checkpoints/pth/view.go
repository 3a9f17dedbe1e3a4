package pth

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"fsdfm/checkpoints"
)

// view is a tensor whose bytes have been found in the file.
type view struct {
	file    *File
	member  member
	whole   bool // it is the whole of its member
	dtype   string
	size    int64 // bytes an element
	n       int64 // elements
	shape   []int
	offset  int64 // of the first byte in the file
	next    int64 // the element after the last one read, if all before it were read
	running uint32
}

// place checks a tensor against its storage and the file.
func (f *File) place(t *tensor) (*view, error) {
	shape, err := integers(t.shape)
	if err != nil {
		return nil, fmt.Errorf("its shape has %w", err)
	}
	stride, err := integers(t.stride)
	if err != nil {
		return nil, fmt.Errorf("its strides have %w", err)
	}
	n, err := contiguous(shape, stride)
	if err != nil {
		return nil, err
	}
	s := t.storage
	_, size := class(s.dtype)
	if t.offset < 0 || t.offset > s.n || n > s.n-t.offset {
		return nil, fmt.Errorf("shape %v from element %d on is more than its storage of %d elements", shape, t.offset, s.n)
	}
	m, offset, err := f.archive.find("data/" + s.key)
	if err != nil {
		return nil, err
	}
	if s.n > math.MaxInt64/size || uint64(s.n*size) != m.size {
		return nil, fmt.Errorf("its storage of %d elements of %s has %d bytes", s.n, s.dtype, m.size)
	}
	return &view{
		file: f, member: m, whole: n == s.n, dtype: s.dtype, size: size, n: n, shape: shape, offset: offset + t.offset*size,
	}, nil
}

// contiguous is the number of elements of a row-major tensor, an error for
// others.
func contiguous(shape, stride []int) (int64, error) {
	if len(stride) != len(shape) {
		return 0, fmt.Errorf("shape %v has strides %v", shape, stride)
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	n := 1
	for i, d := range slices.Backward(shape) {
		if d > 1 && stride[i] != n {
			return 0, fmt.Errorf("shape %v has strides %v: save it with .contiguous()", shape, stride)
		}
		if d > math.MaxInt/n {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= d
	}
	return int64(n), nil
}

// fill reads the values from element at on into dst, widened to float32.
func (v *view) fill(dst []float32, at int64) error {
	if at < 0 || at > v.n || int64(len(dst)) > v.n-at {
		return fmt.Errorf("%s: %d values from %d on were asked of %d", v.file.path, len(dst), at, v.n)
	}
	if at != v.next {
		v.next = -1 // the sum needs all values in order
	}
	if at == 0 {
		v.next, v.running = 0, 0
	}
	const piece = 1 << 20 // bytes
	if need := min(piece, len(dst)*int(v.size)); len(v.file.buffer) < need {
		v.file.buffer = make([]byte, need)
	}
	for part := range slices.Chunk(dst, piece/int(v.size)) {
		if err := v.read(part, at); err != nil {
			return fmt.Errorf("%s: reading its values: %w", v.file.path, err)
		}
		at += int64(len(part))
	}
	return nil
}

// read is fill of no more than the buffer holds.
func (v *view) read(dst []float32, at int64) error {
	b := v.file.buffer[:int64(len(dst))*v.size]
	if n, err := v.file.archive.r.ReadAt(b, v.offset+at*v.size); n < len(b) {
		return err
	}
	if !checkpoints.DecodeFloats(v.dtype, dst, b) {
		return errors.New(v.dtype + " does not read as float32: save it as float32, bfloat16 or float16")
	}
	if v.next < 0 {
		return nil
	}
	v.next, v.running = at+int64(len(dst)), sum(v.running, b)
	if v.next == v.n && v.whole {
		return v.member.checkSum(v.running)
	}
	return nil
}
