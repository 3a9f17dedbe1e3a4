package flow_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fsdfm/flow"
)

// truncated is what Truncation does, by sorting.
func truncated(logits []float32, c flow.Truncation) []float32 {
	order := make([]int, len(logits))
	for v := range order {
		order[v] = v
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	keep, mass, total := len(order), 0.0, 0.0
	if c.TopK > 0 {
		keep = min(keep, c.TopK)
	}
	for keep < len(order) && logits[order[keep]] == logits[order[keep-1]] {
		keep++
	}
	for _, v := range order[:keep] {
		total += math.Exp(float64(logits[v]))
	}
	if c.TopP > 0 && c.TopP < 1 {
		for i, v := range order[:keep] {
			if mass >= c.TopP*total && logits[v] < logits[order[i-1]] {
				keep = i
				break
			}
			mass += math.Exp(float64(logits[v]))
		}
	}
	cut := slices.Clone(logits)
	for _, v := range order[keep:] {
		cut[v] = float32(math.Inf(-1))
	}
	return cut
}

var truncations = []flow.Truncation{
	{}, {TopK: 1}, {TopK: 3}, {TopK: 1000}, {TopP: 1}, {TopP: 0.1}, {TopP: 0.7}, {TopP: 0.999}, {TopK: 5, TopP: 0.5},
}

// A truncated step is the step on a posterior without the cut tokens, ties kept.
func TestTruncatedStepIsTheStepOnTheCutPosterior(t *testing.T) {
	const vocab, length = 337, 16
	rng := rand.New(rand.NewPCG(1, 2))
	src := flow.Mask{Vocab: vocab - 1}
	for _, name := range flow.SolverNames() {
		solver, err := flow.NewSolver(name, flow.Polynomial{N: 1}, src)
		if err != nil {
			t.Fatal(err)
		}
		for _, solver := range []flow.Solver{solver, flow.FinalDraw{Mask: -1}} {
			for _, c := range truncations {
				logits, cut := make([]float32, 0, length*vocab), make([]float32, 0, length*vocab)
				from := flow.NewTokens(1, length)
				for i := range from.IDs {
					from.IDs[i] = int32(vocab - 1 - rng.IntN(2)*rng.IntN(vocab))
					row := make([]float32, vocab)
					for v := range row {
						row[v] = float32(rng.IntN(200)) / 20 // some alike
					}
					logits, cut = append(logits, row...), append(cut, truncated(row, c)...)
				}
				got, want := from.Clone(), from.Clone()
				at, h := []float64{0.4}, []float64{0.5}
				s := flow.Stepper{Truncation: c}
				s.Step(solver, got, logits, at, h, flow.Streams(3, "truncated", 0, 1))
				step(solver, want, cut, at, h, flow.Streams(3, "truncated", 0, 1))
				if !slices.Equal(got.IDs, want.IDs) {
					t.Errorf("%T %+v: %v, want %v", solver, c, got.IDs, want.IDs)
				}
			}
		}
	}
}

// The mask is not among the tokens that the final draw ranks.
func TestTruncationOfTheFinalDrawLeavesNoMask(t *testing.T) {
	x := flow.Tokens{Batch: 1, Length: 50, IDs: slices.Repeat([]int32{2}, 50)}
	s := flow.Stepper{Truncation: flow.Truncation{TopK: 1}}
	s.Step(flow.FinalDraw{Mask: 2}, x, slices.Repeat([]float32{1, 0, 9}, 50), []float64{0}, []float64{1}, flow.Streams(1, "mask", 0, 1))
	if want := slices.Repeat([]int32{0}, 50); !slices.Equal(x.IDs, want) {
		t.Errorf("tokens %v, want the likeliest that is no mask", x.IDs)
	}
}

func TestTruncationOfWhatIsNoNumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range truncations {
		for _, test := range []struct {
			logits []float32
			want   int32
		}{{[]float32{nan, -inf, nan}, 1}, {[]float32{nan, 3, inf}, 2}, {[]float32{nan, -inf, 5}, 2}} {
			x := flow.Tokens{Batch: 1, Length: 1, IDs: []int32{1}}
			s := flow.Stepper{Truncation: c}
			s.Step(flow.FinalDraw{Mask: -1}, x, slices.Clone(test.logits), []float64{0}, []float64{1}, flow.Streams(1, "nan", 0, 1))
			if x.IDs[0] != test.want {
				t.Errorf("%+v of %v: token %d, want %d", c, test.logits, x.IDs[0], test.want)
			}
		}
	}
}

func BenchmarkTruncation(b *testing.B) {
	const vocab, length = 50257, 16
	x, source := flow.NewTokens(1, length), make([]float32, length*vocab)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range source {
		source[i] = 3 * float32(rng.NormFloat64())
	}
	logits := make([]float32, len(source))
	for _, c := range []flow.Truncation{{}, {TopK: 50}, {TopP: 0.9}} {
		b.Run(fmt.Sprintf("k=%d,p=%v", c.TopK, c.TopP), func(b *testing.B) {
			s, draws := flow.Stepper{Truncation: c}, flow.Streams(1, "step", 0, 1)
			for b.Loop() {
				copy(logits, source)
				s.Step(flow.FinalDraw{Mask: -1}, x, logits, []float64{0}, []float64{1}, draws)
			}
		})
	}
}
