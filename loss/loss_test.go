package loss_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"fsdfm/internal/golden"
	"fsdfm/loss"
)

// batch gives every row the same loss.
func batch(rows int, l func(row int) loss.Loss) *loss.Batch {
	b := &loss.Batch{Scale: 1 / float64(rows)}
	b.Reset(rows)
	for i := range b.Rows {
		b.Rows[i] = append(b.Rows[i], loss.Term{Loss: l(i), Weight: 1})
	}
	return b
}

func same(l loss.Loss) func(int) loss.Loss { return func(int) loss.Loss { return l } }

func TestGolden(t *testing.T) {
	c := golden.Load(t, "losses")
	times := c.Float64("in/t")
	gkl := func(n float64) func(int) loss.Loss {
		return func(row int) loss.Loss {
			k := math.Pow(times[row], n)
			return loss.GeneralizedKL{Rate: n * math.Pow(times[row], n-1) / (1 - k)}
		}
	}
	for name, l := range map[string]func(int) loss.Loss{
		"ce": same(loss.CrossEntropy{}), "gkl_n1_mean": gkl(1), "gkl_n2_mean": gkl(2),
		"fkl_tau1": same(loss.ForwardKL{}), "fkl_nosoftmax": same(loss.ForwardKL{}), "fkl_tau2": same(loss.ForwardKL{Temperature: 2}),
		"fkl_topk5": same(loss.ForwardKL{TopK: 5}), "fkl_topk5_tau2": same(loss.ForwardKL{TopK: 5, Temperature: 2}),
		"fkl_topp07": same(loss.ForwardKL{TopP: 0.7}), "fkl_topp07_tau2": same(loss.ForwardKL{TopP: 0.7, Temperature: 2}),
		"fkl_conf": same(loss.ForwardKL{Confidence: true}), "fkl_conf_topk5": same(loss.ForwardKL{Confidence: true, TopK: 5}),
	} {
		t.Run(name, func(t *testing.T) {
			b := batch(4, l)
			b.X1, b.XT, b.Target = c.Tokens("in/x_1"), c.Tokens("in/x_t"), c.Float32("in/teacher_logits")
			logits := c.Float32("in/logits")
			dz := make([]float32, len(logits))
			if err := b.Evaluate(dz, logits); err != nil {
				t.Fatal(err)
			}
			// 1e-5 as golden/README.md suggests for fp32.
			golden.NearScalar(t, "value", b.Cost(), c.Float64("out/" + name + "/value")[0], 1e-5)
			golden.Near(t, "gradient", dz, c.Float32("out/"+name+"/grad"), 1e-5)
		})
	}
}

// TestGoldenMasked weighs positions: sum(kl*mask)/sum(mask).
func TestGoldenMasked(t *testing.T) {
	c := golden.Load(t, "losses")
	mask, kl := c.Tokens("in/token_mask"), c.Float32("out/fkl_tau1/none")
	sum, n := 0.0, 0.0
	b := &loss.Batch{Scale: 1, X1: c.Tokens("in/x_1"), Target: c.Float32("in/teacher_logits")}
	b.Reset(len(mask)) // one position a row
	for i, m := range mask {
		b.Rows[i] = append(b.Rows[i], loss.Term{Loss: loss.ForwardKL{}, Weight: float64(m)})
		sum += float64(m) * float64(kl[i])
		n += float64(m)
	}
	b.Scale = 1 / n
	logits := c.Float32("in/logits")
	dz := make([]float32, len(logits))
	if err := b.Evaluate(dz, logits); err != nil {
		t.Fatal(err)
	}
	golden.NearScalar(t, "value", b.Cost(), c.Float64("out/fkl_masked/value")[0], 1e-5)
	golden.NearScalar(t, "value from the rows", sum/n, c.Float64("out/fkl_masked/value")[0], 1e-5)
	golden.Near(t, "gradient", dz, c.Float32("out/fkl_masked/grad"), 1e-5)
}

