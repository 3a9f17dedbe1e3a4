package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fsdfm/checkpoints"
	"fsdfm/checkpoints/pth"
	"fsdfm/data/tokenizer"
	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/sample"
)

const (
	micro = "../../checkpoints/pth/testdata/pretrain_micro.pth" // 5 tokens
	tiny  = "../../checkpoints/pth/testdata/distill_tiny.pth"   // 29 tokens
)

// export runs the command.
func export(args ...string) error {
	return run(context.Background(), flag.NewFlagSet("fsdfm-export", flag.ContinueOnError), args)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// characters writes a tokenizer.json of so many tokens, end of text included.
func characters(t *testing.T, vocab int) string {
	t.Helper()
	text := make([]rune, vocab-1)
	for i := range text {
		text[i] = rune('A' + i)
	}
	chars, err := tokenizer.NewChars(string(text))
	must(t, err)
	b, err := tokenizer.Marshal(chars)
	must(t, err)
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	must(t, os.WriteFile(path, b, 0o644))
	return path
}

// imported is the model that the command makes of a checkpoint.
func imported(t *testing.T, from string, vocab int, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	must(t, export(append([]string{"-from", from, "-to", dir, "-tokenizer", characters(t, vocab)}, args...)...))
	return dir
}

// Networks of the reference, imported from its own files, give its logits. 1e-5
// of the largest is what float32 keeps.
func TestLogitsOfTheReference(t *testing.T) {
	file, err := checkpoints.OpenSafetensors("testdata/pth.safetensors")
	must(t, err)
	defer file.Close()
	read := func(name string) []float32 {
		_, shape, _ := file.Info(name)
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		must(t, file.ReadFloat32(name, values))
		return values
	}
	for _, c := range []struct {
		from, weights, inputs, want string
		vocab, rows, heads          int
		stepAware                   bool
	}{
		{micro, "ema", "in/micro_x_t", "out/pretrain_logits", 5, 1, 2, false},
		{micro, "pretrained", "in/micro_x_t", "out/pretrain_logits", 5, 1, 2, false},
		{tiny, "pretrained", "in/x_t", "out/distill_teacher_logits", 29, 2, 4, false},
		{tiny, "student", "in/x_t", "out/distill_student_logits", 29, 2, 4, true},
		{tiny, "ema", "in/x_t", "out/distill_ema_logits", 29, 2, 4, true},
	} {
		m, err := sample.Load(imported(t, c.from, c.vocab, "-weights", c.weights, "-length", "16"))
		must(t, err)
		d := m.Description
		if d.Heads != c.heads || d.StepAware != c.stepAware || (d.StepConditioning == model.Fused) != c.stepAware || d.Masked || d.Length != 16 {
			t.Errorf("%s of %s became %+v", c.weights, c.from, d)
		}
		_, shape, _ := file.Info(c.inputs)
		x := flow.Tokens{Batch: shape[0], Length: shape[1]}
		ids := make([]int64, x.Batch*x.Length)
		must(t, file.ReadInt64(c.inputs, ids))
		for _, id := range ids {
			x.IDs = append(x.IDs, int32(id))
		}
		times, steps := []float64{0.5}, []float64{0} // micro's time; a pretrained network has no step size
		if c.rows == 2 {
			times, steps = double(read("in/t")), double(read("in/dt"))
		}
		got, err := model.NewDenoiser(m.Weights).Logits(x, times, steps)
		must(t, err)
		golden.Near(t, fmt.Sprintf("logits of %s of %s", c.weights, c.from), got, read(c.want), 1e-5)
	}
}

func double(v []float32) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	return out
}

// contents are the values of a checkpoint's state dictionary, by name, and its
// names in order.
func contents(t *testing.T, path, key string) (map[string][]float32, []string) {
	t.Helper()
	file, err := pth.Open(path)
	must(t, err)
	defer file.Close()
	tensors, err := file.StateDict(key)
	must(t, err)
	values, order := map[string][]float32{}, []string{}
	for _, tensor := range tensors {
		n := 1
		for _, d := range tensor.Shape {
			n *= d
		}
		values[tensor.Name] = make([]float32, n)
		must(t, tensor.Fill(values[tensor.Name], 0))
		order = append(order, tensor.Name)
	}
	return values, order
}

