package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"fsdfm/configs"
	"fsdfm/data"
	"fsdfm/data/tokenizer"
	"fsdfm/distill"
	"fsdfm/model"
	"fsdfm/ops"
)

// share of a matrix multiplication's speed that whole training steps reach.
const share = 0.6

// dryRun prints what a run would need, without making anything.
func dryRun(ctx context.Context, w io.Writer, c configs.Config) error {
	network, err := shape(ctx, c)
	if err != nil {
		return err
	}
	if c.Kind == "judge" {
		return dryRunJudge(w, c, network)
	}
	student := network.Student()
	speed := share * ops.MeasureFLOPS()
	length := c.Data.Length
	lasts := func(tokens, flops float64) string { return lasting(tokens * flops / speed) }
	forward := student.ForwardFLOPs(length)
	pretrain := float64(c.Pretrain.Steps * c.Pretrain.Batch * length)
	rollout := float64(c.Rollout.Trajectories * length)
	distilled := float64(c.Distill.Steps * c.Distill.Batch * length)
	sampled := float64(c.Evaluate.Rows * length)
	budgets := c.Evaluate.TeacherSteps
	for _, s := range c.Evaluate.Steps {
		budgets += 2 * s
	}
	budgets = budgets*c.Evaluate.Seeds + (c.Evaluate.TeacherSteps+2*slices.Max(append([]int{0}, c.Evaluate.Steps...)))*len(c.Evaluate.Temperatures)
	peak := max(network.TrainingBytes(c.Pretrain.Micro(), length, c.Pretrain.Recompute),
		student.TrainingBytes(c.Distill.Micro(), length, c.Distill.Recompute)+student.InferenceBytes(c.Distill.Micro(), length))
	save := 16 * float64(student.Parameters()) // weights, EMA, two moments
	disk := save*float64(c.Pretrain.Keep+c.Distill.Keep+1) + 4*float64(student.Parameters()) +
		4*float64(c.Rollout.Trajectories*(c.Rollout.Grid+1)*length)

	fmt.Fprintf(w, "network     %d parameters, student %d; vocabulary %d, rows of %d tokens\n", network.Parameters(), student.Parameters(), network.VocabSize, length)
	fmt.Fprintf(w, "peak memory %s (micro-batches of %d and %d rows)\n", readable(peak), c.Pretrain.Micro(), c.Distill.Micro())
	fmt.Fprintf(w, "disk        %s (saves of %s, trajectories, export), beside the token shards\n", readable(disk), readable(save))
	fmt.Fprintf(w, "pretrain    %d steps, %.0f tokens, about %s\n", c.Pretrain.Steps, pretrain, lasts(pretrain, 3*forward))
	fmt.Fprintf(w, "rollout     %d trajectories of %d steps, %.0f tokens, about %s\n", c.Rollout.Trajectories, c.Rollout.Steps, rollout, lasts(rollout*float64(c.Rollout.Steps*c.Rollout.Candidates), forward))
	fmt.Fprintf(w, "distill     %d steps, %.0f tokens, about %s\n", c.Distill.Steps, distilled, lasts(distilled, units(c)*forward))
	fmt.Fprintf(w, "evaluate    %d model evaluations of %d rows, about %s\n", budgets, c.Evaluate.Rows, lasts(sampled*float64(budgets), forward))
	fmt.Fprintf(w, "times are estimates: %.0f GFLOP/s, %.0f %% of a matrix multiplication measured just now\n", speed/1e9, 100*share)
	return nil
}

// dryRunJudge is dryRun of a judge, which is pretrained and exported.
func dryRunJudge(w io.Writer, c configs.Config, network model.Config) error {
	speed := share * ops.MeasureFLOPS()
	tokens := float64(c.Pretrain.Steps * c.Pretrain.Batch * c.Data.Length)
	save := 16 * float64(network.Parameters()) // weights, EMA, two moments
	fmt.Fprintf(w, "judge       %d parameters; vocabulary %d, rows of %d tokens\n", network.Parameters(), network.VocabSize, c.Data.Length)
	fmt.Fprintf(w, "peak memory %s (micro-batches of %d rows)\n", readable(network.TrainingBytes(c.Pretrain.Micro(), c.Data.Length, c.Pretrain.Recompute)), c.Pretrain.Micro())
	fmt.Fprintf(w, "disk        %s (saves of %s, export), beside the token shards\n", readable(save*float64(c.Pretrain.Keep)+save/4), readable(save))
	fmt.Fprintf(w, "pretrain    %d steps, %.0f tokens, about %s\n", c.Pretrain.Steps, tokens, lasting(tokens*3*network.ForwardFLOPs(c.Data.Length)/speed))
	fmt.Fprintf(w, "times are estimates: %.0f GFLOP/s, %.0f %% of a matrix multiplication measured just now\n", speed/1e9, 100*share)
	return nil
}

// units is the forward passes that a distilled row costs: three for the
// student's own step, the teacher's stages on the rows that ask it.
func units(c configs.Config) float64 {
	stages := float64(len(distill.RK4))
	if c.Distill.Teacher == "heun" {
		stages = float64(len(distill.Heun))
	}
	asked := 1 - c.Distill.TrajectoryShare
	if c.Distill.Budgets == "doubling" {
		asked *= 0.5 // about half of these rows take the smallest step, which learns from data
	}
	return 3 + stages*asked
}

// shape is the pretrained network of a run.
func shape(ctx context.Context, c configs.Config) (model.Config, error) {
	n := c.Model
	n.Length, n.Masked = c.Data.Length, c.Flow.Source == "mask"
	if n.VocabSize > 0 {
		return n, nil
	}
	if c.Data.Corpus == "dir" {
		set, err := data.OpenDataset(c.Data.Dir)
		if err != nil {
			return n, fmt.Errorf("%w (or set model.vocab_size to plan without the data)", err)
		}
		n.VocabSize = set.Vocab()
		return n, nil
	}
	if c.Data.Tokenizer == "bpe" {
		n.VocabSize = c.Data.VocabSize
		return n, nil
	}
	text, err := corpus(c.Data)
	if err != nil {
		return n, err
	}
	tok, err := tokenizer.New(c.Data.Tokenizer, 0, text.Texts(ctx))
	if err != nil {
		return n, err
	}
	n.VocabSize = tok.Vocab()
	return n, nil
}

// lasting prints a time; a Duration holds no more than 292 years.
func lasting(seconds float64) string {
	const day = 24 * 3600
	if seconds >= 2*day {
		return fmt.Sprintf("%.0f days", seconds/day)
	}
	return time.Duration(seconds * 1e9).Round(time.Second).String()
}

func readable(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; n >= 1000 && i+1 < len(units); i++ {
		n /= 1000
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
