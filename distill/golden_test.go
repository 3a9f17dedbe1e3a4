package distill_test

import (
	"fmt"
	"testing"

	"fsdfm/distill"
	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/optim"
	"fsdfm/train"
)

// tolerance is what golden/README.md suggests for logits and gradients, of the
// tensor's largest value.
const tolerance = 1e-5

// threshold separates the smallest step size from the distilled ones.
const threshold = 1. / 513

// replay is a stream of stored uniforms.
type replay struct{ uniforms []float64 }

func (r *replay) Float64() float64 {
	u := r.uniforms[0]
	r.uniforms = r.uniforms[1:]
	return u
}

// stored lines the draws of the mid states up as the stepper asks for them:
// stage by stage, position by position whether to jump, then where to (-1 if it
// did not).
func stored(c *golden.Case, format string, stages, batch int) []flow.Rand {
	streams := make([]flow.Rand, batch)
	for b := range streams {
		streams[b] = new(replay)
	}
	for s := 1; s < stages; s++ {
		jump, cat := c.Float64(fmt.Sprintf(format, "jump", s)), c.Float64(fmt.Sprintf(format, "cat", s))
		length := len(jump) / batch
		for i := range jump {
			r := streams[i/length].(*replay)
			r.uniforms = append(r.uniforms, jump[i], cat[i])
		}
	}
	return streams
}

func pick(all []float64, index []int) []float64 {
	var some []float64
	for _, i := range index {
		some = append(some, all[i])
	}
	return some
}

func TestGoldenTeachers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		solver string
		stages []distill.Stage
	}{
		{"rk4_cumulative", "euler_cumulative", distill.RK4},
		{"rk4_cumulative_mask", "euler_cumulative", distill.RK4},
		{"rk4_euler", "mixture_euler", distill.RK4},
		{"heun_cumulative", "euler_cumulative", distill.Heun},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := golden.Load(t, tc.name)
			bases := []*golden.Case{golden.Load(t, "tiny_models")}
			if c.Config.Masked {
				bases = append(bases, golden.Load(t, "tiny_models_mask"))
			}
			config := c.Network(true)
			student := golden.Weights(config, "init_student/", bases...)
			ema := golden.Weights(config, "init_ema/", bases...)
			x := flow.Tokens{Batch: 5, Length: c.Config.Length, IDs: c.Tokens("in/x_t")}
			times, steps := c.Float64("in/t"), c.Float64("in/dt")

			source, err := flow.NewSource(map[bool]string{false: "uniform", true: "mask"}[c.Config.Masked], c.Config.Vocab)
			if err != nil {
				t.Fatal(err)
			}
			solver, err := flow.NewSolver(tc.solver, flow.Polynomial{N: 1}, source)
			if err != nil {
				t.Fatal(err)
			}
			streams := stored(c, "mid/r_%s_%d", len(tc.stages), x.Batch)
			teacher := &distill.Shortcut{Jumper: flow.Jumper{Denoiser: model.NewDenoiser(ema), Stepper: new(flow.Stepper)}, Solver: solver, Stages: tc.stages}
			size := x.Length * config.Rows()
			target := make([]float32, x.Batch*size)
			if err := teacher.Target(target, x, times, steps, streams); err != nil {
				t.Fatal(err)
			}
			want := c.Float32("out/artificial_teacher_logits")
			learner, batch := train.NewLearner(student), &loss.Batch{Scale: 1. / 5, X1: c.Tokens("in/x_1"), XT: x.IDs, Target: target}
			batch.Reset(x.Batch)
			for b := range x.Batch {
				if steps[b] >= threshold {
					golden.Near(t, "target logits", target[b*size:(b+1)*size], want[b*size:(b+1)*size], tolerance)
					batch.Rows[b] = []loss.Term{{Loss: loss.ForwardKL{}, Weight: 1}}
				} else {
					batch.Rows[b] = []loss.Term{{Loss: loss.GeneralizedKL{Rate: 1 / (1 - times[b])}, Weight: 1}}
				}
			}
			if err := learner.Backward(x, times, steps, nil, batch, false); err != nil {
				t.Fatal(err)
			}
			golden.NearScalar(t, "loss", batch.Cost(), c.Float64("out/loss")[0], 1e-5)
			var got, rowLoss []float32
			for b := range x.Batch {
				all := c.Float32(map[bool]string{true: "out/loss_2", false: "out/loss_1"}[steps[b] >= threshold])
				sum := 0.0
				for _, v := range all[b*x.Length : (b+1)*x.Length] {
					sum += float64(v)
				}
				got, rowLoss = append(got, float32(batch.Values[b])), append(rowLoss, float32(sum/float64(x.Length)))
			}
			golden.Near(t, "row losses", got, rowLoss, tolerance)
			names := c.Names("grad/")
			if len(names) == 0 {
				t.Error("no golden gradients")
			}
			for _, e := range student.Entries {
				if c.Has("grad/" + e.Name) {
					golden.Near(t, "gradient of "+e.Name, student.Slice(learner.Grad, e), c.Float32("grad/"+e.Name), tolerance)
				}
			}
		})
	}
}

