package eval

import (
	"fmt"
	"math"
	"slices"
)

// Result is what was measured of one set of rows: the samples of a model at one
// step budget, or held-out text.
type Result struct {
	Model  string `json:"model,omitempty"`  // Student or Teacher; held-out text has none
	Solver string `json:"solver,omitempty"` // as package flow names it
	Budget int    `json:"budget,omitempty"` // steps, each one evaluation of the network

	Perplexity     float64 `json:"perplexity"`        // under the judge, pooled
	MeanPerplexity float64 `json:"mean_perplexity"`   // mean of the rows' own
	Entropy        float64 `json:"entropy"`           // mean of the rows' own, bits
	Distinct2      float64 `json:"distinct_2"`        // share, all rows together
	Distinct4      float64 `json:"distinct_4"`        //
	Repeated4      float64 `json:"repeated_4"`        // share, within a row
	Novelty        float64 `json:"novelty,omitempty"` // share of Report.NoveltyN-grams not in the training text
	Seconds        float64 `json:"seconds,omitempty"` // to sample all rows
}

// Student and Teacher are the two models a Report compares: few steps of the
// distilled one against many of the one it was distilled from.
const (
	Student = "student"
	Teacher = "teacher"
)

// Report compares models at their step budgets.
type Report struct {
	Judge       string             `json:"judge"`               // what it is and was trained on, in a few words
	Rows        int                `json:"rows"`                // of every Result
	Length      int                `json:"length"`              // tokens a row
	NoveltyN    int                `json:"novelty_n,omitempty"` // 0: Novelty was not measured
	ELBO        map[string]float64 `json:"elbo,omitempty"`      // Bound.Perplexity on Data's rows, by model
	Results     []Result           `json:"results"`
	Data        Result             `json:"data"`                  // real held-out text, as many rows
	EntropyBand [2]float64         `json:"entropy_band,omitzero"` // of the rows of Data; zero: not measured
}

// Meter measures rows.
type Meter struct {
	Judge    Judge
	Train    [][]int32 // the generator's training text, for novelty
	NoveltyN int       // 0: do not measure novelty
}

// NewReport starts a report under an n-gram judge with the held-out rows' own
// figures, and returns the meter for the samples to be compared with them.
func NewReport(judge *NGram, held [][]int32, length int) (Report, Meter) {
	meter := Meter{Judge: judge}
	return Report{
		Judge: fmt.Sprintf("a %d-gram of text the generator never saw", judge.Order()),
		Rows:  len(held), Length: length, Data: meter.Measure(held), EntropyBand: EntropyBand(held),
	}, meter
}

// Measure returns every figure but those that say where the rows came from.
func (m Meter) Measure(rows [][]int32) Result {
	var r Result
	r.Perplexity, r.MeanPerplexity = Perplexity(m.Judge, rows)
	r.Entropy = MeanEntropy(rows)
	r.Distinct2, r.Distinct4 = DistinctN(rows, 2), DistinctN(rows, 4)
	r.Repeated4 = RepeatedNGrams(rows, 4)
	if m.NoveltyN > 0 {
		r.Novelty = Novelty(rows, m.Train, m.NoveltyN)
	}
	return r
}

// A student is on a par with the teacher within these distances. 1.057 is what
// the FS-DFM paper reaches at 8 steps.
const (
	mostPerplexity  = 1.06 // times the teacher's
	entropyDistance = 0.15 // bits, either way
	leastDistinct2  = 0.9  // times the teacher's
)

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

// Parity tells whether x is as good as Reference: in perplexity, and without
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
	band := r.EntropyBand
	outside := band != [2]float64{} && (x.Entropy < band[0] || x.Entropy > band[1])
	if outside || math.Abs(x.Entropy-best.Entropy) > entropyDistance {
		names = append(names, "entropy")
	}
	if x.Distinct2 < leastDistinct2*best.Distinct2 {
		names = append(names, "distinct-2")
	}
	return names
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
