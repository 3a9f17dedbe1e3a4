package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// gpt2Merges are described in gpt2/ORIGIN.md.
//
//go:embed gpt2/merges.bpe.gz
var gpt2Merges []byte

// GPT2 returns GPT-2's tokenizer: 50,257 tokens, end of text is the last.
var GPT2 = sync.OnceValues(func() (*BPE, error) {
	b, err := readGPT2()
	if err != nil {
		return nil, fmt.Errorf("embedded merges of GPT-2: %w", err)
	}
	return b, nil
})

// readGPT2 gives ids as GPT-2 does: the bytes, then what each merge makes.
func readGPT2() (*BPE, error) {
	z, err := gzip.NewReader(bytes.NewReader(gpt2Merges))
	if err != nil {
		return nil, err
	}
	var tokens []string
	ids := map[string]int32{}
	add := func(token string) {
		ids[token] = int32(len(tokens))
		tokens = append(tokens, token)
	}
	for _, c := range byteOrder {
		add(string([]byte{c}))
	}
	var rules []pair
	lines := bufio.NewScanner(z)
	lines.Scan() // #version
	for lines.Scan() {
		left, right, _ := strings.Cut(lines.Text(), " ")
		left, _ = unspell(left)
		right, _ = unspell(right)
		rules = append(rules, pair{ids[left], ids[right]})
		add(left + right)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return newBPE(byteLevel(tokens, rules))
}