// TestGradients compares every loss with central differences.
func TestGradients(t *testing.T) {
	const rows, length, vocab = 2, 3, 7
	rng := rand.New(rand.NewPCG(1, 2))
	logits, target := make([]float32, rows*length*vocab), make([]float32, rows*length*vocab)
	for i := range logits {
		logits[i], target[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	for name, l := range map[string]loss.Loss{
		"cross entropy": loss.CrossEntropy{}, "generalized KL": loss.GeneralizedKL{Rate: 1.7}, "forward KL": loss.ForwardKL{},
		"forward KL, tempered": loss.ForwardKL{Temperature: 2, TopK: 4}, "reverse KL": loss.ReverseKL{},
		"jump": loss.Jump{Hazard: 0.4}, "small jump": loss.Jump{Hazard: 1e-5}, "large jump": loss.Jump{Hazard: 18},
		"final draw": loss.FinalDraw{Mask: -1}, "final draw, masked": loss.FinalDraw{Mask: 6},
	} {
		t.Run(name, func(t *testing.T) {
			b := batch(rows, same(l))
			b.X1, b.XT, b.Next, b.Target = []int32{0, 1, 2, 3, 4, 5}, []int32{0, 6, 2, 6, 1, 6}, []int32{0, 3, 2, 4, 1, 2}, target
			dz := make([]float32, len(logits))
			value := func(dz []float32) float64 {
				if err := b.Evaluate(dz, logits); err != nil {
					t.Fatal(err)
				}
				return b.Cost()
			}
			value(dz)
			numeric := make([]float32, len(logits))
			for i, z := range logits {
				const eps = 1e-2 // float32 logits: a smaller step drowns in rounding
				logits[i] = z + eps
				up := value(nil)
				logits[i] = z - eps
				down := value(nil)
				logits[i] = z
				numeric[i] = float32((up - down) / (2 * eps))
			}
			// 1e-3: the difference's own error is eps^2/6 times the third derivative.
			golden.Near(t, "gradient", dz, numeric, 1e-3)
		})
	}
}

// TestJumpIsAKernel sums the kernel over all destinations.
func TestJumpIsAKernel(t *testing.T) {
	const vocab = 5
	logits := []float32{0.3, -1, 2, 0.1, -0.4}
	for _, hazard := range []float64{1e-9, 1e-3, 0.7, 18} {
		sum := 0.0
		for next := range int32(vocab) {
			b := batch(1, same(loss.Jump{Hazard: hazard}))
			b.X1, b.XT, b.Next = []int32{0}, []int32{2}, []int32{next}
			if err := b.Evaluate(nil, logits); err != nil {
				t.Fatal(err)
			}
			sum += math.Exp(-b.Values[0])
		}
		golden.NearScalar(t, "sum of the kernel", sum, 1, 1e-6) // float32 probabilities
	}
}

func TestTermsAdd(t *testing.T) {
	logits := []float32{1, 2, 3, 0, 0, 1}
	b := &loss.Batch{X1: []int32{0, 2}, XT: []int32{1, 2}, Scale: 0.5}
	b.Reset(2)
	b.Rows[0] = []loss.Term{{loss.CrossEntropy{}, 0.25}, {loss.GeneralizedKL{Rate: 2}, 3}}
	both, one := make([]float32, 6), make([]float32, 6)
	if err := b.Evaluate(both, logits); err != nil {
		t.Fatal(err)
	}
	value, sum := b.Values[0], make([]float32, 6)
	terms, total := b.Rows[0], 0.0
	for _, term := range terms {
		b.Rows[0] = []loss.Term{term}
		if err := b.Evaluate(one, logits); err != nil {
			t.Fatal(err)
		}
		total += b.Values[0]
		for i := range sum {
			sum[i] += one[i]
		}
	}
	golden.NearScalar(t, "value", value, total, 1e-12)
	golden.Near(t, "gradient", both, sum, 1e-6)
	if b.Values[1] != 0 {
		t.Errorf("a row without terms has the value %v, want 0", b.Values[1])
	}
}
