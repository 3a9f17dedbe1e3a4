package eval_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fsdfm/eval"
	"fsdfm/flow"
)

func TestKappaGridGolden(t *testing.T) {
	g := readGolden(t, "eval_metrics")
	grid := eval.NewKappaGrid(6, 3)
	for batch, rows := range []int{3, 2} {
		grid.Shift(g.doubles(fmt.Sprintf("in/elbo_shift_%d", batch)))
		for i, want := range g.doubles(fmt.Sprintf("out/elbo_k_%d", batch)) {
			near(t, "kappa", grid.Point(i / rows)[i%rows], want, 1e-6) // fp32 of the reference
		}
	}
}

func TestGeneralizedKLByHand(t *testing.T) {
	logits := []float32{
		0, float32(math.Log(3)), 5000, // p = 0, 0, 1 with room for overflow
		0, float32(math.Log(3)), float32(math.Inf(-1)), // p = 1/4, 3/4, 0
		0, float32(math.Log(3)), float32(math.Inf(-1)),
	}
	got := eval.GeneralizedKL(logits, []int32{2, 1, 1}, []int32{2, 1, 0}, 0.75)
	want := -4 * (0 + (3./4 - 1) + (1./4 + math.Log(3./4)))
	near(t, "sum", got, want, 1e-6) // ln 3 is a float32
}

// exact is the true posterior of rows of independent tokens with
// probabilities q.
type exact struct {
	q     []float64
	mask  bool
	kappa func(t float64) float64
}

func (e exact) Vocab() int {
	if e.mask {
		return len(e.q) + 1
	}
	return len(e.q)
}

func (e exact) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	v := e.Vocab()
	dst := make([]float32, len(x.IDs)*v)
	for i, w := range x.IDs {
		for a := range v {
			dst[i*v+a] = float32(math.Log(e.posterior(a, int(w), e.kappa(t[i/x.Length]))))
		}
	}
	return dst, nil
}

// posterior of data token a where the path has w. A mask tells nothing, beside
// masks any other token is the data.
func (e exact) posterior(a, w int, kappa float64) float64 {
	switch {
	case a == len(e.q) || e.mask && w < len(e.q) && w != a:
		return 0
	case e.mask && w == a:
		return 1
	case e.mask:
		return e.q[a]
	}
	return e.q[a] * e.path(w, a, kappa) / (kappa*e.q[w] + (1-kappa)/float64(len(e.q)))
}

// path is the probability of w at kappa where the data has a.
func (e exact) path(w, a int, kappa float64) float64 {
	p := (1 - kappa) / float64(len(e.q))
	if w == a {
		p += kappa
	}
	return p
}

// integral is the expected bound a token for the uniform source, by summing
// over all tokens at the midpoints of kappa.
func (e exact) integral(points int) float64 {
	sum := 0.0
	for i := range points {
		k := (float64(i) + 0.5) / float64(points)
		for a := range e.q {
			for w := range e.q {
				term := e.posterior(w, w, k)
				if w == a {
					term--
				} else {
					term += math.Log(e.posterior(a, w, k))
				}
				sum -= e.q[a] * e.path(w, a, k) * term / (1 - k) / float64(points)
			}
		}
	}
	return sum
}

var frequencies = []float64{0.5, 0.2, 0.15, 0.1, 0.05}

func entropyOf(q []float64) float64 {
	h := 0.0
	for _, p := range q {
		h -= p * math.Log(p)
	}
	return h
}

// drawn has the frequencies exactly: what a bound is off is noise of the path.
func drawn(rows, length int) flow.Tokens {
	x := flow.NewTokens(rows, length)
	n := len(x.IDs)
	for i := range x.IDs {
		at, w := float64(i*7919%n)/float64(n), 0
		for c := frequencies[0]; c <= at+1e-9 && w+1 < len(frequencies); c += frequencies[w] {
			w++
		}
		x.IDs[i] = int32(w)
	}
	return x
}

func identity(t float64) float64 { return t }

func bound(t *testing.T, e eval.ELBO, x1 flow.Tokens) eval.Bound {
	t.Helper()
	b, err := e.Run(context.Background(), x1)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(x1.IDs) * e.Points; b.Count != want {
		t.Errorf("%d terms, want %d", b.Count, want)
	}
	return b
}

// With a mask source the true posterior makes the bound tight: it is the
// entropy of the data.
func TestELBOMaskIsEntropy(t *testing.T) {
	e := eval.ELBO{
		Denoiser:  exact{frequencies, true, identity},
		Source:    flow.Mask{Vocab: 5},
		Scheduler: flow.Polynomial{N: 1},
		Points:    16, Batch: 30, Seed: 1,
	}
	b := bound(t, e, drawn(100, 100))
	// A term is -ln q/(1-kappa) with probability 1-kappa: over kappa up to
	// 0.999 its standard deviation is 4, that of the mean of 160,000 0.01.
	near(t, "nats a token", b.PerToken(), entropyOf(frequencies), 0.03)
	near(t, "perplexity", b.Perplexity(), math.Exp(b.Sum/float64(b.Count)), 0)
}

