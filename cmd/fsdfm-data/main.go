// Command fsdfm-data turns text files into token shards for training.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"fsdfm/cmd/internal/cli"
	"fsdfm/data"
)

const usage = `
Usage: fsdfm-data -in FILES -out DIR [flags]

Reads text, splits it by document into train, valid and judge parts, tokenizes
it and writes Arrow shards that a run file names with corpus: dir. Documents
are separated by a form feed on its own line; a file without one is a document.

  -in FILES           text files (.txt, .gz), folders or globs, separated by
                      commas; the word austen is the embedded text
  -out DIR            folder to make; it must not exist
  -tokenizer NAME     char (default), bytes, bpe (trained on the text), gpt2 or
                      a tokenizer.json of Hugging Face's tokenizers
  -vocab-size N       tokens that bpe is trained to (default 1024)
  -length N           tokens a row (default 64)
  -valid-share X      share held out for the validation loss (default 0.05)
  -judge-share X      share held out for the judge (default 0.25)

Examples:
  fsdfm-data -in austen -out data/austen -length 128
  fsdfm-data -in 'books/*.txt,letters' -out data/mine -tokenizer bytes
`

func main() { cli.Main(cli.Command{Name: "fsdfm-data", Usage: usage, Run: run}) }

func run(_ context.Context, flags *flag.FlagSet, args []string) error {
	in := flags.String("in", "", "")
	out := flags.String("out", "", "")
	tokenizer := flags.String("tokenizer", "char", "")
	vocab := flags.Int("vocab-size", 1024, "")
	length := flags.Int("length", 64, "")
	valid := flags.Float64("valid-share", 0.05, "")
	judge := flags.Float64("judge-share", 0.25, "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := cli.Require(flags, "in", "out"); err != nil {
		return err
	}
	if *length < 1 {
		return cli.Usagef("-length %d: must be at least 1", *length)
	}
	if !(*valid > 0 && *judge > 0 && *valid+*judge < 1) {
		return cli.Usagef("-valid-share %v and -judge-share %v: must be above 0 and leave text for training", *valid, *judge)
	}
	if _, err := os.Stat(*out); err == nil {
		return fmt.Errorf("%s exists: name a new folder, nothing was overwritten", *out)
	}
	docs, err := documents(*in)
	if err != nil {
		return err
	}
	if err := data.WriteCorpus(*out, docs, *tokenizer, *vocab, *length, *valid, *judge); err != nil {
		return err
	}
	set, err := data.OpenDataset(*out)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d documents, tokenizer %s with %d tokens, rows of %d\n", *out, len(docs), set.Tokenizer().Name(), set.Vocab(), set.Length())
	for _, name := range set.Splits() {
		rows, err := set.Split(name)
		if err != nil {
			return err
		}
		fmt.Printf("  %-6s %8d rows %10d tokens\n", name, rows.Len(), rows.Len()*rows.Length())
	}
	return nil
}

func documents(in string) ([]string, error) {
	if in == "austen" {
		text, err := data.Austen()
		return data.Documents(text), err
	}
	return data.ReadFiles(strings.Split(in, ","))
}
