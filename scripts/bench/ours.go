package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/optim"
	"fsdfm/train"
)

const (
	seed     = 1
	rate     = 1e-3  // as in reference.py, and as the defaults
	emaDecay = 0.999 // likewise
)

// ours is the fsdfm side: the commands' objects on one network.
type ours struct {
	problem
	weights *model.Weights
	inputs  inputs

	learner   *train.Learner // from here on nil until training starts
	optimizer *optim.AdamW
	ema       []float32
	objective train.Objective
	step      int

	denoiser *model.Denoiser // nil until used
	sampler  *flow.Sampler
}

// inputs are fixed rows for comparing losses.
type inputs struct {
	xt, x1 flow.Tokens
	t, h   []float64 // multiples of 1/1024: exact in single precision
}

var (
	linear = flow.Polynomial{N: 1}
	path   = flow.MixturePath{Scheduler: linear}
)

func (p problem) source() flow.Source { return flow.Uniform{Vocab: p.config.VocabSize} }

// newOurs draws weights without zero layers, so that a loss depends on all.
func newOurs(p problem) *ours {
	o := &ours{problem: p, weights: model.NewWeights(p.config)}
	o.weights.Init(seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, e := range o.weights.Entries {
		data := o.weights.Slice(o.weights.Data, e)
		if strings.Contains(e.Name, "adaLN_modulation") || strings.Contains(e.Name, "output_layer.linear") || strings.Contains(e.Name, "dt_embedding.mlp.2") {
			for i := range data {
				data[i] = float32(0.1 * (2*rng.Float64() - 1))
			}
		}
	}
	in := &o.inputs
	in.xt, in.x1 = flow.NewTokens(p.batch, p.config.Length), flow.NewTokens(p.batch, p.config.Length)
	streams := flow.Streams(seed, "bench", 0, p.batch)
	p.source().Sample(in.x1, streams)
	p.source().Sample(in.xt, streams)
	for range p.batch {
		in.t = append(in.t, float64(rng.IntN(1024))/1024)
		in.h = append(in.h, 1/float64(int(1)<<rng.IntN(11)))
	}
	return o
}

// write stores weights and inputs for the other side.
func (o *ours) write(dir string) (weights, fixed string, err error) {
	in, rows := o.inputs, []int{o.batch, o.config.Length}
	single := func(name string, v []float64) checkpoints.Tensor {
		t := checkpoints.Tensor{Name: name, Shape: []int{len(v)}}
		for _, x := range v {
			t.F32 = append(t.F32, float32(x))
		}
		return t
	}
	tokens := func(name string, x flow.Tokens) checkpoints.Tensor {
		t := checkpoints.Tensor{Name: name, DType: "I64", Shape: rows}
		for _, id := range x.IDs {
			t.I64 = append(t.I64, int64(id))
		}
		return t
	}
	weights, fixed = filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "inputs.safetensors")
	if err := writeTensors(weights, train.Tensors(o.weights, o.weights.Data)); err != nil {
		return "", "", err
	}
	return weights, fixed, writeTensors(fixed, []checkpoints.Tensor{
		tokens("xt", in.xt), tokens("x1", in.x1), single("t", in.t), single("h", in.h),
	})
}

func writeTensors(path string, tensors []checkpoints.Tensor) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkpoints.WriteSafetensors(f, tensors, nil); err != nil {
		return err
	}
	return f.Close()
}

// prepareTraining makes what a pretraining step needs.
func (o *ours) prepareTraining() {
	if o.learner != nil {
		return
	}
	o.learner = train.NewLearner(o.weights)
	o.optimizer = optim.NewAdamW(optim.DefaultConfig(), len(o.weights.Data))
	o.ema = append([]float32(nil), o.weights.Data...)
	o.objective = &train.Pretrain{
		Learner: o.learner, EMA: model.NewDenoiser(o.weights.On(o.ema)), Path: path, Source: o.source(), Seed: seed,
	}
}

// crossEntropy is the cost of the fixed inputs.
func (o *ours) crossEntropy() *loss.Batch {
	batch := &loss.Batch{X1: o.inputs.x1.IDs, Scale: 1 / float64(o.batch)}
	batch.Reset(o.batch)
	for i := range batch.Rows {
		batch.Rows[i] = append(batch.Rows[i], loss.Term{Loss: loss.CrossEntropy{}, Weight: 1})
	}
	return batch
}

// loss is that of the fixed inputs.
func (o *ours) loss() (float64, error) {
	o.prepareSampling()
	batch := o.crossEntropy()
	logits, err := o.denoiser.Logits(o.inputs.xt, o.inputs.t, o.inputs.h)
	if err != nil {
		return 0, err
	}
	err = batch.Evaluate(nil, logits)
	return batch.Cost(), err
}

// losses makes n updates on the fixed inputs.
func (o *ours) losses(n int) (losses, norms []float64, err error) {
	o.prepareTraining()
	for range n {
		batch := o.crossEntropy()
		if err := o.learner.Backward(o.inputs.xt, o.inputs.t, o.inputs.h, nil, batch, false); err != nil {
			return nil, nil, err
		}
		norm, err := o.update()
		if err != nil {
			return nil, nil, err
		}
		losses, norms = append(losses, batch.Cost()), append(norms, norm)
	}
	return losses, norms, nil
}

// update is clip, AdamW and EMA.
func (o *ours) update() (norm float64, err error) {
	o.step++
	return o.optimizer.Step(o.weights.Data, o.learner.Grad, o.ema, o.step, rate, emaDecay)
}

// train makes one step on rows first, first+1, ..: draw t and x_t, forward,
// backward, clip, AdamW, EMA.
func (o *ours) train(first int) error {
	o.prepareTraining()
	_, err := o.objective.Loss(train.Micro{X1: o.inputs.x1, First: int64(first), Total: o.batch})
	if err != nil {
		return err
	}
	_, err = o.update()
	return err
}

func (o *ours) forward() error {
	o.prepareSampling()
	_, err := o.denoiser.Logits(o.inputs.xt, o.inputs.t, o.inputs.h)
	return err
}

func (o *ours) prepareSampling() {
	if o.denoiser != nil {
		return
	}
	o.denoiser = model.NewDenoiser(o.weights)
	o.sampler = &flow.Sampler{Denoiser: o.denoiser, Solver: flow.EulerCumulative{Scheduler: linear}, Source: o.source(), Stepper: model.NewStepper()}
}

// sample goes from noise to tokens.
func (o *ours) sample(ctx context.Context, steps int) error {
	o.prepareSampling()
	x := flow.NewTokens(o.batch, o.config.Length)
	streams := flow.Streams(seed, "bench sample", 0, o.batch)
	o.source().Sample(x, streams)
	return o.sampler.Run(ctx, x, flow.TimeGrid(steps), streams, nil, nil)
}
