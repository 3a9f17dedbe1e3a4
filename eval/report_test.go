package eval_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"fsdfm/eval"
)

// paper has the perplexities of arXiv 2509.20624; the other figures are made up.
func paper() eval.Report {
	r := eval.Report{
		Judge: "a Kneser-Ney 5-gram model of 2.1 M tokens", Rows: 128, Length: 1024, NoveltyN: 8,
		ELBO: map[string]eval.Score{"teacher": {Perplexity: 61.2, BitsPerByte: 1.41}, "student": {Perplexity: 64.84, BitsPerByte: 1.43}},
		Data: eval.Result{Figures: eval.Figures{
			Score: eval.Score{Perplexity: 57.22, MeanPerplexity: 58, BitsPerByte: 1.39}, Entropy: 7.18, Distinct2: 0.455, Distinct4: 0.98, Repeated4: 0.009, Novelty: 0.987,
		}},
		EntropyBand: [2]float64{6.8, 7.6},
	}
	for i, steps := range []int{1024, 1, 2, 4, 8} {
		teacher := eval.Result{Model: eval.Teacher, Solver: "euler", Budget: steps, Temperature: 1}
		teacher.Distinct2, teacher.Repeated4, teacher.Novelty, teacher.Seconds = 0.412, 0.013, 0.993, float64(steps)*0.31
		teacher.Perplexity = []float64{85.61, 1312.65, 462.31, 194.29, 97.51}[i]
		teacher.Entropy = []float64{7.31, 8.1, 7.9, 7.6, 7.4}[i]
		r.Results = append(r.Results, teacher)
		if steps == 1024 {
			continue
		}
		student := eval.Result{Model: eval.Student, Solver: "euler_cumulative", Budget: steps, Temperature: 1}
		student.Distinct2, student.Repeated4, student.Novelty, student.Seconds = 0.402, 0.015, 0.991, float64(steps)*0.32
		student.Perplexity = []float64{0, 514.40, 333.07, 176.19, 90.49}[i]
		student.Entropy = []float64{0, 8, 7.7, 7.5, 7.27}[i]
		r.Results = append(r.Results, student)
	}
	return r
}

// row is the student's Result that is on a par.
func row(r *eval.Report) *eval.Result { return &r.Results[len(r.Results)-1] }

func TestReference(t *testing.T) {
	r := paper()
	r.Results = append(r.Results, eval.Result{Model: eval.Teacher, Solver: "ancestral", Budget: 1024, Figures: eval.Figures{Score: eval.Score{Perplexity: 80}}})
	if best, ok := r.Reference(); !ok || best.Solver != "ancestral" || best.Budget != 1024 {
		t.Errorf("%v, %v: want the better solver at 1024 steps", best, ok)
	}
	if _, ok := (eval.Report{}).Reference(); ok {
		t.Error("a reference without a teacher")
	}
}

func TestParity(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *eval.Report, x *eval.Result)
		want   bool
	}{
		{"the paper's 8 steps", func(*eval.Report, *eval.Result) {}, true},
		{"perplexity", func(_ *eval.Report, x *eval.Result) { x.Perplexity = 91 }, false},
		{"lower perplexity", func(_ *eval.Report, x *eval.Result) { x.Perplexity = 20 }, true},
		{"entropy too low", func(_ *eval.Report, x *eval.Result) { x.Entropy = 7.15 }, false},
		{"entropy too high", func(_ *eval.Report, x *eval.Result) { x.Entropy = 7.47 }, false},
		{"not the entropy of text", func(r *eval.Report, _ *eval.Result) { r.EntropyBand = [2]float64{7.28, 7.6} }, false},
		{"band not measured", func(r *eval.Report, _ *eval.Result) { r.EntropyBand = [2]float64{} }, true},
		{"collapse", func(_ *eval.Report, x *eval.Result) { x.Distinct2 = 0.01 }, false},
		{"below a wild teacher, near real text", func(r *eval.Report, x *eval.Result) {
			x.Distinct2, r.Data.Distinct2 = 0.8*x.Distinct2, 0.85*x.Distinct2
		}, true},
		{"below both", func(r *eval.Report, x *eval.Result) {
			x.Distinct2, r.Data.Distinct2 = 0.7*x.Distinct2, 0.85*x.Distinct2
		}, false},
		{"the transformer agrees", func(r *eval.Report, x *eval.Result) { second(r, x, 90) }, true},
		{"the transformer does not", func(r *eval.Report, x *eval.Result) { second(r, x, 91) }, false},
		{"no teacher", func(r *eval.Report, x *eval.Result) { r.Results = []eval.Result{*x} }, false},
	} {
		r := paper()
		x := *row(&r)
		test.change(&r, &x)
		if got := r.Parity(x); got != test.want {
			t.Errorf("%s: parity %v, want %v", test.name, got, test.want)
		}
	}
}

// second adds a transformer judge, under which the teacher has 85 everywhere.
func second(r *eval.Report, x *eval.Result, perplexity float64) {
	r.Transformer, x.Transformer.Perplexity = "a transformer", perplexity
	for i := range r.Results {
		r.Results[i].Transformer.Perplexity = 85
	}
}

func TestReportJSON(t *testing.T) {
	text, err := json.Marshal(paper())
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`"[a-z]*[A-Z]\w*":`).FindAll(text, -1); found != nil {
		t.Errorf("keys %s: must be snake case", found)
	}
	var back eval.Report
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, paper()) {
		t.Errorf("%v: read back as %+v", err, back)
	}
}

func TestTables(t *testing.T) {
	off := paper() // loops: a low perplexity at a low entropy
	row(&off).Perplexity, row(&off).Entropy = 40, 6.9
	bare := eval.Report{Judge: "judge", Rows: 1, Length: 2, Results: paper().Results[1:2], Data: paper().Data}
	seeds := paper() // all there can be
	second(&seeds, row(&seeds), 88)
	seeds.Seeds, seeds.DivergenceN, row(&seeds).Deviation.Perplexity = 3, 3, 1.25
	for name, r := range map[string]eval.Report{"parity": paper(), "off": off, "bare": bare, "seeds": seeds} {
		var text, markdown strings.Builder
		if err := eval.WriteTable(&text, r); err != nil {
			t.Fatal(err)
		}
		if err := eval.WriteMarkdown(&markdown, r); err != nil {
			t.Fatal(err)
		}
		same(t, "testdata/"+name+".txt", text.String())
		same(t, "testdata/"+name+".md", markdown.String())
		for line := range strings.Lines(text.String()) {
			if utf8.RuneCountInString(line) > 110 || strings.HasSuffix(line, " \n") {
				t.Errorf("%s: line too long or ends in a space: %q", name, line)
			}
		}
	}
}

// same compares with a file. UPDATE=1 writes the file: look at what changed.
func same(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is no longer what is written:\n%s", file, got)
	}
}
