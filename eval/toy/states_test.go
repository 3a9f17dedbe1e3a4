package main

import (
	"context"
	"math"
	"testing"
)

var sources = []string{"uniform", "mask"}

// TestPosterior compares the recursion with the sum over all rows, for every
// state that the path can reach.
func TestPosterior(t *testing.T) {
	for _, source := range sources {
		x := Enumerable(source, 0.5)
		s := NewStates(x.source(), x.Length)
		d := x.Posterior()
		joint, want := s.Joint(x.Chain), make([]float64, s.rows.Batch)
		if sum := total(joint); math.Abs(sum-1) > 1e-12 {
			t.Fatalf("%s: the joint sums to %v", source, sum)
		}
		for _, time := range []float64{0, 0.25, 0.875} {
			logits, err := d.Logits(s.rows, constant(time, s.rows.Batch), nil)
			if err != nil {
				t.Fatal(err)
			}
			size := d.Vocab()
			for i := range s.rows.Batch {
				if s.posterior(want, joint, s.rows.Row(i), time) == 0 {
					continue
				}
				got, marginals := make([]float64, size), make([]float64, x.Length*size)
				for k, q := range want {
					for j, b := range s.rows.Row(k) {
						marginals[j*size+int(b)] += q
					}
				}
				for j := range x.Length {
					softmax(got, logits[(i*x.Length+j)*size:])
					// 1e-6: logits are float32, the leak 1e-9.
					if tv := TotalVariation(got, marginals[j*size:(j+1)*size]); tv > 1e-6 {
						t.Fatalf("%s at %v, state %v, position %d: %v, want %v", source, time, s.rows.Row(i), j, got, marginals[j*size:(j+1)*size])
					}
				}
			}
		}
	}
}

func total(p []float64) (sum float64) {
	for _, v := range p {
		sum += v
	}
	return sum
}

func constant(v float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// TestExactPosterior: with a perfect network a sampler's distribution comes
// nearer to the truth with every doubling of the steps, and one step is the
// product of the marginals.
func TestExactPosterior(t *testing.T) {
	for _, source := range sources {
		x := Enumerable(source, 0.5)
		s := NewStates(x.source(), x.Length)
		d := x.Posterior()
		joint, last := s.Joint(x.Chain), math.Inf(1)
		for _, steps := range []int{1, 2, 4, 8, 16, 32} {
			p, err := s.Run(d, x.scheduler(), steps)
			if err != nil {
				t.Fatal(err)
			}
			if sum := total(p); math.Abs(sum-1) > 1e-9 {
				t.Fatalf("%s, %d steps: probabilities sum to %v", source, steps, sum)
			}
			tv := TotalVariation(p, joint)
			t.Logf("%s, %d steps: total variation %.4f, correlation before the last draw %.4f nats", source, steps, tv, s.TotalCorrelation(x.Chain, 1-1/float64(steps)))
			if !(tv < 0.8*last) {
				t.Errorf("%s, %d steps: total variation %v after %v at half of them, want a fall by a fifth", source, steps, tv, last)
			}
			last = tv
			if steps > 1 {
				continue
			}
			// The ring's marginals are uniform, so 1/81 for every row.
			for i, q := range p {
				if joint[i] > 0 && math.Abs(q-1./81) > 1e-6 {
					t.Errorf("%s, one step: a row has probability %v, want 1/81", source, q)
				}
			}
		}
	}
}

// TestRunIsWhatSamplersDraw: the computed distribution against frequencies.
func TestRunIsWhatSamplersDraw(t *testing.T) {
	const n = 8000
	for _, source := range sources {
		x := Enumerable(source, 0.5)
		x.Seed = 3
		s := NewStates(x.source(), x.Length)
		d := x.Posterior()
		for _, steps := range []int{1, 2, 5} {
			want, err := s.Run(d, x.scheduler(), steps)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := x.Draw(context.Background(), d, steps, n)
			if err != nil {
				t.Fatal(err)
			}
			// The expected distance is at most sqrt(81/(2 pi n)) = 0.040.
			if tv := TotalVariation(s.Frequencies(rows), want); tv > 0.05 {
				t.Errorf("%s, %d steps: %d samples are %v from what was computed", source, steps, n, tv)
			}
		}
	}
}

// TestTotalCorrelation: nothing is left to correlate at t = 1; at t = 0 nothing
// is known, and each of the chain's transitions has ln 3 less its entropy.
func TestTotalCorrelation(t *testing.T) {
	h := -(0.75*math.Log(0.75) + 0.25*math.Log(0.25))
	for _, source := range sources {
		x := Enumerable(source, 0.5)
		s := NewStates(x.source(), x.Length)
		if got, want := s.TotalCorrelation(x.Chain, 0), 3*(math.Log(3)-h); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v nats at t = 0, want %v", source, got, want)
		}
		if got := s.TotalCorrelation(x.Chain, 1); math.Abs(got) > 1e-9 {
			t.Errorf("%s: %v nats at t = 1, want none", source, got)
		}
	}
}
