package eval_test

import (
	"fmt"
	"testing"

	"fsdfm/eval"
	"fsdfm/flow"
	reference "fsdfm/internal/golden"
	"fsdfm/model"
)

// The bound of a real network: the reference's noised rows through our network
// and our sum must give its number.
func TestELBOGoldenNetwork(t *testing.T) {
	c, models := reference.Load(t, "eval_metrics"), reference.Load(t, "tiny_models")
	w := reference.Weights(models.Network(false), "init_teacher/", models)
	e := eval.ELBO{Denoiser: model.NewDenoiser(w), Source: flow.Uniform{Vocab: w.Config.VocabSize}, Scheduler: flow.Polynomial{N: 1}}
	var got eval.Bound
	for batch := range 2 {
		tokens := func(what string, from, n int) flow.Tokens {
			ids, size := c.Tokens(fmt.Sprintf("in/elbo_%s_%d", what, batch)), n*w.Config.Length
			return flow.Tokens{Batch: n, Length: w.Config.Length, IDs: ids[from*size : (from+1)*size]}
		}
		kappa := fmt.Sprintf("out/elbo_k_%d", batch)
		points, rows := c.Shape(kappa)[0], c.Shape(kappa)[1]
		for p := range points {
			sum, err := e.Point(tokens("x1", 0, rows), tokens("xt", p, rows), c.Float64(kappa)[p*rows:(p+1)*rows])
			if err != nil {
				t.Fatal(err)
			}
			got.Sum, got.Count = got.Sum+sum, got.Count+rows*w.Config.Length
		}
	}
	var sum, count, perplexity float64
	c.Scalar("elbo", &sum)
	c.Scalar("n_elements", &count)
	c.Scalar("elbo_ppl", &perplexity)
	if float64(got.Count) != count {
		t.Errorf("%d terms, want %v", got.Count, count)
	}
	// Logits agree to 1e-5 of their largest; a term is at most linear in them.
	reference.NearScalar(t, "sum of the generalized KL", got.Sum, sum, 1e-5)
	// The exponent is 7.5 times the relative error of the sum.
	reference.NearScalar(t, "perplexity", got.Perplexity(), perplexity, 1e-4)
}
