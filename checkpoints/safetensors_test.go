package checkpoints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is one tensor of each kind that can be written, and an empty one.
func small() []Tensor {
	return []Tensor{
		{Name: "tokens", DType: "I64", Shape: []int{2, 1}, I64: []int64{math.MinInt64, math.MaxInt64}},
		{Name: "blocks.0.weight", Shape: []int{2, 3}, F32: []float32{0, -1.5, 3e-45, math.MaxFloat32, float32(math.Inf(-1)), 7}},
		{Name: "empty", Shape: []int{0, 5}},
		{Name: "one", Shape: []int{}, F32: []float32{42}},
		{Name: "ids", DType: "I32", Shape: []int{2}, I64: []int64{math.MinInt32, math.MaxInt32}},
		{Name: "näme \"<&>\"", DType: "BF16", Shape: []int{3}, F32: []float32{1, -2.5, 0.15625}},
	}
}

func encodeTensors(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := WriteSafetensors(&file, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func parse(data []byte) (*Safetensors, error) {
	return newSafetensors("m.safetensors", bytes.NewReader(data), int64(len(data)))
}

// blank copies names, types and shapes of tensors, with room for the values.
func blank(tensors []Tensor) []Tensor {
	like := slices.Clone(tensors)
	for i := range like {
		like[i].F32 = make([]float32, len(like[i].F32))
		like[i].I64 = make([]int64, len(like[i].I64))
	}
	return like
}

func sameTensors(a, b []Tensor) bool {
	return slices.EqualFunc(a, b, func(a, b Tensor) bool {
		bits := func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
		return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) &&
			slices.EqualFunc(a.F32, b.F32, bits) && slices.Equal(a.I64, b.I64)
	})
}

func TestSafetensorsRoundTrip(t *testing.T) {
	want := small()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	data := encodeTensors(t, want, map[string]string{"format": "pt", "a": "<b>"})
	if n := binary.LittleEndian.Uint64(data); n%8 != 0 {
		t.Errorf("header of %d bytes is not padded to 8", n)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := blank(want)
	if err := s.Load(got); err != nil {
		t.Fatal(err)
	}
	if !sameTensors(got, want) {
		t.Errorf("read %v, wrote %v", got, want)
	}
	for i, name := range s.Names() {
		if name != want[i].Name {
			t.Errorf("tensor %d is %q, wrote %q", i, name, want[i].Name)
		}
	}
	if dtype, shape, ok := s.Info("ids"); dtype != "I32" || !slices.Equal(shape, []int{2}) || !ok {
		t.Errorf("ids is %s %v %t", dtype, shape, ok)
	}
	if m := s.Metadata(); len(m) != 2 || m["format"] != "pt" || m["a"] != "<b>" {
		t.Errorf("metadata %v", m)
	}
}

func TestSafetensorsLargerThanChunk(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := []Tensor{
		{Name: "i", DType: "I64", Shape: []int{chunk/8 + 3}},
		{Name: "f", Shape: []int{2, chunk/4 + 1}},
	}
	for range want[0].Shape[0] {
		want[0].I64 = append(want[0].I64, rng.Int64())
	}
	for range 2 * want[1].Shape[1] {
		want[1].F32 = append(want[1].F32, rng.Float32())
	}
	s, err := parse(encodeTensors(t, want, nil))
	if err != nil {
		t.Fatal(err)
	}
	got := blank(want)
	if err := s.Load(got); err != nil {
		t.Fatal(err)
	}
	if !sameTensors(got, want) {
		t.Error("values differ")
	}
}

// The file is a golden case of the reference implementation; the numbers were
// read from it by other means.
// Values that are given and read piece by piece make the same file as values in
// memory.
func TestSafetensorsPieceByPiece(t *testing.T) {
	const n = 2*chunk/4 + 5
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i)
	}
	for _, dtype := range []string{"F32", "BF16"} {
		whole := []Tensor{{Name: "w", DType: dtype, Shape: []int{n}, F32: values}, {Name: "empty", DType: dtype, Shape: []int{0, 3}}}
		pieces, next := slices.Clone(whole), int64(0)
		pieces[0].F32, pieces[0].Fill = nil, func(dst []float32, at int64) error {
			if at != next {
				t.Errorf("asked for %d, after %d", at, next)
			}
			next = at + int64(copy(dst, values[at:]))
			return nil
		}
		pieces[1].Fill = func([]float32, int64) error { return errors.New("asked for nothing") }
		want, got := encodeTensors(t, whole, nil), encodeTensors(t, pieces, nil)
		if !bytes.Equal(got, want) || next != n {
			t.Errorf("%s: another file, %d of %d values", dtype, next, n)
		}
	}
}

