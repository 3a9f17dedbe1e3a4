package evaluation

import (
	"fmt"

	"fsdfm/eval"
	"fsdfm/model"
	"fsdfm/sample"
)

// judgeBatch is how many rows a transformer judge reads together.
const judgeBatch = 16

// LoadJudge reads a transformer judge that a run of kind judge exported, to
// judge a generator of the given description. It refuses one that was not
// trained on the judge's part of the same split: the generator may have seen
// its text.
func LoadJudge(dir string, generator sample.Description) (*eval.Transformer, string, error) {
	m, err := sample.Load(dir)
	if err != nil {
		return nil, "", fmt.Errorf("loading the judge: %w", err)
	}
	d := m.Description
	if !d.Causal {
		return nil, "", fmt.Errorf("%s is a generator, not a judge: train one with kind: judge, as configs/judge.yaml does", dir)
	}
	if d.Corpus != generator.Corpus || d.ValidShare != generator.ValidShare || d.JudgeShare != generator.JudgeShare {
		return nil, "", fmt.Errorf("the judge %s was trained on corpus %q with valid_share %v and judge_share %v, the generator on %q with %v and %v: train it with the generator's data settings, so that their texts are disjoint",
			dir, d.Corpus, d.ValidShare, d.JudgeShare, generator.Corpus, generator.ValidShare, generator.JudgeShare)
	}
	judge := &eval.Transformer{Network: model.NewDenoiser(m.Weights), Tokenizer: m.Tokenizer, Length: d.Length, Batch: judgeBatch}
	return judge, fmt.Sprintf("a transformer of %.1f M parameters (%s) on the same text", float64(d.Parameters())/1e6, m.Tokenizer.Name()), nil
}

// JudgeCard is the model card of an exported judge. settings are the run's.
func JudgeCard(d sample.Description, settings string) string {
	return fmt.Sprintf("# Judge of generated text\n\nAn autoregressive transformer: %d parameters, %d blocks of width %d, %d heads, vocabulary %d, %d tokens at once.\n"+
		"It was trained on a share of %v of corpus %s, the documents that generators of the same split never see. It scores text and does not sample.\n"+
		"\nJudge with it: `fsdfm-eval -model MODEL -judge DIR`.\n\n## Training settings\n\n```yaml\n%s```\n",
		d.Parameters(), d.Blocks, d.HiddenSize, d.Heads, d.VocabSize, d.Length, d.JudgeShare, d.Corpus, settings)
}
