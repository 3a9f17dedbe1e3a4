package sample

import (
	"fmt"
	"strings"
)

// Card is the model card of an export: what it is and is for, what it was made
// of and how well it did. table and settings may be empty: then it says so.
func Card(d Description, table, settings string) string {
	evaluation := "None is recorded. Make one with `fsdfm-eval -model DIR -data SHARDS`.\n"
	if table != "" {
		evaluation = "By the run that trained it.\n\n" + table
	}
	training := "None are recorded.\n"
	if settings != "" {
		training = "```yaml\n" + settings + "```\n"
	}
	return card(d, []section{{"Evaluation", evaluation}, {"Training settings", training}})
}

// ImportCard is the card of a model whose training is known by its file alone.
func ImportCard(d Description, origin string) string {
	return card(d, []section{
		{"Origin", "Imported from " + origin + ". Settings and evaluation of its training are not in that file.\n"},
		{"Evaluation", "None is recorded. Make one with `fsdfm-eval -model DIR -data SHARDS`.\n"},
	})
}

type section struct{ title, text string }

func card(d Description, more []section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Discrete flow matching language model\n\n%s.\n", what(d))
	for _, s := range append([]section{
		{"Files", "`model.safetensors` (parameters under the names of the FS-DFM reference), `config.json` (shape and flow), `tokenizer.json`.\n"},
		{"Use", use(d)},
		{"Intended use", intended},
		{"Data", corpus(d)},
	}, more...) {
		fmt.Fprintf(&b, "\n## %s\n\n%s", s.title, s.text)
	}
	return b.String()
}

func what(d Description) string {
	kind := "A pretrained denoiser, which needs many steps"
	if d.StepAware {
		kind = "A few-step student in the manner of FS-DFM (arXiv 2509.20624; step size: " + d.StepConditioning + ")"
	}
	return fmt.Sprintf("%s: %d parameters, %d blocks of width %d, %d heads, vocabulary %d, %d tokens a text, source %s, solver %s",
		kind, d.Parameters(), d.Blocks, d.HiddenSize, d.Heads, d.VocabSize, d.Length, d.Source, d.Solver)
}

func use(d Description) string {
	steps := 256
	if d.StepAware {
		steps = 8
	}
	return fmt.Sprintf("`fsdfm-sample -model DIR -steps %d -n 4`\n", steps)
}

const intended = `Research on text generation in few steps: samples, completions and infills in the
manner of the training text. The model knows no facts, follows no instructions
and is filtered for nothing; whatever is wrong or offensive in its training text
it may write. Do not use it where its text could be taken for advice or truth.
`

func corpus(d Description) string {
	held := ""
	if d.ValidShare > 0 || d.JudgeShare > 0 {
		held = fmt.Sprintf(" Held out, by document: %.3g %% for validation, %.3g %% for the judge of its samples.", 100*d.ValidShare, 100*d.JudgeShare)
	}
	switch d.Corpus {
	case "austen":
		return "Six novels of Jane Austen, in the public domain." + held + "\n"
	case "":
		return "Not recorded." + held + "\n"
	}
	return "Corpus: " + d.Corpus + "." + held + "\n"
}