func TestReadFloat32At(t *testing.T) {
	s, err := parse(encodeTensors(t, []Tensor{{Name: "a", Shape: []int{1}, F32: []float32{9}}, {Name: "w", Shape: []int{2, 2}, F32: []float32{1, 2, 3, 4}}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 2)
	if err := s.ReadFloat32At("w", dst, 1); err != nil || dst[0] != 2 || dst[1] != 3 {
		t.Errorf("read %v, %v", dst, err)
	}
	for _, at := range []int64{-1, 3, 5, math.MaxInt64} {
		if err := s.ReadFloat32At("w", dst, at); err == nil {
			t.Errorf("two of four values from %d on were read", at)
		}
	}
}

func TestSafetensorsForeignFile(t *testing.T) {
	s, err := OpenSafetensors("testdata/generator.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := len(s.Names()); n != 16 {
		t.Errorf("%d tensors, expected 16", n)
	}
	x, p := make([]int64, 8*3), make([]float32, 8*3)
	if err := errors.Join(s.ReadInt64("in/x", x), s.ReadFloat32("out/euler/p_jump", p)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x[:3], []int64{6, 8, 7}) || x[23] != 2 {
		t.Errorf("in/x is %v", x)
	}
	if p[0] != 0 || p[1] != 0.6229261755943298 || p[23] != 0.6034389138221741 {
		t.Errorf("p_jump is %v", p)
	}
}

func TestSafetensorsEmpty(t *testing.T) {
	s, err := parse(encodeTensors(t, nil, nil))
	if err != nil || len(s.Names()) != 0 {
		t.Errorf("names %v, error %v", s.Names(), err)
	}
	if err := s.Load(nil); err != nil {
		t.Error(err)
	}
}

func TestWriteSafetensorsRefuses(t *testing.T) {
	f := func(name string) Tensor { return Tensor{Name: name, Shape: []int{1}, F32: []float32{1}} }
	for _, c := range []struct {
		tensors []Tensor
		want    string
	}{
		{[]Tensor{f("w"), f("w")}, `"w" appears twice`},
		{[]Tensor{f("")}, "not allowed"},
		{[]Tensor{f("__metadata__")}, "not allowed"},
		{[]Tensor{f("\xff")}, "not allowed"},
		{[]Tensor{{Name: "w", DType: "F16", Shape: []int{1}, F32: []float32{1}}}, `"F16" cannot be written: use one of BF16, F32, I32, I64`},
		{[]Tensor{{Name: "w", DType: "FLOAT", Shape: []int{1}, F32: []float32{1}}}, `"FLOAT" cannot be written`},
		{[]Tensor{{Name: "w", Shape: []int{2, 3}, F32: make([]float32, 5)}}, "shape [2 3] needs 6 values of F32, found F32 5"},
		{[]Tensor{{Name: "w", Shape: []int{1}, F32: []float32{1}, I64: []int64{1}}}, "found F32 1 and I64 1"},
		{[]Tensor{{Name: "w", DType: "I64", Shape: []int{1}, F32: []float32{1}}}, "needs 1 values of I64"},
		{[]Tensor{{Name: "w", Shape: []int{-1}}}, "negative or too large"},
		{[]Tensor{{Name: "w", Shape: []int{math.MaxInt, math.MaxInt, math.MaxInt}}}, "negative or too large"},
		{[]Tensor{{Name: "w", DType: "I32", Shape: []int{1}, I64: []int64{1 << 31}}}, "does not fit I32"},
		{[]Tensor{f("w"), {Name: "i", DType: "I64", Shape: []int{1}, I64: []int64{1}}}, "wider elements first"},
	} {
		var file bytes.Buffer
		err := WriteSafetensors(&file, c.tensors, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
		if file.Len() != 0 {
			t.Errorf("%q: %d bytes written before the refusal", c.want, file.Len())
		}
	}
}

func TestWriteSafetensorsReportsWriter(t *testing.T) {
	broken := errors.New("broken pipe")
	for limit := range 2 {
		w := writerFunc(func(p []byte) (int, error) {
			if limit--; limit < 0 {
				return 0, broken
			}
			return len(p), nil
		})
		if err := WriteSafetensors(w, small(), nil); !errors.Is(err, broken) {
			t.Errorf("error %v, expected the writer's", err)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestReadRefuses(t *testing.T) {
	s, err := parse(encodeTensors(t, small(), nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{s.ReadFloat32("absent", nil), `m.safetensors: no tensor "absent" among its 6`},
		{s.ReadFloat32("blocks.0.weight", make([]float32, 4)), `m.safetensors: tensor "blocks.0.weight" has shape [2 3], 6 values; expected 4`},
		{s.ReadFloat32("tokens", make([]float32, 2)), "is I64, which does not read as float32: convert it to one of BF16, F16, F32"},
		{s.ReadInt64("one", make([]int64, 1)), "is F32, which does not read as int64: convert it to one of I32, I64"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, expected %q", c.err, c.want)
		}
	}
}

func TestLoadComparesNamesAndShapes(t *testing.T) {
	s, err := parse(encodeTensors(t, small(), nil))
	if err != nil {
		t.Fatal(err)
	}
	wrong := blank(small())
	wrong[1].Shape = []int{3, 2}
	renamed := blank(small())
	renamed[3].Name = "two"
	for _, c := range []struct {
		dst  []Tensor
		want string
	}{
		{wrong, `m.safetensors: tensor "blocks.0.weight" has shape [2 3], expected [3 2]: use the config`},
		{renamed, "m.safetensors lacks two and has the unexpected one: use the config"},
		{nil, "has the unexpected tokens, blocks.0.weight, empty, one and 2 more"},
	} {
		if err := s.Load(c.dst); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
		if c.dst != nil && c.dst[0].I64[0] != 0 {
			t.Errorf("%q: values were read before the refusal", c.want)
		}
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	data := encodeTensors(t, small(), map[string]string{"k": "v"})
	for n := range data {
		if _, err := parse(data[:n]); err == nil {
			t.Errorf("the first %d of %d bytes pass for a whole file", n, len(data))
		}
	}
	if _, err := parse(append(data, 0)); err == nil {
		t.Error("a byte too many passes")
	}
}

func TestReadNoticesShrinkingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	data := encodeTensors(t, small(), nil)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(path, int64(len(data)-1)); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadFloat32(small()[5].Name, make([]float32, 3)); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, expected the end of the file", err)
	}
}

// rawFile is a safetensors file with the given header and size zero bytes.
func rawFile(header string, size int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, size)...)
}

func TestHeaderRefuses(t *testing.T) {
	for _, c := range []struct {
		header string
		size   int
		want   string
	}{
		{``, 0, "not JSON"},
		{`{`, 0, "not JSON"},
		{`{} {}`, 0, "not JSON"},
		{"{\"\xff\":1}", 0, "not JSON"},
		{`[]`, 0, "found [ in place of {"},
		{`null`, 0, "in place of another kind"},
		{`{"w":3}`, 0, `tensor "w"`},
		{`{"w":{}}`, 0, "missing or malformed"},
		{`{"w":{"dtype":"F32","shape":[1]}}`, 4, "missing or malformed"},
		{`{"w":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4, `tensor "w"`},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4, "missing or malformed"},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4, "missing or malformed"},
		{`{"w":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `unknown key "DType"`},
		{`{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `"dtype" appears twice`},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, `"w" appears twice`},
		{`{"__metadata__":{"k":1}}`, 0, "in place of another kind"},
		{`{"w":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4, `unknown data type "F31", known are BF16, BOOL, F16, F32`},
		{`{"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, 4, "1.0 is not an integer"},
		{`{"w":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}`, 4, "found 1 in place"},
		{`{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4, "shape [-1] is negative"},
		{`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, 4, "too large"},
		{`{"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, 0, "too large"},
		{`{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}`, 4, "not an integer in range"},
		{`{"w":{"dtype":"F32","shape":[` + strings.Repeat("1,", 64) + `1],"data_offsets":[0,4]}}`, 4, "more than 64"},
		{`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4, "shape [2] of F32 is 8 bytes after byte 0, but the header says bytes 0 to 4"},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, "bytes 4 to 8"},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4, "bytes 4 to 0"},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4, "bytes -4 to 0"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `tensor "b"`},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 3, "describes 4 bytes of values, the file has 3"},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 5, "describes 4 bytes of values, the file has 5"},
	} {
		_, err := parse(rawFile(c.header, c.size))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.header, err, c.want)
		} else if !strings.HasPrefix(err.Error(), "m.safetensors is not a whole") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q should be one line that names the file", c.header, err)
		}
	}
}

// A length far beyond the file must be refused, not allocated.
func TestHeaderLengthIsBounded(t *testing.T) {
	for _, length := range []uint64{3, maxHeader, maxHeader + 1, 1 << 62, math.MaxUint64} {
		data := append(binary.LittleEndian.AppendUint64(nil, length), "{}"...)
		if _, err := parse(data); err == nil || !strings.Contains(err.Error(), fmt.Sprint(length)) {
			t.Errorf("length %d: error %v", length, err)
		}
	}
}

// Types of other programs can be listed, so that the rest of a file can be read.
func TestHeaderListsForeignTypes(t *testing.T) {
	s, err := parse(rawFile(`{"n":{"dtype":"U64","shape":[],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}}`, 10))
	if err != nil {
		t.Fatal(err)
	}
	if dtype, _, _ := s.Info("n"); dtype != "U64" {
		t.Errorf("n is %s", dtype)
	}
	if err := s.ReadInt64("b", make([]int64, 2)); err == nil {
		t.Error("BOOL was read as int64")
	}
}

func FuzzSafetensors(f *testing.F) {
	golden, err := os.ReadFile("testdata/generator.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(encodeTensors(f, small(), map[string]string{"format": "pt"}))
	f.Add(encodeTensors(f, nil, nil))
	f.Add(rawFile(`{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parse(data)
		if err != nil {
			return
		}
		total := int64(0)
		for _, name := range s.Names() {
			dtype, shape, _ := s.Info(name)
			n, ok := elements(shape)
			if !ok || n > int64(len(data)) {
				t.Fatalf("%q of shape %v in %d bytes", name, shape, len(data))
			}
			total += n * dtypes[dtype].size
			if dtypes[dtype].floats != nil {
				err = s.ReadFloat32(name, make([]float32, n))
			} else if dtypes[dtype].ints != nil {
				err = s.ReadInt64(name, make([]int64, n))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if total > int64(len(data)) {
			t.Fatalf("%d bytes of values in a file of %d", total, len(data))
		}
	})
}

func BenchmarkWriteSafetensors(b *testing.B) {
	w := []Tensor{{Name: "w", Shape: []int{1 << 22}, F32: make([]float32, 1<<22)}}
	b.SetBytes(4 << 22)
	for b.Loop() {
		if err := WriteSafetensors(io.Discard, w, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadFloat32(b *testing.B) {
	w := []Tensor{{Name: "w", Shape: []int{1 << 22}, F32: make([]float32, 1<<22)}}
	s, err := parse(encodeTensors(b, w, nil))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(4 << 22)
	for b.Loop() {
		if err := s.ReadFloat32("w", w[0].F32); err != nil {
			b.Fatal(err)
		}
	}
}