// A checkpoint that goes in and out again has every bit, in the reference's
// order.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		from, key, weights string
		vocab              int
		out                []string
	}{
		{micro, "model", "ema", 5, []string{"model"}},
		{tiny, "teacher_model", "pretrained", 29, []string{"model"}},
		{tiny, "student_ema_model", "ema", 29, []string{"student_model", "student_ema_model"}},
	} {
		dir, again := imported(t, c.from, c.vocab, "-weights", c.weights), filepath.Join(t.TempDir(), "again.pth")
		must(t, export("-from", dir, "-to", again, "-format", "pth"))
		want, order := contents(t, c.from, c.key)
		for _, key := range c.out {
			got, gotOrder := contents(t, again, key)
			if !maps.EqualFunc(got, want, slices.Equal) || !slices.Equal(gotOrder, order) {
				t.Errorf("%s of %s came back as another %s", c.key, c.from, key)
			}
		}
		back := imported(t, again, c.vocab)
		for _, name := range []string{"model.safetensors", "config.json", "tokenizer.json"} {
			a, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			if b, err := os.ReadFile(filepath.Join(back, name)); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s of %s: another %s, %v", c.key, c.from, name, err)
			}
		}
	}
}

// bf16 rounds matrices, keeps vectors, and does not round twice.
func TestBF16(t *testing.T) {
	dir := imported(t, tiny, 29)
	half, file, wide := dir+"-half", filepath.Join(t.TempDir(), "half.pth"), dir+"-wide"
	must(t, export("-from", dir, "-to", half, "-dtype", "bf16"))
	must(t, export("-from", half, "-to", file, "-dtype", "bf16", "-format", "pth"))
	must(t, export("-from", file, "-to", wide, "-tokenizer", characters(t, 29)))
	var models []*sample.Model
	for _, d := range []string{dir, half, wide} {
		m, err := sample.Load(d)
		must(t, err)
		models = append(models, m)
	}
	exact, rounded := models[0].Weights, models[1].Weights
	for _, e := range exact.Entries {
		a, b := exact.View(e.Name), rounded.View(e.Name)
		for i := range a {
			d := math.Abs(float64(a[i] - b[i]))
			if len(e.Shape) == 1 && d != 0 || d > math.Abs(float64(a[i]))/256 {
				t.Fatalf("%s[%d] is %v, of %v", e.Name, i, b[i], a[i])
			}
		}
	}
	if rounded.Hash() == exact.Hash() || models[2].Weights.Hash() != rounded.Hash() {
		t.Error("the matrices were not rounded once")
	}
	a, err := os.ReadFile(filepath.Join(dir, "README.md"))
	must(t, err)
	if b, err := os.ReadFile(filepath.Join(half, "README.md")); err != nil || !bytes.Equal(a, b) || !strings.Contains(string(a), "`distill_tiny.pth` (student_ema_model, step 4)") {
		t.Errorf("the card of the export is not that of the model: %s, %v", b, err)
	}
}

// One more embedding than the tokenizer has tokens is the mask.
func TestMaskFromTheTokenizer(t *testing.T) {
	m, err := sample.Load(imported(t, micro, 4))
	must(t, err)
	if d := m.Description; !d.Masked || d.Source != "mask" || d.VocabSize != 4 {
		t.Errorf("%+v", d)
	}
}

// rewrite makes a state dictionary of micro's tensors with changes.
func rewrite(t *testing.T, change func(map[string]checkpoints.Tensor)) string {
	t.Helper()
	file, err := pth.Open(micro)
	must(t, err)
	defer file.Close()
	tensors, err := file.StateDict("model")
	must(t, err)
	byName := map[string]checkpoints.Tensor{}
	for _, tensor := range tensors {
		byName[tensor.Name] = tensor
	}
	change(byName)
	var state pth.StateDict
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		tensor := byName[name]
		tensor.Name = name
		state = append(state, tensor)
	}
	path := filepath.Join(t.TempDir(), "changed.pth")
	must(t, checkpoints.StreamFileAtomic(path, func(w io.Writer) error { return pth.Write(w, pth.Dict{{Key: "model", Value: &state}}) }))
	return path
}

// What the wrappers of several devices and of the compiler add to names goes.
func TestPrefixes(t *testing.T) {
	path := rewrite(t, func(tensors map[string]checkpoints.Tensor) {
		for name, tensor := range maps.Clone(tensors) {
			delete(tensors, name)
			tensors["module._orig_mod."+name] = tensor
		}
	})
	a, err := sample.Load(imported(t, path, 5))
	must(t, err)
	b, err := sample.Load(imported(t, micro, 5))
	must(t, err)
	if a.Weights.Hash() != b.Weights.Hash() || a.Description != b.Description {
		t.Error("another network")
	}
}

