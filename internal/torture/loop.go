package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fsdfm/checkpoints"
	"fsdfm/data"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/optim"
	"fsdfm/train"
)

// tiny is as small as networks get.
var tiny = model.Config{VocabSize: 11, Length: 8, HiddenSize: 16, CondDim: 8, Blocks: 1, Heads: 2, Dropout: 0.1, StepConditioning: model.Additive}

const every = 3 // steps between saves

// newLoop is a training run in dir, at its newest save on the disk.
func newLoop(dir string, network model.Config, steps int, on checkpoints.FS, watch train.Observer) (*train.Loop, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	c := train.DefaultConfig()
	c.Steps, c.Batch, c.MicroBatch, c.CheckpointEvery, c.LogEvery, c.EvalEvery, c.EvalRows = steps, 4, 3, every, 2, 4, 3
	c.Optim = optim.Config{LR: 1e-2, Warmup: 3, MinLRRatio: 0.1, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.03, Clip: 1}
	w := model.NewWeights(network)
	w.Init(3)
	l := train.New(c, w)
	l.Kind, l.Dir, l.Seed, l.Length, l.RunConfig = "pretrain", filepath.Join(dir, "pretrain"), 5, network.Length, json.RawMessage(`{}`)
	l.Metrics, l.Observer, l.Disk = train.NewMetrics(filepath.Join(dir, "metrics.jsonl")), watch, on
	l.Objective = &train.Pretrain{
		Learner: l.Learner, EMA: model.NewDenoiser(w.On(l.EMA)), Path: flow.MixturePath{Scheduler: flow.Polynomial{N: 1}},
		Source: flow.Uniform{Vocab: network.VocabSize}, Seed: l.Seed,
	}
	ids := make([]int32, 40*network.Length)
	for i := range ids {
		ids[i] = int32(i*i+i/7) % int32(network.VocabSize)
	}
	rows, err := data.NewRows(ids, network.Length)
	if err != nil {
		return nil, err
	}
	l.Train, l.HeldOut = data.NewReader(rows, l.Seed), data.NewReader(rows, 0)
	if err := checkpoints.CleanTemporary(l.Dir); err != nil {
		return nil, err
	}
	return l, l.Resume()
}

// watcher counts the broken saves that a loop names and may stop it.
type watcher struct {
	stop   context.CancelFunc
	at     int // the step to stop at; 0: never
	broken int
}

func (w *watcher) Step(step, _ int, _, _ float64) {
	if w.at > 0 && step >= w.at {
		w.stop()
	}
}

func (w *watcher) Note(format string, _ ...any) {
	if format == "skipping a broken save: %v" {
		w.broken++
	}
}

// start runs a loop from its newest save to its end, or to a step.
func start(dir string, steps int, on checkpoints.FS, w *watcher) (*train.Loop, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w.stop = stop
	l, err := newLoop(dir, tiny, steps, on, w)
	if err != nil {
		return l, err
	}
	if err := l.Run(ctx); err != nil && !errors.Is(err, train.ErrInterrupted) {
		return l, err
	}
	return l, nil
}

// result is everything that a run leaves: the SHA-256 of its vectors and its
// metrics without their speed.
func result(dir string, l *train.Loop) (string, error) {
	sum := sha256.New()
	for _, v := range [][]float32{l.Learner.Weights.Data, l.EMA, l.Optimizer.Moment1, l.Optimizer.Moment2} {
		if err := binary.Write(sum, binary.LittleEndian, v); err != nil {
			return "", err
		}
	}
	lines, err := metrics(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		return "", err
	}
	sum.Write(lines)
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// metrics are the lines of a run without their speed, which no two runs share.
func metrics(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return speed.ReplaceAll(text, nil), nil
}
