package eval_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden is one safetensors file of testdata: a little-endian length, that many
// bytes of JSON, the data. The numbers are the reference implementation's.
type golden struct {
	t       *testing.T
	tensors map[string]struct {
		DType   string
		Shape   []int
		Offsets [2]int `json:"data_offsets"`
	}
	data []byte
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	file, err := os.ReadFile("testdata/" + name + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	end := 8 + binary.LittleEndian.Uint64(file)
	g := golden{t: t, data: file[end:]}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file[8:end], &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	file, _ = json.Marshal(header)
	if err := json.Unmarshal(file, &g.tensors); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g golden) has(name string) bool {
	_, ok := g.tensors[name]
	return ok
}

func (g golden) bytes(name, dtype string) []byte {
	g.t.Helper()
	x, ok := g.tensors[name]
	if !ok || x.DType != dtype {
		g.t.Fatalf("no %s tensor %s", dtype, name)
	}
	return g.data[x.Offsets[0]:x.Offsets[1]]
}

func (g golden) floats(name string) []float32 {
	g.t.Helper()
	b := g.bytes(name, "F32")
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

func (g golden) doubles(name string) []float64 {
	g.t.Helper()
	narrow := g.floats(name)
	x := make([]float64, len(narrow))
	for i, v := range narrow {
		x[i] = float64(v)
	}
	return x
}

func (g golden) ids(name string) []int32 {
	g.t.Helper()
	b := g.bytes(name, "I64")
	x := make([]int32, len(b)/8)
	for i := range x {
		x[i] = int32(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return x
}

// near fails t unless |got - want| <= tol * max(1, |want|).
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
