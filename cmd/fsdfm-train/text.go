package main

import (
	"fmt"

	"fsdfm/configs"
	"fsdfm/data"
)

// openData opens the run's token shards, making them on the first call.
func (p *pipeline) openData() (err error) {
	dir := p.path("data")
	if p.config.Data.Corpus == "dir" {
		dir = p.config.Data.Dir
	} else if !exists(dir) {
		if err := pack(p.config.Data, dir); err != nil {
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
func pack(c configs.Data, dir string) error {
	docs, err := documents(c)
	if err != nil {
		return err
	}
	return data.WriteCorpus(dir, docs, c.Tokenizer, c.VocabSize, c.Length, c.ValidShare, c.JudgeShare)
}

func documents(c configs.Data) ([]string, error) {
	if c.Corpus == "files" {
		return data.ReadFiles(c.Files)
	}
	text, err := data.Austen()
	return data.Documents(text), err
}

// rows opens one split of the run's data.
func (p *pipeline) rows(split string) (*data.Rows, error) { return p.dataset.Split(split) }
