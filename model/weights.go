package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"fsdfm/ops"
)

// Entry is one named tensor inside the flat parameter vector.
type Entry struct {
	Name   string
	Shape  []int
	Offset int
}

// Size is the number of values.
func (e Entry) Size() int {
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	return n
}

// Weights are all parameters of a network in one flat vector, so that the
// optimizer, the EMA and the gradient norm are single passes. qw, kw and vw of
// a block are neighbours: together they are one [3D, D] matrix.
type Weights struct {
	Config  Config
	Entries []Entry   // in the reference's order and with its names
	Data    []float32 // nil for weights in bfloat16: see ReadBF16
	index   map[string]int
	half    *half
}

// NewWeights lays a network out; every value is zero.
func NewWeights(c Config) *Weights {
	w, size := layout(c)
	w.Data = make([]float32, size)
	return w
}

// Layout lists the tensors of a network without making room for their values.
func (c Config) Layout() []Entry {
	w, _ := layout(c)
	return w.Entries
}

// layout names and places the tensors; size is that of all.
func layout(c Config) (w *Weights, size int) {
	w = &Weights{Config: c, index: make(map[string]int)}
	add := func(name string, shape ...int) {
		e := Entry{Name: name, Shape: shape, Offset: size}
		w.index[name] = len(w.Entries)
		w.Entries = append(w.Entries, e)
		size += e.Size()
	}
	linear := func(name string, out, in int) {
		add(name+".weight", out, in)
		add(name+".bias", out)
	}
	d, cond := c.HiddenSize, c.CondDim
	add("vocab_embed.weight", c.Rows(), d)
	linear("time_embedding.mlp.0", cond, frequencies)
	linear("time_embedding.mlp.2", cond, cond)
	if c.StepAware {
		linear("dt_embedding.mlp.0", cond, frequencies)
		linear("dt_embedding.mlp.2", cond, cond)
	}
	if c.fused() {
		linear("time_condition_fuser", 2*cond, 2*cond)
	}
	for i := range c.Blocks {
		block := fmt.Sprintf("blocks.%d.", i)
		add(block+"norm1.weight", d)
		add(block+"qw.weight", d, d)
		add(block+"kw.weight", d, d)
		add(block+"vw.weight", d, d)
		add(block+"attn_out.weight", d, d)
		add(block+"norm2.weight", d)
		linear(block+"mlp.0", 4*d, d)
		linear(block+"mlp.2", d, 4*d)
		if c.fused() {
			linear(block+"condition_fuser", cond, 2*cond)
		}
		linear(block+"adaLN_modulation", 6*d, cond)
	}
	add("output_layer.norm_final.weight", d)
	linear("output_layer.linear", c.Rows(), d)
	if c.fused() {
		linear("output_layer.condition_fuser", cond, 2*cond)
	}
	linear("output_layer.adaLN_modulation", 2*d, cond)
	return w, size
}

// Parameters counts the values of a network without allocating them.
func (c Config) Parameters() int {
	d, cond := c.HiddenSize, c.CondDim
	linear := func(out, in int) int { return out*in + out }
	n := 2*c.Rows()*d + c.Rows() + d + linear(2*d, cond)
	embedding := linear(cond, frequencies) + linear(cond, cond)
	block := 2*d + 4*d*d + linear(4*d, d) + linear(d, 4*d) + linear(6*d, cond)
	n += embedding
	if c.StepAware {
		n += embedding
	}
	if c.fused() {
		n += linear(2*cond, 2*cond) + linear(cond, 2*cond)
		block += linear(cond, 2*cond)
	}
	return n + c.Blocks*block
}

// View is the storage of one tensor, shared with Data; nil if there is none of
// that name in float32.
func (w *Weights) View(name string) []float32 {
	i, ok := w.index[name]
	if !ok {
		return nil
	}
	if w.half != nil {
		return w.half.vectors[name]
	}
	return w.slice(w.Data, w.Entries[i])
}

func (w *Weights) slice(flat []float32, e Entry) []float32 {
	end := e.Offset + e.Size()
	return flat[e.Offset:end:end]
}

// Slice is the part of a flat vector of the same layout (gradients, moments,
// EMA) that belongs to e.
func (w *Weights) Slice(flat []float32, e Entry) []float32 { return w.slice(flat, e) }

// Clone copies the values.
func (w *Weights) Clone() *Weights {
	c := *w
	c.Data = append([]float32(nil), w.Data...)
	return &c
}

// On is the same network over another flat vector, without a copy.
func (w *Weights) On(data []float32) *Weights {
	c := *w
	c.Data = data
	return &c
}

// Init draws the reference's start: embeddings N(0,1), linear layers uniform
// within 1/sqrt(inputs), norms one, the modulations and the output layer zero.
// An additive step embedding ends in zeros, so that a student starts exactly at
// the pretrained function.
func (w *Weights) Init(seed uint64) {
	for _, e := range w.Entries {
		// One stream a tensor: what a student adds does not move the rest.
		w.initTensor(e, rand.New(rand.NewPCG(seed, hashName(e.Name))))
	}
}

func (w *Weights) initTensor(e Entry, rng *rand.Rand) {
	data := w.slice(w.Data, e)
	switch {
	case e.Name == "vocab_embed.weight":
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
	case strings.Contains(e.Name, "norm"):
		for i := range data {
			data[i] = 1
		}
	case strings.Contains(e.Name, "adaLN_modulation"), strings.HasPrefix(e.Name, "output_layer.linear"),
		!w.Config.fused() && strings.HasPrefix(e.Name, "dt_embedding.mlp.2"):
		clear(data)
	default:
		bound := 1 / math.Sqrt(float64(w.fanIn(e)))
		for i := range data {
			data[i] = float32((2*rng.Float64() - 1) * bound)
		}
	}
}

// fanIn is the number of inputs of the linear layer that e belongs to.
func (w *Weights) fanIn(e Entry) int {
	if len(e.Shape) == 2 {
		return e.Shape[1]
	}
	weight := w.Entries[w.index[strings.TrimSuffix(e.Name, "bias")+"weight"]]
	return weight.Shape[1]
}

func hashName(name string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// NewStudent is the step-aware network that starts from pretrained weights;
// what the student has on top is drawn from the seed.
func NewStudent(pretrained *Weights, seed uint64) *Weights {
	s := NewWeights(pretrained.Config.Student())
	s.Init(seed)
	for _, e := range pretrained.Entries {
		copy(s.View(e.Name), pretrained.slice(pretrained.Data, e))
	}
	return s
}

// RotaryBuffer is the name of a buffer that the reference keeps among its
// parameters; exports carry it, imports read the number of heads from it.
const RotaryBuffer = "rotary_emb.inv_freq"

// RotaryFrequencies is that buffer's content.
func (c Config) RotaryFrequencies() []float32 { return ops.InverseFrequencies(c.HeadDim()) }

// Hash is the SHA-256 of all values, in hexadecimal.
func (w *Weights) Hash() string {
	h := sha256.New()
	var buf [4096]byte
	for part := range slices.Chunk(w.Data, len(buf)/4) {
		for i, v := range part {
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		h.Write(buf[:4*len(part)])
	}
	return hex.EncodeToString(h.Sum(nil))
}
