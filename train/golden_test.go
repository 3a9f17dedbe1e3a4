package train_test

import (
	"testing"

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

func tokens(ids []int32, length int) flow.Tokens {
	return flow.Tokens{Batch: len(ids) / length, Length: length, IDs: ids}
}

// rowsLoss gives every row one loss.
func rowsLoss(n int, l loss.Loss) *loss.Batch {
	b := &loss.Batch{Scale: 1 / float64(n)}
	b.Reset(n)
	for i := range b.Rows {
		b.Rows[i] = append(b.Rows[i], loss.Term{Loss: l, Weight: 1})
	}
	return b
}

func checkGradients(t *testing.T, c *golden.Case, l *train.Learner) {
	t.Helper()
	names := c.Names("grad/")
	if len(names) != len(l.Weights.Entries) {
		t.Errorf("%d golden gradients for %d parameters", len(names), len(l.Weights.Entries))
	}
	for _, e := range l.Weights.Entries {
		golden.Near(t, "gradient of "+e.Name, l.Weights.Slice(l.Grad, e), c.Float32("grad/"+e.Name), tolerance)
	}
}

func TestGoldenPretrained(t *testing.T) {
	c := golden.Load(t, "dfm_forward_uniform")
	w := golden.Weights(c.Network(false), "", c)
	if got := w.Config.Parameters(); got != len(w.Data) || got != 208253 {
		t.Errorf("%d parameters counted, %d laid out, want 208253", got, len(w.Data))
	}
	x := tokens(c.Tokens("in/x_t"), c.Config.Length)
	logits, err := model.NewDenoiser(w).Logits(x, c.Float64("in/t"), nil)
	if err != nil {
		t.Fatal(err)
	}
	golden.Near(t, "logits", logits, c.Float32("out/logits"), tolerance)

	learner, batch := train.NewLearner(w), rowsLoss(x.Batch, loss.CrossEntropy{})
	batch.X1 = c.Tokens("in/x_1")
	// Three runs over the same buffers must agree: gorgonia adds in place.
	for range 3 {
		if err := learner.Backward(x, c.Float64("in/t"), nil, nil, batch, false); err != nil {
			t.Fatal(err)
		}
		golden.NearScalar(t, "loss", batch.Cost(), c.Float64("out/loss")[0], 1e-5)
		checkGradients(t, c, learner)
	}
}

func TestGoldenStudent(t *testing.T) {
	c, base := golden.Load(t, "student_forward"), golden.Load(t, "dfm_forward_uniform")
	w := golden.Weights(c.Network(true), "", base, c)
	if got := w.Config.Parameters(); got != len(w.Data) || got != 230013 {
		t.Errorf("%d parameters counted, %d laid out, want 230013", got, len(w.Data))
	}
	x := tokens(c.Tokens("in/x_t"), c.Config.Length)
	denoiser, size := model.NewDenoiser(w), len(x.IDs)*w.Config.Rows()
	want := c.Float32("out/logits_dts")
	for k, h := range c.Float64("in/dts") {
		logits, err := denoiser.Logits(x, c.Float64("in/t"), []float64{h, h, h})
		if err != nil {
			t.Fatal(err)
		}
		golden.Near(t, "logits", logits, want[k*size:(k+1)*size], tolerance)
	}

	learner, batch := train.NewLearner(w), rowsLoss(x.Batch, loss.ForwardKL{})
	batch.X1, batch.Target = x.IDs, c.Float32("in/teacher_logits")
	if err := learner.Backward(x, c.Float64("in/t"), c.Float64("in/dt"), nil, batch, false); err != nil {
		t.Fatal(err)
	}
	golden.NearScalar(t, "loss", batch.Cost(), c.Float64("out/loss")[0], 1e-5)
	checkGradients(t, c, learner)
}

// TestGoldenTraining repeats the reference's five AdamW steps.
func TestGoldenTraining(t *testing.T) {
	c, base := golden.Load(t, "train_ce"), golden.Load(t, "dfm_forward_uniform")
	w := golden.Weights(c.Network(false), "", base)
	learner := train.NewLearner(w)
	adamw := optim.NewAdamW(optim.Config{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.03, Clip: 1}, len(w.Data))
	var losses, norms []float64
	c.Scalar("losses", &losses)
	c.Scalar("grad_norms", &norms)
	x1, xt, times := c.Tokens("in/x_1"), c.Tokens("in/x_t"), c.Float64("in/t")
	n, size := 4, 4*c.Config.Length
	for step := range 5 {
		batch := rowsLoss(n, loss.CrossEntropy{})
		batch.X1 = x1[step*size : (step+1)*size]
		x := tokens(xt[step*size:(step+1)*size], c.Config.Length)
		if err := learner.Backward(x, times[step*n:(step+1)*n], nil, nil, batch, false); err != nil {
			t.Fatal(err)
		}
		norm, err := adamw.Step(w.Data, learner.Grad, nil, step+1, 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		golden.NearScalar(t, "loss", batch.Cost(), losses[step], 1e-5)
		golden.NearScalar(t, "gradient norm", norm, norms[step], 1e-4) // differences grow through AdamW's sign-like first steps
	}
	golden.NearTraining(t, "final/", c, w, w.Data)
}
