package eval_test

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"

	"fsdfm/eval"
)

// whole is a report with every part that there can be.
func whole() eval.Report {
	r := paper()
	r.Title, r.Seeds, r.DivergenceN = "a run <of> many", 3, 3
	second(&r, row(&r), 88)
	for i, temperature := range []float64{0.8, 0.9, 1.1} {
		x := *row(&r)
		x.Temperature, x.Entropy, x.Perplexity = temperature, 7+float64(i)/10, 60+20*float64(i)
		r.Frontier = append(r.Frontier, x)
	}
	r.Curves = []eval.Curve{{Stage: "pretrain", Train: []eval.Point{{Step: 10, Loss: 4}, {Step: 20, Loss: 3}}, HeldOut: []eval.Point{{Step: 20, Loss: 3.5}}}}
	r.Samples = []eval.Samples{{Model: eval.Teacher, Budget: 8, Texts: []string{"of the teacher"}}, {Model: eval.Student, Budget: 8, Texts: []string{"it is <b>bold</b>"}}, {Texts: []string{"real"}}}
	r.Config, r.Commands = "run: paper\n", []string{"fsdfm-train -config paper.yaml"}
	return r
}

func TestWriteHTML(t *testing.T) {
	wild := whole()
	wild.Results[2].Perplexity, wild.Data.Perplexity = math.Inf(1), math.NaN()
	for name, r := range map[string]eval.Report{"whole": whole(), "not numbers": wild, "empty": {}, "teacher alone": {Results: paper().Results[:1]}} {
		var out bytes.Buffer
		if err := eval.WriteHTML(&out, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := out.String()
		if bad := regexp.MustCompile(`<script|(src|href)="|url\(|ZgotmplZ|<\?xml`).FindString(text); bad != "" {
			t.Errorf("%s: the page has %q: it must stand alone", name, bad)
		}
		if open, closed := strings.Count(text, "<svg"), strings.Count(text, "</svg>"); open != closed {
			t.Errorf("%s: %d pictures begin, %d end", name, open, closed)
		}
	}
}

func TestWriteHTMLShowsAll(t *testing.T) {
	var out bytes.Buffer
	if err := eval.WriteHTML(&out, whole()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a run &lt;of&gt; many", "it is &lt;b&gt;bold&lt;/b&gt;", "of the teacher", "run: paper", "fsdfm-train -config paper.yaml",
		`<tr class="parity"><th scope="row">8</th>`, "90.49 ±0.00", "Training: pretrain", "temperature", "transformer judge", "prefers-color-scheme: dark",
		"stroke:var(--student)", "stroke:var(--teacher)", "stroke:var(--data)", "stroke:var(--grid)", `aria-label="Perplexity against entropy, by temperature"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, picture := range regexp.MustCompile(`(?s)<svg role.*?</svg>`).FindAllString(out.String(), -1) {
		if fixed := regexp.MustCompile(`#[0-9A-Fa-f]{6}`).FindString(picture); fixed != "" {
			t.Errorf("a picture has the fixed colour %s: it would not follow dark mode", fixed)
		}
	}
}
