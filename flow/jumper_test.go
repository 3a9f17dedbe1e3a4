package flow_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"fsdfm/flow"
)

func TestUncertaintyIsTheSumOfEntropies(t *testing.T) {
	ln := func(p float64) float32 { return float32(math.Log(p)) }
	// Two rows of two positions over three tokens, the second row certain.
	logits := []float32{
		ln(0.5) + 3, ln(0.25) + 3, ln(0.25) + 3, 0, 0, 0,
		9, float32(math.Inf(-1)), float32(math.NaN()), float32(math.Inf(-1)), 1, float32(math.Inf(-1)),
	}
	before := slices.Clone(logits)
	got := make([]float64, 2)
	check := func(commonness []float32, want ...float64) {
		t.Helper()
		new(flow.Stepper).Uncertainty(got, logits, make([]float32, len(logits)), commonness, 2)
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-6 { // of float32 weights
				t.Errorf("row %d: %v nats, want %v", i, got[i], want[i])
			}
		}
	}
	check(nil, 1.5*math.Ln2+math.Log(3), 0)
	// Unigrams 1/2, 1/4, 1/4: the first position has them, so KL is 0; the second
	// has ln 3 nats less than the cross entropy (1+2+2)/3 ln 2. The second row is
	// sure of the first token, 1 bit, and of the second, 2 bits.
	u := []float32{ln(0.5), ln(0.25), ln(0.25)}
	check(u, math.Log(3)-5./3*math.Ln2, -3*math.Ln2)
	for i := range before {
		if math.Float32bits(before[i]) != math.Float32bits(logits[i]) {
			t.Fatalf("logit %d became %v", i, logits[i])
		}
	}
}

// agreeing is certain of a position whose neighbour holds the same token, and
// knows nothing of others.
func agreeing(vocab int) fake {
	return fake{vocab, func(dst []float32, x flow.Tokens, _, _ []float64) error {
		for i, id := range x.IDs {
			if id == x.IDs[i^1] {
				dst[i*vocab+int(id)] = 12
			}
		}
		return nil
	}}
}

func TestMoreCandidatesAgreeMore(t *testing.T) {
	const rows, vocab = 200, 4
	agree := func(candidates int) (count int) {
		src := flow.Uniform{Vocab: vocab}
		s := flow.Sampler{Denoiser: agreeing(vocab), Solver: flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}, Source: src, Candidates: candidates}
		rng := flow.Streams(3, "agree", 0, rows)
		x := flow.NewTokens(rows, 2)
		src.Sample(x, rng)
		if err := s.Run(context.Background(), x, flow.TimeGrid(4), rng, nil, nil); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if x.IDs[2*i] == x.IDs[2*i+1] {
				count++
			}
		}
		return count
	}
	one, four := agree(1), agree(4)
	if four < one+rows/10 { // one: about half of the rows
		t.Errorf("%d of %d rows agree with 4 candidates, %d with one", four, rows, one)
	}
}

func TestRareTokensAgreeMoreWhereTheyCountMore(t *testing.T) {
	const rows, vocab = 300, 4
	// Agreeing on tokens 0 and 1 is worth nothing beside agreeing on 2 and 3.
	common := func(commonness []float32) (count int) {
		src := flow.Uniform{Vocab: vocab}
		s := flow.Sampler{
			Denoiser: agreeing(vocab), Solver: flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}, Source: src,
			Candidates: 6, Commonness: commonness,
		}
		rng := flow.Streams(5, "rare", 0, rows)
		x := flow.NewTokens(rows, 2)
		src.Sample(x, rng)
		if err := s.Run(context.Background(), x, flow.TimeGrid(4), rng, nil, nil); err != nil {
			t.Fatal(err)
		}
		for _, id := range x.IDs {
			if id < 2 {
				count++
			}
		}
		return count
	}
	alike, rare := common(nil), common([]float32{-0.1, -0.1, -3, -3})
	if alike < 2*rows*4/10 || alike > 2*rows*6/10 {
		t.Errorf("%d of %d tokens are 0 or 1 where all count alike: about half expected", alike, 2*rows)
	}
	if rare > alike*2/3 {
		t.Errorf("%d tokens are 0 or 1 where the others count more, %d where all count alike", rare, alike)
	}
}

func TestCandidatesDependOnTheirRowOnly(t *testing.T) {
	src := flow.Uniform{Vocab: 5}
	run := func(first int64, n int) flow.Tokens {
		s := flow.Sampler{Denoiser: agreeing(5), Solver: flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}, Source: src, Candidates: 3}
		rng := flow.Streams(8, "alone", first, n)
		x := flow.NewTokens(n, 4)
		src.Sample(x, rng)
		frozen := make([]bool, len(x.IDs))
		for i := range n {
			x.IDs[4*i], frozen[4*i] = 2, true
		}
		if err := s.Run(context.Background(), x, flow.TimeGrid(6), rng, frozen, nil); err != nil {
			t.Fatal(err)
		}
		return x
	}
	all, alone := run(0, 7), run(5, 1)
	if !slices.Equal(all.Row(5), alone.Row(0)) {
		t.Errorf("row 5 of a batch is %v, drawn alone %v", all.Row(5), alone.Row(0))
	}
	for i := range 7 {
		if all.IDs[4*i] != 2 {
			t.Errorf("row %d lost its given token: %v", i, all.Row(i))
		}
	}
}
