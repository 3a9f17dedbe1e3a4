package main

import (
	"context"
	"fmt"

	"fsdfm/configs"
	"fsdfm/data"
)

// openData opens the run's token shards, making them on the first call.
func (p *pipeline) openData(ctx context.Context) (err error) {
	dir := p.path("data")
	if p.config.Data.Corpus == "dir" {
		dir = p.config.Data.Dir
	} else if !exists(dir) {
		if err := p.pack(ctx, dir); err != nil {
			return err
		}
	}
	if p.dataset, err = data.OpenDataset(dir); err != nil {
		return err
	}
	if want := p.config.Data.Length; p.dataset.Length() != want {
		return fmt.Errorf("%s holds rows of %d tokens but data.length is %d: set it to %[2]d or make the folder anew with fsdfm-data", dir, p.dataset.Length(), want)
	}
	if want := p.config.Model.VocabSize; want != 0 && p.dataset.Vocab() != want {
		return fmt.Errorf("%s has a vocabulary of %d but model.vocab_size is %d: leave it out to take the tokenizer's", dir, p.dataset.Vocab(), want)
	}
	return nil
}

// pack tokenizes a corpus into shards.
func (p *pipeline) pack(ctx context.Context, dir string) error {
	c := p.config.Data
	text, err := corpus(c)
	if err != nil {
		return err
	}
	defer p.progress.Finish()
	return data.Prepare(ctx, dir, text, data.Options{
		Tokenizer: c.Tokenizer, VocabSize: c.VocabSize, Length: c.Length, Seed: data.SplitSeed,
		ValidShare: c.ValidShare, JudgeShare: c.JudgeShare, Progress: p.progress.Pass,
	})
}

// corpus is the text of a run that makes its shards itself.
func corpus(c configs.Data) (*data.Corpus, error) {
	if c.Corpus == "files" {
		return data.OpenCorpus(data.Input{Paths: c.Files, Field: c.Field})
	}
	return data.Novels(), nil
}

// rows opens one split of the run's data.
func (p *pipeline) rows(split string) (*data.Rows, error) { return p.dataset.Split(split) }
