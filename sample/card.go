package sample

import (
	"fmt"
	"strings"
)

// Card is the model card of an export: what it is, how it did, how it was made.
// table and config may be empty.
func Card(d Description, table, config string) string {
	var b strings.Builder
	kind := "A pretrained denoiser (many steps)"
	if d.StepAware {
		kind = "A few-step student distilled with FS-DFM (arXiv 2509.20624)"
	}
	fmt.Fprintf(&b, "# Discrete flow matching language model\n\n%s: %d parameters, %d blocks of width %d, %d heads, vocabulary %d, %d tokens a text, source %s, solver %s.\n",
		kind, d.Parameters(), d.Blocks, d.HiddenSize, d.Heads, d.VocabSize, d.Length, d.Source, d.Solver)
	fmt.Fprintf(&b, "\nSample from it: `fsdfm-sample -model DIR -steps 8 -n 4`.\n")
	fmt.Fprintf(&b, "\nTraining text: %s. The model writes text like it and nothing else; it knows no facts and follows no instructions.\n", d.Corpus)
	if table != "" {
		fmt.Fprintf(&b, "\n## Evaluation\n\n%s", table)
	}
	if config != "" {
		fmt.Fprintf(&b, "\n## Training settings\n\n```yaml\n%s```\n", config)
	}
	return b.String()
}
