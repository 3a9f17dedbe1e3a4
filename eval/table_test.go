package eval_test

import (
	"os"
	"testing"

	"fsdfm/eval"
)

func paper() eval.Report {
	r := eval.Report{Judge: "a Kneser-Ney 5-gram of 2.1 M tokens", Rows: 128, Length: 1024, NoveltyN: 8, EntropyBand: [2]float64{6.8, 7.6}, ELBO: map[string]float64{"teacher": 61.2, "student": 64.8}}
	for i, s := range []int{1, 2, 4, 8, 1024} {
		r.Results = append(r.Results, eval.Result{Model: eval.Teacher, Solver: "euler", Budget: s,
			Perplexity: []float64{1312.65, 462.31, 194.29, 97.51, 85.61}[i], Entropy: []float64{8.1, 7.9, 7.6, 7.4, 7.31}[i], Distinct2: 0.412, Repeated4: 0.013, Novelty: 0.993, Seconds: float64(s) * 0.31})
		if s < 16 {
			r.Results = append(r.Results, eval.Result{Model: eval.Student, Solver: "euler_cumulative", Budget: s,
				Perplexity: []float64{514.40, 333.07, 176.19, 90.49}[i], Entropy: []float64{8, 7.7, 7.5, 7.27}[i], Distinct2: 0.402, Repeated4: 0.015, Novelty: 0.991, Seconds: float64(s) * 0.32})
		}
	}
	r.Data = eval.Result{Perplexity: 57.22, Entropy: 7.18, Distinct2: 0.455, Repeated4: 0.009, Novelty: 0.987}
	return r
}

func TestTable(t *testing.T) {
	eval.WriteTable(os.Stdout, paper())
	eval.WriteMarkdown(os.Stdout, paper())
}