func TestForeignSafetensors(t *testing.T) {
	dir := imported(t, micro, 5)
	must(t, os.Remove(filepath.Join(dir, "config.json")))
	for _, from := range []string{dir, filepath.Join(dir, "model.safetensors")} {
		a, err := sample.Load(imported(t, from, 5, "-corpus", "letters"))
		must(t, err)
		b, err := sample.Load(imported(t, micro, 5))
		must(t, err)
		if a.Weights.Hash() != b.Weights.Hash() || a.Description.Corpus != "letters" {
			t.Errorf("%s became %+v", from, a.Description)
		}
	}
	without := rewrite(t, func(tensors map[string]checkpoints.Tensor) { delete(tensors, model.RotaryBuffer) })
	m, err := sample.Load(imported(t, without, 5, "-heads", "4"))
	must(t, err)
	if m.Description.Heads != 4 {
		t.Errorf("%d heads", m.Description.Heads)
	}
}

func TestRefuses(t *testing.T) {
	vector := func(values ...float32) checkpoints.Tensor {
		return checkpoints.Tensor{Shape: []int{len(values)}, F32: values}
	}
	changed := func(name string, tensor checkpoints.Tensor) string {
		return rewrite(t, func(tensors map[string]checkpoints.Tensor) { tensors[name] = tensor })
	}
	without := func(name string) string {
		return rewrite(t, func(tensors map[string]checkpoints.Tensor) { delete(tensors, name) })
	}
	five := characters(t, 5)
	dir := imported(t, micro, 5)
	out := filepath.Join(t.TempDir(), "out.pth")
	must(t, os.WriteFile(out, []byte("text"), 0o644))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"5 embeddings but the tokenizer has 50257 tokens", []string{"-from", micro}},
		{"give its tokenizer.json", []string{"-from", micro, "-tokenizer", "char"}},
		{`unknown tokenizer "gpt3"`, []string{"-from", micro, "-tokenizer", "gpt3"}},
		{`no student weights: it holds "model"; choose by -weights`, []string{"-from", micro, "-weights", "student"}},
		{"leave -weights out", []string{"-from", dir, "-weights", "student"}},
		{"no tensor blocks.0.qw.weight (1 are missing)", []string{"-from", without("blocks.0.qw.weight"), "-tokenizer", five}},
		{"no matrix vocab_embed.weight", []string{"-from", without("vocab_embed.weight"), "-tokenizer", five}},
		{"number of heads: give it by -heads", []string{"-from", without(model.RotaryBuffer), "-tokenizer", five}},
		{`unexpected tensor "blocks.0.gate"`, []string{"-from", changed("blocks.0.gate", vector(1)), "-tokenizer", five}},
		{"would have 1000000 blocks", []string{"-from", changed("blocks.999999.gate", vector(1)), "-tokenizer", five}},
		{"has shape [3], expected [8]", []string{"-from", changed("blocks.0.norm1.weight", vector(1, 2, 3)), "-tokenizer", five}},
		{"only rotary embeddings of base 10,000", []string{"-from", changed(model.RotaryBuffer, vector(1, 0.5)), "-tokenizer", five}},
		{"hidden_size 8 is not a multiple of n_heads 3", []string{"-from", without(model.RotaryBuffer), "-tokenizer", five, "-heads", "3"}},
		{"n_heads is 0", []string{"-from", changed(model.RotaryBuffer, vector(1, 1, 1, 1, 1)), "-tokenizer", five}},
		{"not a zip archive", []string{"-from", five}},
		{"it exists already: choose another file or -overwrite", []string{"-from", dir, "-format", "pth"}},
		{"what stands there is no checkpoint", []string{"-from", dir, "-format", "pth", "-overwrite"}},
	} {
		err := export(append(c.args, "-to", out)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v, expected one line with %q", c.args, err, c.want)
		}
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "text" {
		t.Errorf("what stood at the target is %q, %v", text, err)
	}
}

// An additive student is no network of the reference.
func TestAdditiveStudentStaysInFolders(t *testing.T) {
	c := model.Config{VocabSize: 257, Length: 8, HiddenSize: 8, CondDim: 4, Blocks: 1, Heads: 2, StepAware: true, StepConditioning: model.Additive}
	d := sample.NewDescription(c)
	d.Source, d.Scheduler, d.Solver = "uniform", 1, "euler_cumulative"
	w := model.NewWeights(c)
	w.Init(1)
	m := sample.Model{Description: d, Weights: w, Tokenizer: tokenizer.NewBytes()}
	dir := filepath.Join(t.TempDir(), "model")
	must(t, m.Export(dir, "card", false))
	err := export("-from", dir, "-to", dir+".pth", "-format", "pth")
	if err == nil || !strings.Contains(err.Error(), "takes its step size additively") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir + ".pth"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was left: %v", err)
	}
	must(t, export("-from", dir, "-to", dir+"2", "-dtype", "bf16"))
	if _, err := sample.Load(dir + "2"); err != nil {
		t.Error(err)
	}
}
