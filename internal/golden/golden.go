// Package golden reads the numbers under testdata/golden: what the reference
// implementation computed on small networks.
package golden

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fsdfm/checkpoints"
)

// Case is one golden case: tensors and scalars by name.
type Case struct {
	t       testing.TB
	file    *checkpoints.Safetensors
	Scalars map[string]json.RawMessage
	Config  struct {
		HiddenSize int  `json:"hidden_size"`
		CondDim    int  `json:"cond_dim"`
		Length     int  `json:"length"`
		Blocks     int  `json:"n_blocks"`
		Heads      int  `json:"n_heads"`
		Vocab      int  `json:"vocab_size"`
		Masked     bool `json:"masked"`
	}
}

// Load reads a case from testdata/golden of the module.
func Load(t testing.TB, name string) *Case {
	t.Helper()
	dir := filepath.Join(moduleRoot(t), "testdata", "golden")
	file, err := checkpoints.OpenSafetensors(filepath.Join(dir, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	c := &Case{t: t, file: file}
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func moduleRoot(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Names lists the tensors that start with prefix, without it.
func (c *Case) Names(prefix string) []string {
	var names []string
	for _, n := range c.file.Names() {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			names = append(names, rest)
		}
	}
	return names
}

// Has reports whether the case holds a tensor.
func (c *Case) Has(name string) bool {
	_, _, ok := c.file.Info(name)
	return ok
}

// Shape is a tensor's shape.
func (c *Case) Shape(name string) []int {
	c.t.Helper()
	_, shape, ok := c.file.Info(name)
	if !ok {
		c.t.Fatalf("golden tensor %s is missing", name)
	}
	return shape
}

func (c *Case) size(name string) int {
	n := 1
	for _, d := range c.Shape(name) {
		n *= d
	}
	return n
}

// Float32 reads a tensor.
func (c *Case) Float32(name string) []float32 {
	c.t.Helper()
	dst := make([]float32, c.size(name))
	if err := c.file.ReadFloat32(name, dst); err != nil {
		c.t.Fatal(err)
	}
	return dst
}

// Float64 reads a float tensor, widened.
func (c *Case) Float64(name string) []float64 {
	c.t.Helper()
	v := c.Float32(name)
	dst := make([]float64, len(v))
	for i := range v {
		dst[i] = float64(v[i])
	}
	return dst
}

// Tokens reads an integer tensor.
func (c *Case) Tokens(name string) []int32 {
	c.t.Helper()
	wide := make([]int64, c.size(name))
	if err := c.file.ReadInt64(name, wide); err != nil {
		c.t.Fatal(err)
	}
	dst := make([]int32, len(wide))
	for i, v := range wide {
		dst[i] = int32(v)
	}
	return dst
}

// Scalar decodes a double-precision scalar, or a list of them, into v.
func (c *Case) Scalar(name string, v any) {
	c.t.Helper()
	if err := json.Unmarshal(c.Scalars[name], v); err != nil {
		c.t.Fatalf("golden scalar %s: %v", name, err)
	}
}

// Near fails unless every value is within tolerance times the largest absolute
// value of want.
func Near(t testing.TB, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	scale, worst, at := 0.0, -1.0, 0
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i]) - float64(want[i])); d > worst || d != d {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance*scale) {
		t.Errorf("%s: value %d is %g, want %g: off by %.2g of the largest value, tolerance %.2g", what, at, got[at], want[at], worst/scale, tolerance)
	}
}

// NearScalar fails unless got is within a relative tolerance of want.
func NearScalar(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %.9g, want %.9g: tolerance %.2g", what, got, want, tolerance)
	}
}
