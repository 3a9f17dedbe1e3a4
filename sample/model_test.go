package sample_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fsdfm/data/tokenizer"
	"fsdfm/model"
	"fsdfm/ops"
	"fsdfm/sample"
)

// exported writes a small model to a folder of its own.
func exported(t *testing.T) (string, *sample.Model) {
	t.Helper()
	tok, err := tokenizer.NewChars("a cab back")
	if err != nil {
		t.Fatal(err)
	}
	c := model.Config{VocabSize: tok.Vocab(), Length: 12, HiddenSize: 16, CondDim: 8, Blocks: 1, Heads: 2, StepAware: true, StepConditioning: model.Additive}
	m := &sample.Model{Description: sample.NewDescription(c), Weights: randomWeights(c), Tokenizer: tok}
	m.Description.Source, m.Description.Scheduler, m.Description.Solver = "uniform", 1, "euler_cumulative"
	dir := filepath.Join(t.TempDir(), "model")
	if err := m.Export(dir, "# card\n", false); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func TestExportedModelLoads(t *testing.T) {
	dir, m := exported(t)
	loaded, err := sample.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Weights.Hash() != m.Weights.Hash() || loaded.Description != m.Description {
		t.Error("what was loaded is not what was exported")
	}
}

// draw makes five samples.
func draw(t *testing.T, m *sample.Model, batch int) [][]int32 {
	t.Helper()
	g, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	g.Batch = batch
	drawn, err := g.Draw(context.Background(), 4, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}

func TestSamplesAreTheSameInAnyBatchOnAnyThreads(t *testing.T) {
	defer ops.SetThreads(0)
	_, m := exported(t)
	ops.SetThreads(1)
	want := draw(t, m, 5)
	for _, threads := range []int{1, 2, 3, 8} {
		ops.SetThreads(threads)
		for _, batch := range []int{1, 2, 5} {
			if got := draw(t, m, batch); !reflect.DeepEqual(got, want) {
				t.Errorf("%d threads, batches of %d: %v, want %v", threads, batch, got, want)
			}
		}
	}
}

// TestSamplesOfBF16: weights that are nearly the same draw nearly the same.
func TestSamplesOfBF16(t *testing.T) {
	dir, m := exported(t)
	half, err := sample.LoadBF16(dir)
	if err != nil {
		t.Fatal(err)
	}
	rounded, differ := draw(t, half, 5), 0
	for i, row := range draw(t, m, 5) {
		for j, id := range row {
			if id != rounded[i][j] {
				differ++
			}
		}
	}
	if differ > 6 { // probabilities change by about 1 %, and a token changes the rest of its row
		t.Errorf("%d of 60 tokens differ from those of the full weights", differ)
	}
	if err := half.Export(filepath.Join(t.TempDir(), "again"), "", false); err == nil || !strings.Contains(err.Error(), "rounded") {
		t.Errorf("exporting rounded weights: %v", err)
	}
}

func TestLoadBF16ComparesShapes(t *testing.T) {
	dir, m := exported(t)
	weights := filepath.Join(dir, "model.safetensors")
	content, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	v := m.Description.VocabSize
	turned := bytes.Replace(content, fmt.Appendf(nil, `"shape":[%d,16]`, v), fmt.Appendf(nil, `"shape":[16,%d]`, v), 1)
	if err := os.WriteFile(weights, turned, 0o644); err != nil {
		t.Fatal(err)
	}
	_, full := sample.Load(dir)
	_, half := sample.LoadBF16(dir)
	for _, err := range []error{full, half} {
		if want := fmt.Sprintf(`tensor "vocab_embed.weight" has shape [16 %d], expected [%d 16]`, v, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