func TestELBOUniformIsIntegral(t *testing.T) {
	e := eval.ELBO{
		Denoiser:  exact{frequencies, false, identity},
		Source:    flow.Uniform{Vocab: 5},
		Scheduler: flow.Polynomial{N: 1},
		Points:    16, Batch: 30, Seed: 2,
	}
	want := exact{q: frequencies}.integral(10000)
	if want < entropyOf(frequencies) {
		t.Fatalf("the integral %v is no bound of the entropy %v", want, entropyOf(frequencies))
	}
	b := bound(t, e, drawn(100, 100))
	near(t, "nats a token", b.PerToken(), want, 0.03) // noise as with masks
	if again := bound(t, e, drawn(100, 100)); again != b {
		t.Errorf("%v, then %v from the same seed", b, again)
	}
	// Another scheduler changes only the times, which the posterior undoes.
	e.Scheduler = flow.Polynomial{N: 2}
	e.Denoiser = exact{frequencies, false, func(t float64) float64 { return t * t }}
	// 1e-5: the logits are float32
	near(t, "nats a token, kappa = t^2", bound(t, e, drawn(100, 100)).PerToken(), b.PerToken(), 1e-5)
}

// asked notes the times and step sizes of each call; its logits are x.
type asked struct {
	t, h  [][]float64
	logit float64
	err   error
}

func (*asked) Vocab() int { return 3 }

func (a *asked) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	a.t, a.h = append(a.t, append([]float64(nil), t...)), append(a.h, append([]float64(nil), h...))
	return slices.Repeat([]float32{float32(a.logit)}, 3*len(x.IDs)), a.err
}

func TestELBOAsksNetwork(t *testing.T) {
	a := &asked{}
	e := eval.ELBO{Denoiser: a, Source: flow.Uniform{Vocab: 3}, Scheduler: flow.Polynomial{N: 2}, StepSize: 0.25}
	x := flow.Tokens{Batch: 2, Length: 1, IDs: []int32{0, 1}}
	sum, err := e.Point(x, flow.Tokens{Batch: 2, Length: 1, IDs: []int32{0, 2}}, []float64{0.25, 0.81})
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]float64{{0.5, 0.9}}; !reflect.DeepEqual(a.t, want) {
		t.Errorf("times %v, want %v", a.t, want)
	}
	if want := [][]float64{{0.25, 0.25}}; !reflect.DeepEqual(a.h, want) {
		t.Errorf("step sizes %v, want %v", a.h, want)
	}
	near(t, "sum", sum, (1-1./3)/0.75+(math.Log(3)-1./3)/0.19, 1e-12) // rounding
}

func TestELBOErrors(t *testing.T) {
	good := eval.ELBO{Denoiser: &asked{}, Source: flow.Uniform{Vocab: 3}, Scheduler: flow.Polynomial{N: 1}, Points: 2, Batch: 2}
	rows := flow.NewTokens(3, 4)
	outside := flow.Tokens{Batch: 1, Length: 2, IDs: []int32{2, 3}}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		x1     flow.Tokens
		change func(*eval.ELBO)
		want   string
	}{
		{"no points", nil, rows, func(e *eval.ELBO) { e.Points = 0 }, "needs at least 1"},
		{"no batch", nil, rows, func(e *eval.ELBO) { e.Batch = 0 }, "needs at least 1"},
		{"no rows", nil, flow.Tokens{}, func(e *eval.ELBO) {}, "at least one"},
		{"source", nil, rows, func(e *eval.ELBO) { e.Source = flow.Mask{Vocab: 3} }, "the network has 3 tokens but the source 4"},
		{"token", nil, outside, func(e *eval.ELBO) {}, "token 3 in row 0, position 1"},
		{"mask in the data", nil, rows, func(e *eval.ELBO) { e.Source = flow.Mask{Vocab: 2}; rows.IDs[5] = 2 }, "token 2 in row 1, position 1"},
		{"NaN", nil, flow.NewTokens(3, 4), func(e *eval.ELBO) { e.Denoiser = &asked{logit: math.NaN()} }, "the logits are not numbers"},
		{"network", nil, flow.NewTokens(3, 4), func(e *eval.ELBO) { e.Denoiser = &asked{err: errors.New("broken")} }, "elbo: rows 0 to 1: broken"},
		{"context", stopped, flow.NewTokens(3, 4), func(e *eval.ELBO) {}, "stopped at row 0 of 3"},
	} {
		e := good
		test.change(&e)
		if test.ctx == nil {
			test.ctx = context.Background()
		}
		if _, err := e.Run(test.ctx, test.x1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}
