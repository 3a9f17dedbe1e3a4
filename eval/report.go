package eval

import (
	"context"
	"math"
	"slices"
)

// Result is what was measured of the samples of a model at one step budget, or
// of held-out text.
type Result struct {
	Model       string  `json:"model,omitempty"`       // Student or Teacher; held-out text has none
	Solver      string  `json:"solver,omitempty"`      // as package flow names it
	Budget      int     `json:"budget,omitempty"`      // steps, each one evaluation of the network
	Temperature float64 `json:"temperature,omitempty"` // of the posterior
	Figures             // mean over the seeds
	Deviation   Figures `json:"deviation,omitzero"` // standard deviation over the seeds; zero with one
}

// Student and Teacher are the two models a Report compares: few steps of the
// distilled one against many of the one it was distilled from.
const (
	Student = "student"
	Teacher = "teacher"
)

// Report compares models at their step budgets. It is report.json, and all
// that report.html shows.
type Report struct {
	Title       string           `json:"title,omitempty"`
	Judge       string           `json:"judge"`                  // what it is and was trained on, in a few words
	Transformer string           `json:"transformer,omitempty"`  // the same of the second judge; empty: none
	Rows        int              `json:"rows"`                   // of every Result and seed
	Length      int              `json:"length"`                 // tokens a row
	Seeds       int              `json:"seeds,omitempty"`        // of every Result; Frontier has one
	NoveltyN    int              `json:"novelty_n,omitempty"`    // 0: Novelty was not measured
	DivergenceN int              `json:"divergence_n,omitempty"` // 0: Divergence was not measured
	ELBO        map[string]Score `json:"elbo,omitempty"`         // a model's own bound on Data's rows
	Results     []Result         `json:"results"`
	Frontier    []Result         `json:"frontier,omitempty"`    // the first seed at several temperatures
	Data        Result           `json:"data"`                  // real held-out text, as many rows
	EntropyBand [2]float64       `json:"entropy_band,omitzero"` // of the rows of Data; zero: not measured
	Curves      []Curve          `json:"curves,omitempty"`      // of the training
	Samples     []Samples        `json:"samples,omitempty"`
	Config      string           `json:"config,omitempty"`   // the run's settings, YAML
	Commands    []string         `json:"commands,omitempty"` // that make this report again
}

// Samples are a few texts of the first seed; held-out text has no model.
type Samples struct {
	Model  string   `json:"model,omitempty"`
	Budget int      `json:"budget,omitempty"`
	Texts  []string `json:"texts"`
}

// A student is on a par with the teacher within these distances. 1.057 is what
// the FS-DFM paper reaches at 8 steps.
const (
	mostPerplexity  = 1.06 // times the teacher's
	entropyDistance = 0.15 // bits, either way
	leastDistinct2  = 0.9  // times the teacher's or real text's, whichever is less
)

// NewReport starts a report with the figures of held-out rows, as many as a
// budget has samples.
func (m Meter) NewReport(ctx context.Context, held [][]int32) (Report, error) {
	r := Report{Rows: len(held), DivergenceN: m.Reference.n, EntropyBand: EntropyBand(held)}
	if len(held) > 0 {
		r.Length = len(held[0])
	}
	if m.Train != nil {
		r.NoveltyN = noveltyN
	}
	var err error
	r.Data.Figures, err = m.Measure(ctx, held)
	return r, err
}

// Reference is the teacher at its largest budget, its best solver if there are
// several. ok is false without a teacher.
func (r Report) Reference() (best Result, ok bool) {
	for _, x := range r.Results {
		if x.Model != Teacher {
			continue
		}
		if !ok || x.Budget > best.Budget || x.Budget == best.Budget && x.Perplexity < best.Perplexity {
			best, ok = x, true
		}
	}
	return best, ok
}

// Parity tells whether x is as good as Reference: in perplexity under every judge, and without
// what makes a low perplexity worthless: an entropy far from the teacher's or
// outside that of real text, or samples that resemble each other.
func (r Report) Parity(x Result) bool {
	best, ok := r.Reference()
	return ok && len(r.misses(x, best)) == 0
}

// misses names the figures that keep x from being as good as best.
func (r Report) misses(x, best Result) []string {
	var names []string
	if !(x.Perplexity <= mostPerplexity*best.Perplexity) {
		names = append(names, "perplexity")
	}
	if r.Transformer != "" && !(x.Transformer.Perplexity <= mostPerplexity*best.Transformer.Perplexity) {
		names = append(names, "perplexity under the transformer")
	}
	band := r.EntropyBand
	outside := band != [2]float64{} && (x.Entropy < band[0] || x.Entropy > band[1])
	if outside || math.Abs(x.Entropy-best.Entropy) > entropyDistance {
		names = append(names, "entropy")
	}
	if x.Distinct2 < leastDistinct2*r.diversity(best) {
		names = append(names, "distinct-2")
	}
	return names
}

// diversity is the distinct-2 that samples are held to. A weak teacher's words
// that are none make more different pairs than text has, so it is not the
// teacher's if real text has less.
func (r Report) diversity(best Result) float64 {
	if real := r.Data.Distinct2; real > 0 {
		return min(real, best.Distinct2)
	}
	return best.Distinct2
}

// nearest is the student's smallest budget on a par with the teacher; if there
// is none, the student's Result of the lowest perplexity.
func (r Report) nearest() (best Result, ok bool) {
	better := func(x Result) bool {
		switch on, was := r.Parity(x), r.Parity(best); {
		case on != was:
			return on
		case on:
			return x.Budget < best.Budget
		default:
			return x.Perplexity < best.Perplexity
		}
	}
	for _, x := range r.Results {
		if x.Model == Student && (!ok || better(x)) {
			best, ok = x, true
		}
	}
	return best, ok
}

// groups are the Results of each model and solver, students first, otherwise as
// they come, each by budget.
func (r Report) groups() [][]Result {
	var groups [][]Result
	for _, x := range r.Results {
		i := slices.IndexFunc(groups, func(g []Result) bool { return g[0].Model == x.Model && g[0].Solver == x.Solver })
		if i < 0 {
			i, groups = len(groups), append(groups, nil)
		}
		groups[i] = append(groups[i], x)
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b Result) int { return a.Budget - b.Budget })
	}
	slices.SortStableFunc(groups, func(a, b []Result) int { return rank(a[0].Model) - rank(b[0].Model) })
	return groups
}

func rank(model string) int {
	if model == Student {
		return 0
	}
	return 1
}