// TestGoldenDistillation repeats three steps of the reference's distillation:
// routed rows, AdamW, EMA.
func TestGoldenDistillation(t *testing.T) {
	c, base := golden.Load(t, "train_distill"), golden.Load(t, "tiny_models")
	config := c.Network(true)
	student, ema := golden.Weights(config, "init_student/", base), golden.Weights(config, "init_ema/", base)
	scheduler := flow.Polynomial{N: 1}
	teacher := &distill.Shortcut{Jumper: flow.Jumper{Denoiser: model.NewDenoiser(ema), Stepper: new(flow.Stepper)}, Solver: flow.EulerCumulative{Scheduler: scheduler}, Stages: distill.RK4}
	learner := train.NewLearner(student)
	oc := optim.Config{LR: 1e-3, Warmup: 2, MinLRRatio: 0.1, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.03, Clip: 1}
	adamw := optim.NewAdamW(oc, len(student.Data))
	var losses, norms, rates []float64
	c.Scalar("losses", &losses)
	c.Scalar("grad_norms", &norms)
	c.Scalar("lrs", &rates)
	for s := range 3 {
		step := fmt.Sprintf("step%d/", s)
		x := flow.Tokens{Batch: 6, Length: c.Config.Length, IDs: c.Tokens(step + "x_t")}
		times, sizes := c.Float64(step+"t"), c.Float64(step+"dt")
		width := x.Length * config.Rows()
		batch := &loss.Batch{Scale: 1. / 6, X1: c.Tokens(step + "x_1"), XT: x.IDs, Target: make([]float32, x.Batch*width)}
		batch.Reset(x.Batch)
		var routed []int
		states := flow.Tokens{Length: x.Length}
		for b, h := range sizes {
			if h < threshold {
				batch.Rows[b] = []loss.Term{{Loss: loss.GeneralizedKL{Rate: 1 / (1 - times[b])}, Weight: 1}}
				continue
			}
			batch.Rows[b] = []loss.Term{{Loss: loss.ForwardKL{}, Weight: 1}}
			routed = append(routed, b)
			states.Batch, states.IDs = states.Batch+1, append(states.IDs, x.Row(b)...)
		}
		// The reference's teacher evaluates every row; ours only the routed ones.
		streams := stored(c, step+"r_%s_%d", 4, x.Batch)
		var own []flow.Rand
		for _, b := range routed {
			own = append(own, streams[b])
		}
		target := make([]float32, len(routed)*width)
		if err := teacher.Target(target, states, pick(times, routed), pick(sizes, routed), own); err != nil {
			t.Fatal(err)
		}
		for k, b := range routed {
			copy(batch.Target[b*width:(b+1)*width], target[k*width:(k+1)*width])
		}
		if err := learner.Backward(x, times, sizes, nil, batch, false); err != nil {
			t.Fatal(err)
		}
		rate := oc.LearningRate(s+1, 10)
		norm, err := adamw.Step(student.Data, learner.Grad, ema.Data, s+1, rate, 0.9995)
		if err != nil {
			t.Fatal(err)
		}
		golden.NearScalar(t, "loss", batch.Cost(), losses[s], 1e-5)
		golden.NearScalar(t, "gradient norm", norm, norms[s], 1e-4) // differences grow through AdamW's sign-like first steps
		golden.NearScalar(t, "learning rate", rate, rates[s], 1e-12)
	}
	golden.NearTraining(t, "final/", c, student, student.Data)
	golden.NearTraining(t, "ema/", c, student, ema.Data)
}
