// Command fsdfm-data turns text into token shards for training, and shows what
// a folder of shards holds.
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
       fsdfm-data -inspect DIR

Reads text, splits it by document into train, valid and judge parts, tokenizes
it and writes Arrow shards that a run file names with corpus: dir. Each document
is followed by an end of text; then rows of equal length are cut. Memory does
not grow with the text.

  -in FILES           files, folders or globs, separated by commas; - is standard
                      input; the word austen is the embedded text
                        .txt      documents end at a form feed on its own line;
                                  a file without one is a document
                        .jsonl    a JSON object a line, each a document
                        .parquet  a row is a document
                      .txt and .jsonl also as .gz or .zst
  -field NAME         field or column that holds the text (default text)
  -format NAME        of standard input: txt (default), jsonl or parquet
  -out DIR            folder to make; it must not exist
  -tokenizer NAME     char (default), bytes, bpe (trained on the text), gpt2 or
                      a tokenizer.json of Hugging Face's tokenizers
  -vocab-size N       tokens that bpe is trained to (default 1024)
  -length N           tokens a row (default 64)
  -valid-share X      share held out for the validation loss (default 0.05)
  -judge-share X      share held out for the judge (default 0.25)
  -seed N             of the split (default 0, as fsdfm-train splits)
  -inspect DIR        print what a folder of shards holds, then stop

Examples:
  fsdfm-data -in austen -out data/austen -length 128
  fsdfm-data -in 'books/*.txt,letters' -out data/mine -tokenizer bpe -vocab-size 4096
  fsdfm-data -in fineweb/ -field text -out data/web -tokenizer gpt2 -length 1024
  zcat dump.jsonl.gz | fsdfm-data -in - -format jsonl -field body -out data/dump
  fsdfm-data -inspect data/mine
`

func main() { cli.Main(cli.Command{Name: "fsdfm-data", Usage: usage, Run: run}) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	in := flags.String("in", "", "")
	field := flags.String("field", "text", "")
	format := flags.String("format", "txt", "")
	out := flags.String("out", "", "")
	shown := flags.String("inspect", "", "")
	var o data.Options
	flags.StringVar(&o.Tokenizer, "tokenizer", "char", "")
	flags.IntVar(&o.VocabSize, "vocab-size", 1024, "")
	flags.IntVar(&o.Length, "length", 64, "")
	flags.Float64Var(&o.ValidShare, "valid-share", 0.05, "")
	flags.Float64Var(&o.JudgeShare, "judge-share", 0.25, "")
	flags.Uint64Var(&o.Seed, "seed", data.SplitSeed, "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if *shown != "" {
		if flags.NFlag() > 1 {
			return cli.Usagef("-inspect stands alone")
		}
		return inspect(os.Stdout, *shown)
	}
	if err := cli.Require(flags, "in", "out", "field"); err != nil {
		return err
	}
	if o.Length < 1 {
		return cli.Usagef("-length %d: must be at least 1", o.Length)
	}
	if !(o.ValidShare > 0 && o.JudgeShare > 0 && o.ValidShare+o.JudgeShare < 1) {
		return cli.Usagef("-valid-share %v and -judge-share %v: must be above 0 and leave text for training", o.ValidShare, o.JudgeShare)
	}
	if _, err := os.Stat(*out); err == nil {
		return fmt.Errorf("%s exists: name a new folder, nothing was overwritten", *out)
	}
	text := data.Novels()
	if *in != "austen" {
		var err error
		if text, err = data.OpenCorpus(data.Input{Paths: strings.Split(*in, ","), Field: *field, Stdin: os.Stdin, Format: *format}); err != nil {
			return err
		}
	}
	defer text.Close()
	progress := cli.NewProgress()
	o.Progress = progress.Pass
	err := data.Prepare(ctx, *out, text, o)
	progress.Finish()
	if err != nil {
		return err
	}
	return inspect(os.Stdout, *out)
}
