package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"fsdfm/flow"
)

// ELBO bounds the likelihood that a flow gives to data: the mean over kappa of
// the generalized KL (Shaul et al., "Flow Matching with General
// Discrete Paths", 2024), estimated at Points values of kappa a row. Every
// scheduler gives the same integral over kappa, so the noise is drawn on the
// linear path and only the time told to the network depends on the scheduler.
type ELBO struct {
	Denoiser  flow.Denoiser
	Source    flow.Source
	Scheduler flow.Scheduler
	StepSize  float64 // h asked of the network; a step-aware one is tied to data at its smallest
	Points    int     // values of kappa a row, so evaluations of the network a batch
	Batch     int     // rows at a time
	Seed      uint64  // of the noise
}

// Bound is -ln of a likelihood, from above.
type Bound struct {
	Sum   float64 // of the generalized KL, nats
	Count int     // of its terms: rows*length*points
}

// PerToken is the bound in nats a token, NaN without one.
func (b Bound) PerToken() float64 { return b.Sum / float64(b.Count) }

// Perplexity is the bound as a perplexity a token.
func (b Bound) Perplexity() float64 { return math.Exp(b.PerToken()) }

// Score is the bound of tokens that say text, as if a judge had given it.
func (b Bound) Score(tokens int, text string) Score {
	return NewScore([]Likelihood{{b.PerToken() * float64(tokens), tokens, utf8.RuneCountInString(text), len(text)}})
}

// Run estimates the bound of the rows of x1 [B, L]. If ctx ends, it returns its
// error before the next batch.
func (e ELBO) Run(ctx context.Context, x1 flow.Tokens) (Bound, error) {
	if err := e.check(x1); err != nil {
		return Bound{}, fmt.Errorf("elbo: %w", err)
	}
	var b Bound
	grid := NewKappaGrid(e.Points, e.Batch)
	for first := 0; first < x1.Batch; first += e.Batch {
		if err := ctx.Err(); err != nil {
			return Bound{}, fmt.Errorf("elbo: stopped at row %d of %d: %w", first, x1.Batch, err)
		}
		rows := min(e.Batch, x1.Batch-first)
		batch := flow.Tokens{Batch: rows, Length: x1.Length, IDs: x1.IDs[first*x1.Length : (first+rows)*x1.Length]}
		sum, err := e.batch(batch, grid, flow.Streams(e.Seed, "elbo", int64(first), e.Batch))
		if err != nil {
			return Bound{}, fmt.Errorf("elbo: rows %d to %d: %w", first, first+rows-1, err)
		}
		b.Sum += sum
		b.Count += len(batch.IDs) * e.Points
	}
	return b, nil
}

// batch sums over the grid's points. rng has a stream for every row of the
// grid, also for those that a last, smaller batch lacks.
func (e ELBO) batch(x1 flow.Tokens, grid *KappaGrid, rng []flow.Rand) (float64, error) {
	shift := make([]float64, len(rng))
	for i, r := range rng {
		shift[i] = r.Float64()
	}
	grid.Shift(shift)
	rng = rng[:x1.Batch]
	x0, xt := flow.NewTokens(x1.Batch, x1.Length), flow.NewTokens(x1.Batch, x1.Length)
	sum := 0.0
	for p := range e.Points {
		k := grid.Point(p)[:x1.Batch]
		e.Source.Sample(x0, rng)
		flow.MixturePath{Scheduler: flow.Polynomial{N: 1}}.Sample(xt, x0, x1, k, rng)
		s, err := e.Point(x1, xt, k)
		if err != nil {
			return 0, err
		}
		sum += s
	}
	return sum, nil
}

// Point is the sum of the generalized KL over x1 and x_t, both [B, L], at one
// kappa a row, [B].
func (e ELBO) Point(x1, xt flow.Tokens, kappa []float64) (float64, error) {
	v := e.Denoiser.Vocab()
	t, h := make([]float64, xt.Batch), make([]float64, xt.Batch)
	for i, k := range kappa {
		t[i], h[i] = e.Scheduler.KappaInverse(k), e.StepSize
	}
	logits, err := e.Denoiser.Logits(xt, t, h)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, k := range kappa {
		sum += GeneralizedKL(logits[i*xt.Length*v:(i+1)*xt.Length*v], x1.Row(i), xt.Row(i), k)
	}
	if math.IsNaN(sum) {
		return 0, errors.New("the logits are not numbers: the weights have diverged, use an earlier checkpoint")
	}
	return sum, nil
}

// GeneralizedKL of a row on the linear path, where kappa is t, summed over
// its L positions, with d = 1 where x_t = x_1 and p the softmax of logits
// [L, V]:
//
//	-1/(1-kappa) * [p(x_t) - d + (1-d) * ln p(x_1)]
func GeneralizedKL(logits []float32, x1, xt []int32, kappa float64) float64 {
	v := len(logits) / max(1, len(x1))
	sum := 0.0
	for j := range x1 {
		at := logits[j*v : (j+1)*v]
		norm := logSumExp(at)
		logP := func(w int32) float64 { return float64(at[w]) - norm }
		sum += math.Exp(logP(xt[j]))
		if xt[j] == x1[j] {
			sum--
		} else {
			sum += logP(x1[j])
		}
	}
	return -sum / (1 - kappa)
}

func logSumExp(x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

func (e ELBO) check(x1 flow.Tokens) error {
	switch v := e.Source.Rows(); {
	case e.Points < 1 || e.Batch < 1:
		return fmt.Errorf("%d points in batches of %d rows: needs at least 1 of each", e.Points, e.Batch)
	case x1.Batch < 1 || x1.Length < 1 || len(x1.IDs) != x1.Batch*x1.Length:
		return fmt.Errorf("%d tokens for %d rows of %d: must be as many, at least one", len(x1.IDs), x1.Batch, x1.Length)
	case e.Denoiser.Vocab() != v:
		return fmt.Errorf("the network has %d tokens but the source %d: the source must be the one it was trained with", e.Denoiser.Vocab(), v)
	default:
		for i, id := range x1.IDs {
			if id < 0 || int(id) >= v || id == e.Source.Mask() {
				return fmt.Errorf("token %d in row %d, position %d: must be a data token of [0, %d)", id, i/x1.Length, i%x1.Length, v)
			}
		}
	}
	return nil
}

// KappaGrid spreads the values of kappa evenly over [0, 1) for every row of a
// batch. Each batch shifts the values of the one before, as the FS-DFM code
// does.
type KappaGrid struct {
	kappa [][]float64 // [points][B]
}

// NewKappaGrid starts at 0, 1/points, .. for each of batch rows.
func NewKappaGrid(points, batch int) *KappaGrid {
	g := &KappaGrid{make([][]float64, points)}
	for p := range g.kappa {
		g.kappa[p] = make([]float64, batch)
		for i := range batch {
			g.kappa[p][i] = float64(p) / float64(points)
		}
	}
	return g
}

// mostKappa keeps 1/(1-kappa) finite.
const mostKappa = 1 - 1e-3

// Shift moves the values of row i on by u[i], a uniform: modulo 1, and then
// below mostKappa.
func (g *KappaGrid) Shift(u []float64) {
	for _, row := range g.kappa {
		for i := range row {
			row[i] = math.Mod(row[i]+u[i], 1) * mostKappa
		}
	}
}

// Point is the kappa of each row at point p.
func (g *KappaGrid) Point(p int) []float64 { return g.kappa[p] }
