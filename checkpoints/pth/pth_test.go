package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fsdfm/checkpoints"
)

// values reads a whole tensor in two pieces.
func values(t *testing.T, tensor checkpoints.Tensor) []float32 {
	t.Helper()
	n := 1
	for _, d := range tensor.Shape {
		n *= d
	}
	dst := make([]float32, n)
	if err := tensor.Fill(dst[:n/2], 0); err != nil {
		t.Fatal(err)
	}
	if err := tensor.Fill(dst[n/2:], int64(n/2)); err != nil {
		t.Fatal(err)
	}
	return dst
}

// The two layouts of the reference, as pth.json of the golden numbers lists
// them.
func TestReferenceFiles(t *testing.T) {
	for _, c := range []struct {
		name    string
		dicts   []string
		step    int64
		tensors map[string]int
	}{
		{"pretrain_micro", []string{"model"}, 2, map[string]int{"model": 23}},
		{"distill_tiny", []string{"teacher_model", "student_model", "student_ema_model"}, 4,
			map[string]int{"teacher_model": 35, "student_model": 47, "student_ema_model": 47}},
	} {
		f, err := Open(filepath.Join("testdata", c.name+".pth"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.StateDicts(); !slices.Equal(got, c.dicts) {
			t.Errorf("%s holds %v, expected %v", c.name, got, c.dicts)
		}
		if step, ok := f.Int("step"); !ok || step != c.step {
			t.Errorf("%s: step %d, expected %d", c.name, step, c.step)
		}
		for key, n := range c.tensors {
			tensors, err := f.StateDict(key)
			if err != nil || len(tensors) != n {
				t.Fatalf("%s: %s has %d tensors, expected %d; %v", c.name, key, len(tensors), n, err)
			}
			for _, tensor := range tensors {
				if slices.Max(values(t, tensor)) == 0 {
					t.Errorf("%s: %s is zero", c.name, tensor.Name)
				}
			}
		}
		if _, err := f.StateDict("optimizer"); err == nil {
			t.Errorf("%s: the optimizer was read as a state dictionary", c.name)
		}
	}
}

// example is a state dictionary with random values of every kind that is
// written.
func example() *StateDict {
	rng := rand.New(rand.NewPCG(1, 2))
	s := new(StateDict)
	for i, shape := range [][]int{{3, 5}, {}, {7}, {0, 4}, {1, 1, 300}, {700, 500}} {
		t := checkpoints.Tensor{Name: fmt.Sprintf("layer.%d.weight", i), Shape: shape, DType: []string{"", "BF16"}[i%2]}
		n := 1
		for _, d := range shape {
			n *= d
		}
		for range n {
			t.F32 = append(t.F32, float32(rng.IntN(256)-128)) // exact in BF16
		}
		*s = append(*s, t)
	}
	return s
}

func write(t testing.TB, root Dict) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, root); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(b []byte) (*File, error) { return newFile("file.pth", bytes.NewReader(b), int64(len(b))) }

func TestRoundTrip(t *testing.T) {
	s := example()
	b := write(t, Dict{{"step", -300}, {"sampler", Dict{{"yielded", 1 << 40}}}, {"model", s}, {"ema", s}})
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if step, _ := f.Int("step"); step != -300 {
		t.Errorf("step %d", step)
	}
	if len(f.archive.names("data/")) != len(*s) {
		t.Errorf("one dictionary under two keys was written as %v", f.archive.names(""))
	}
	for _, key := range []string{"model", "ema"} {
		tensors, err := f.StateDict(key)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range *s {
			got := tensors[i]
			if got.Name != want.Name || !slices.Equal(got.Shape, want.Shape) || !slices.Equal(values(t, got), want.F32) {
				t.Errorf("%s came back as %s %v, other values, or another order", want.Name, got.Name, got.Shape)
			}
			if got.DType != want.DType && got.DType+want.DType != "F32" {
				t.Errorf("%s of %q came back as %q", want.Name, want.DType, got.DType)
			}
		}
	}
	for name := range f.archive.members {
		if _, offset, err := f.archive.find(strings.TrimPrefix(name, "archive/")); err != nil || offset%64 != 0 {
			t.Errorf("member %s lies at %d, %v", name, offset, err)
		}
	}
}

// A file that is a state dictionary itself, with the prefixes of wrappers.
func TestBareStateDictAndPrefixes(t *testing.T) {
	one := func(names ...string) *StateDict {
		s := new(StateDict)
		for _, n := range names {
			*s = append(*s, checkpoints.Tensor{Name: n, Shape: []int{1}, F32: []float32{1}})
		}
		return s
	}
	f, err := open(write(t, Dict{{"model", one("module._orig_mod.a.module.weight", "_orig_mod.module.b", "c")}}))
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := f.StateDict("model")
	var names []string
	for _, tensor := range tensors {
		names = append(names, tensor.Name)
	}
	if want := []string{"a.module.weight", "b", "c"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("names %v, expected %v; %v", names, want, err)
	}
	if f, err = open(write(t, Dict{{"model", one("a", "module.a")}})); err != nil {
		t.Fatal(err)
	}
	if _, err := f.StateDict("model"); err == nil || !strings.Contains(err.Error(), `tensor "a" twice`) {
		t.Errorf("two names that become one: %v", err)
	}
	p := &pickler{known: map[*StateDict]uint32{}}
	p.op(0x80, 2)
	if err := p.value(one("a", "b")); err != nil {
		t.Fatal(err)
	}
	p.op('.')
	f, err = open(zipped(map[string]string{"x/data.pkl": string(p.code), "x/data/0": "\x00\x00\x80\x3f", "x/data/1": "\x00\x00\x00\x40"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.StateDicts(); !slices.Equal(got, []string{""}) {
		t.Errorf("a bare state dictionary has the keys %q", got)
	}
	tensors, err = f.StateDict("")
	if err != nil || !slices.Equal(values(t, tensors[1]), []float32{2}) {
		t.Errorf("%v, %v", tensors, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for want, root := range map[string]Dict{
		"a value of type bool":          {{"x", true}},
		"PyTorch has no data type F8":   {{"x", &StateDict{{Name: "a", DType: "F8"}}}},
		"data type \"F64\" cannot be":   {{"x", &StateDict{{Name: "a", DType: "F64", Shape: []int{1}}}}},
		"needs 2 values of F32, found ": {{"x", &StateDict{{Name: "a", Shape: []int{2}}}}},
	} {
		if err := Write(new(bytes.Buffer), root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

// Reading out of order gives the values all the same; reading in order notices
// a changed byte.
func TestCheckSum(t *testing.T) {
	s := example()
	b := write(t, Dict{{"model", s}})
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	tensors, _ := f.StateDict("model")
	last := tensors[len(tensors)-1]
	_, offset, _ := f.archive.find(fmt.Sprint("data/", len(tensors)-1))
	b[offset+1000] ^= 1
	dst := make([]float32, 700*500)
	if err := last.Fill(dst[:100], 100); err != nil || !slices.Equal(dst[:100], (*s)[len(tensors)-1].F32[100:200]) {
		t.Errorf("a part from the middle: %v", err)
	}
	if err := last.Fill(dst, 0); err == nil || !strings.Contains(err.Error(), "the file is damaged") {
		t.Errorf("a changed byte went unnoticed: %v", err)
	}
	if err := last.Fill(dst, 1); err == nil {
		t.Error("values past the end were read")
	}
}

// zipped is a stored archive with 32-bit fields, written by hand.
func zipped(members map[string]string) []byte {
	var b, directory []byte
	le := binary.LittleEndian
	for _, name := range slices.Sorted(maps.Keys(members)) {
		content := members[name]
		entry := make([]byte, 46)
		copy(entry, "PK\x01\x02")
		le.PutUint32(entry[20:], uint32(len(content)))
		le.PutUint32(entry[24:], uint32(len(content)))
		le.PutUint16(entry[28:], uint16(len(name)))
		le.PutUint32(entry[42:], uint32(len(b)))
		directory = append(append(directory, entry...), name...)
		local := make([]byte, 30)
		copy(local, "PK\x03\x04")
		le.PutUint16(local[26:], uint16(len(name)))
		b = append(append(append(b, local...), name...), content...)
	}
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	le.PutUint16(end[10:], uint16(len(members)))
	le.PutUint32(end[12:], uint32(len(directory)))
	le.PutUint32(end[16:], uint32(len(b)))
	return append(append(b, directory...), end...)
}

// Every cut of a file is one clear error or, past the directory, none.
func TestEveryTruncationIsAnError(t *testing.T) {
	b, err := os.ReadFile("testdata/pretrain_micro.pth")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); n += 61 {
		if f, err := open(b[:n]); err == nil || f != nil || strings.ContainsAny(err.Error(), "\n") {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
}

func TestValuesOfEveryOperation(t *testing.T) {
	got, err := unpickle([]byte("\x80\x02(" + "N\x88\x89J\xff\xff\xff\xffK\xffM\x01\x02\x8a\x00\x8a\x01\xff\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80G\x3f\xf8\x00\x00\x00\x00\x00\x00" +
		"X\x02\x00\x00\x00hi)N\x85NN\x86NNN\x87(NNt" + "r\x07\x00\x00\x00j\x07\x00\x00\x00q\x08h\x08" + "t."))
	two := tuple{nil, nil}
	want := tuple{
		nil, true, false, int64(-1), int64(255), int64(513), int64(0), int64(-1), int64(-1 << 63), 1.5,
		"hi", tuple(nil), tuple{nil}, two, tuple{nil, nil, nil}, two, two, two,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; expected %v", got, err, want)
	}
	got, err = unpickle([]byte("\x80\x02}(K\x01]Naq\x01(NNeK\x02}K\x03Nsu."))
	if d, ok := got.(*dict); err != nil || !ok || len(d.pairs) != 2 || len(d.pairs[1].value.(*dict).pairs) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
