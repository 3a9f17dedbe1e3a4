//go:build linux

package main

import (
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"fsdfm/checkpoints"
	"fsdfm/checkpoints/pth"
	"fsdfm/model"
)

var large = flag.Bool("large", false, "import a checkpoint of 1.3 B parameters (needs 11 GB of disk)")

// synthetic writes a pretraining checkpoint with random values that never are
// in memory together.
func synthetic(b *testing.B, c model.Config) string {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	state := pth.StateDict{{Name: model.RotaryBuffer, Shape: []int{c.HeadDim() / 2}, F32: c.RotaryFrequencies()}}
	for _, e := range c.Layout() {
		state = append(state, checkpoints.Tensor{Name: "_orig_mod." + e.Name, Shape: e.Shape, Fill: func(dst []float32, _ int64) error {
			for i := range dst {
				dst[i] = float32(int32(rng.Uint64())) * 0x1p-36 // within 1/32
			}
			return nil
		}})
	}
	path := filepath.Join(b.TempDir(), "checkpoint.pth")
	err := checkpoints.StreamFileAtomic(path, func(w io.Writer) error {
		return pth.Write(w, pth.Dict{{Key: "model", Value: &state}})
	})
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkImport imports a checkpoint of the reference's size and reports the
// process's peak of resident memory, which has no page cache in it:
//
//	go test ./cmd/fsdfm-export -run '^$' -bench Import -benchtime 1x -large
func BenchmarkImport(b *testing.B) {
	c := model.Config{VocabSize: 50257, HiddenSize: 32, CondDim: 16, Blocks: 2, Heads: 2, StepConditioning: model.Additive}
	if *large { // the reference's network of 1.3 B parameters
		c.HiddenSize, c.CondDim, c.Blocks, c.Heads = 2048, 256, 21, 32
	}
	path := synthetic(b, c)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if err := export("-from", path, "-to", filepath.Join(b.TempDir(), "model"), "-overwrite"); err != nil {
			b.Fatal(err)
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(usage.Maxrss)/1e3, "MB-resident") // Maxrss is in kB on Linux
}
