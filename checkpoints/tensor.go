package checkpoints

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tensor is a named array in row-major order. Its values stand in F32 when the
// data type is F32 or BF16, in I64 when it is I64 or I32.
type Tensor struct {
	Name  string
	DType string // in the file: F32 (also ""), BF16 (rounded to nearest even), I64, I32
	Shape []int  // empty for one number
	F32   []float32
	I64   []int64
	// Fill, if set, gives the values in place of F32, a piece at a time and in
	// order: dst from element at on. So a tensor need not fit into memory.
	Fill func(dst []float32, at int64) error
}

// dtype is how one safetensors data type is stored and which conversions it
// has; a nil function is a conversion that does not exist.
type dtype struct {
	size      int64 // bytes an element
	putFloats func(dst []byte, src []float32)
	floats    func(dst []float32, src []byte)
	putInts   func(dst []byte, src []int64)
	ints      func(dst []int64, src []byte)
}

func (d dtype) floatReader() func([]float32, []byte) { return d.floats }
func (d dtype) intReader() func([]int64, []byte)     { return d.ints }

// dtypes lists what a header may name. Types without functions can be listed
// and skipped in a file, but not read.
var dtypes = map[string]dtype{
	"F32":  {size: 4, putFloats: putFloat32, floats: float32s},
	"BF16": {size: 2, putFloats: putBFloat16, floats: bfloat16s},
	"F16":  {size: 2, floats: float16s},
	"I64":  {size: 8, putInts: putInt64, ints: int64s},
	"I32":  {size: 4, putInts: putInt32, ints: int32s},
	"F64":  {size: 8}, "U64": {size: 8}, "U32": {size: 4},
	"I16": {size: 2}, "U16": {size: 2}, "I8": {size: 1}, "U8": {size: 1}, "BOOL": {size: 1},
	"F8_E5M2": {size: 1}, "F8_E4M3": {size: 1},
}

// dtypeNames lists the types that keep reports true for, for error messages.
func dtypeNames(keep func(dtype) bool) string {
	names := slices.Sorted(maps.Keys(dtypes))
	names = slices.DeleteFunc(names, func(n string) bool { return !keep(dtypes[n]) })
	return strings.Join(names, ", ")
}

// kind is the name of t's data type and the type.
func (t Tensor) kind() (string, dtype) {
	if t.DType == "" {
		return "F32", dtypes["F32"]
	}
	return t.DType, dtypes[t.DType]
}

// check reports why t cannot be written.
func (t Tensor) check() error {
	name, kind := t.kind()
	have := len(t.F32)
	if kind.putInts != nil {
		have = len(t.I64)
	}
	want, fits := elements(t.Shape)
	switch {
	case t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name):
		return fmt.Errorf("tensor name %q is not allowed: name it as the model does", t.Name)
	case kind.putFloats == nil && kind.putInts == nil:
		writable := func(d dtype) bool { return d.putFloats != nil || d.putInts != nil }
		return fmt.Errorf("tensor %q: data type %q cannot be written: use one of %s", t.Name, name, dtypeNames(writable))
	case !fits || want > math.MaxInt64/kind.size:
		return fmt.Errorf("tensor %q: shape %v is negative or too large", t.Name, t.Shape)
	case t.Fill != nil && (kind.putFloats == nil || len(t.F32)+len(t.I64) > 0):
		return fmt.Errorf("tensor %q: values that are read piece by piece must be its only ones and of a float type, not %s", t.Name, name)
	case t.Fill != nil:
		return nil
	case int64(have) != want || len(t.F32)+len(t.I64) != have:
		return fmt.Errorf("tensor %q: shape %v needs %d values of %s, found F32 %d and I64 %d", t.Name, t.Shape, want, name, len(t.F32), len(t.I64))
	}
	return t.checkRange(name)
}

// checkRange refuses integers that I32 cannot hold.
func (t Tensor) checkRange(name string) error {
	if name != "I32" {
		return nil
	}
	for i, v := range t.I64 {
		if v != int64(int32(v)) {
			return fmt.Errorf("tensor %q: value %d at %d does not fit I32: use I64", t.Name, v, i)
		}
	}
	return nil
}

// EncodeFloats calls put with the values of t as little-endian bytes, a piece at
// a time; the bytes are good until put returns.
func (t Tensor) EncodeFloats(put func([]byte) error) error {
	name, kind := t.kind()
	if err := t.check(); err != nil {
		return err
	}
	if kind.putFloats == nil {
		return fmt.Errorf("tensor %q is of %s, not of a float type", t.Name, name)
	}
	n, _ := elements(t.Shape)
	buffer := make([]byte, min(max(1, n)*kind.size, chunk))
	if t.Fill == nil {
		return encode(put, buffer, int(kind.size), t.F32, kind.putFloats)
	}
	values := make([]float32, int64(len(buffer))/kind.size)
	for at := int64(0); at < n; at += int64(len(values)) {
		part := values[:min(n-at, int64(len(values)))]
		if err := t.Fill(part, at); err != nil {
			return err
		}
		if err := encode(put, buffer, int(kind.size), part, kind.putFloats); err != nil {
			return err
		}
	}
	return nil
}

// DecodeFloats fills dst from the little-endian bytes of a type that reads as
// float32: F32, BF16, F16. ok is false for other types.
func DecodeFloats(dtype string, dst []float32, src []byte) (ok bool) {
	get := dtypes[dtype].floats
	if get != nil {
		get(dst, src)
	}
	return get != nil
}

// elements is the product of shape; ok is false if a dimension is negative or
// the product overflows.
func elements(shape []int) (n int64, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		high, low := bits.Mul64(uint64(n), uint64(d))
		if high != 0 || low > math.MaxInt64 {
			return 0, false
		}
		n = int64(low)
	}
	return n, true
}

func putFloat32(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

func float32s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

// putBFloat16 keeps the upper half of each float32, rounded to nearest even; a
// NaN stays one.
func putBFloat16(dst []byte, src []float32) {
	for i, v := range src {
		b := math.Float32bits(v)
		if v == v {
			b += 0x7fff + b>>16&1
		} else {
			b |= 1 << 22 // a payload in the lower half alone would become infinity
		}
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(b>>16))
	}
}

func bfloat16s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

func float16s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = widen(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// widen turns IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) into
// float32, exactly.
func widen(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero or subnormal: fraction * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

func putInt64(dst []byte, src []int64) {
	for i, v := range src {
		binary.LittleEndian.PutUint64(dst[8*i:], uint64(v))
	}
}

func int64s(dst []int64, src []byte) {
	for i := range dst {
		dst[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
	}
}

func putInt32(dst []byte, src []int64) {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(v))
	}
}

func int32s(dst []int64, src []byte) {
	for i := range dst {
		dst[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
	}
}
