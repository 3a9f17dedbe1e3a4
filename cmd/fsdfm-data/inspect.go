package main

import (
	"fmt"
	"io"

	"fsdfm/data"
)

// inspect prints what a folder of shards holds: its splits, how long their
// documents are, and the beginning of the first row.
func inspect(w io.Writer, dir string) error {
	set, err := data.OpenDataset(dir)
	if err != nil {
		return err
	}
	tok := set.Tokenizer()
	fmt.Fprintf(w, "%s: tokenizer %s with %d tokens, end of text %d, rows of %d\n", dir, tok.Name(), set.Vocab(), tok.EndOfText(), set.Length())
	fmt.Fprintf(w, "  %-6s %8s %12s %10s %24s %11s\n", "split", "rows", "tokens", "documents", "tokens a document", "bytes/token")
	for _, name := range set.Splits() {
		rows, err := set.Split(name)
		if err != nil {
			return err
		}
		d := rows.Lengths(tok.EndOfText())
		lengths := fmt.Sprintf("%d to %d, mean %.0f", d.Shortest, d.Longest, d.Mean)
		if d.Ended == 0 {
			lengths = "-"
		}
		fmt.Fprintf(w, "  %-6s %8d %12d %10d %24s %11.2f\n", name, rows.Len(), rows.Len()*rows.Length(), d.Ended, lengths, rows.BytesPerToken(tok))
	}
	first, err := set.Split(set.Splits()[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "--- %s, row 0\n%s\n", set.Splits()[0], tok.Decode(first.Row(0)))
	return err
}
