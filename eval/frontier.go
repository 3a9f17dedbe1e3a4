package eval

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/plot/plotter"
)

// frontiers are the results of each model, solver and budget that was sampled
// at several temperatures, students first, each with the model's own from
// the results and the coldest first.
func (r Report) frontiers() [][]Result {
	same := func(a, b Result) bool { return a.Model == b.Model && a.Solver == b.Solver && a.Budget == b.Budget }
	var lines [][]Result
	for _, x := range r.Frontier {
		i := slices.IndexFunc(lines, func(line []Result) bool { return same(line[0], x) })
		if i < 0 {
			i, lines = len(lines), append(lines, nil)
			for _, whole := range r.Results {
				if same(whole, x) {
					lines[i] = append(lines[i], whole)
				}
			}
		}
		lines[i] = append(lines[i], x)
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b Result) int { return cmp.Compare(a.Temperature, b.Temperature) })
	}
	slices.SortStableFunc(lines, func(a, b []Result) int { return rank(a[0].Model) - rank(b[0].Model) })
	return lines
}

// frontier is perplexity against entropy, the end temperatures beside their
// points: of two samplers of one entropy the one with the lower perplexity is
// better.
func frontier(r Report) figure {
	f := figure{title: "Perplexity against entropy, by temperature", x: "entropy of single tokens (bits)", y: "perplexity", logY: true}
	used := map[string]int{}
	for _, line := range r.frontiers() {
		x := line[0]
		s := series{name: fmt.Sprintf("%s, %d %s", x.Model, x.Budget, steps(x.Budget)), color: modelColor(x.Model), dashes: dashed[used[x.Model]%len(dashed)], marks: true}
		used[x.Model]++
		for i, x := range line {
			s.points = append(s.points, plotter.XY{X: x.Entropy, Y: x.Perplexity})
			label := "" // between the ends they would hide each other
			if i == 0 || i == len(line)-1 {
				label = fmt.Sprint("T ", x.Temperature)
			}
			s.labels = append(s.labels, label)
		}
		f.series = append(f.series, s)
	}
	data := series{name: heldOut, color: dataColor, marks: true, points: plotter.XYs{{X: r.Data.Entropy, Y: r.Data.Perplexity}}}
	f.series = append(f.series, data)
	return f
}
