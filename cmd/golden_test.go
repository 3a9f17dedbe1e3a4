package cmd_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/sample"
)

// sixty distinct characters and end of text are the golden network's 61 tokens.
const sixty = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"

// export writes a golden network to a new folder as a model of the reference's
// flow.
func export(t *testing.T, w *model.Weights) string {
	t.Helper()
	tok, err := tokenizer.NewChars(sixty)
	if err != nil {
		t.Fatal(err)
	}
	d := sample.NewDescription(w.Config)
	d.Source, d.Scheduler, d.Solver, d.Corpus = "uniform", 1, "euler_cumulative", "golden"
	m := sample.Model{Description: d, Weights: w, Tokenizer: tok}
	dir := filepath.Join(t.TempDir(), "model")
	if err := m.Export(dir, sample.Card(d, "", ""), false); err != nil {
		t.Fatal(err)
	}
	return dir
}

// logits asks fsdfm-eval what an exported model says to the golden inputs.
func logits(t *testing.T, dir string, c *golden.Case, inputs map[string]string) []float32 {
	t.Helper()
	var list []checkpoints.Tensor
	ids := c.Tokens("in/x_t")
	wide := make([]int64, len(ids))
	for i, id := range ids {
		wide[i] = int64(id)
	}
	list = append(list, checkpoints.Tensor{Name: "x_t", DType: "I64", Shape: c.Shape("in/x_t"), I64: wide})
	for name, from := range inputs {
		list = append(list, checkpoints.Tensor{Name: name, Shape: c.Shape(from), F32: c.Float32(from)})
	}
	in, out := filepath.Join(t.TempDir(), "in.safetensors"), filepath.Join(t.TempDir(), "out.safetensors")
	if err := writeTensors(in, list); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("fsdfm-eval", "-model", dir, "-logits", in, "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("fsdfm-eval: %v\n%s", err, text)
	}
	file, err := checkpoints.OpenSafetensors(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := make([]float32, len(ids)*c.Config.Vocab)
	if err := file.ReadFloat32("logits", got); err != nil {
		t.Fatal(err)
	}
	return got
}

// What leaves a trained network by fsdfm-export comes back by fsdfm-eval as the
// reference's logits. 1e-5 of the largest is what golden/README.md suggests for
// float32.
func TestGoldenLogits(t *testing.T) {
	const tolerance = 1e-5
	pretrained, student := golden.Load(t, "dfm_forward_uniform"), golden.Load(t, "student_forward")
	dir := export(t, golden.Weights(pretrained.Network(false), "", pretrained))
	golden.Near(t, "logits of the pretrained network", logits(t, dir, pretrained, map[string]string{"t": "in/t"}), pretrained.Float32("out/logits"), tolerance)

	dir = export(t, golden.Weights(student.Network(true), "", pretrained, student))
	golden.Near(t, "logits of the student", logits(t, dir, student, map[string]string{"t": "in/t", "h": "in/dt"}), student.Float32("out/logits"), tolerance)
}
