package data

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fsdfm/data/tokenizer"
)

// prepare makes a dataset of text files and opens it.
func prepare(t *testing.T, o Options, paths ...string) *Dataset {
	t.Helper()
	c, err := OpenCorpus(Input{Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "set")
	if err := Prepare(context.Background(), dir, c, o); err != nil {
		t.Fatal(err)
	}
	set, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A stream through workers and shards gives the rows that the documents give in
// memory: from one document, from a few, from the embedded ones.
func TestPrepareIsPackCorpus(t *testing.T) {
	text, err := Austen()
	if err != nil {
		t.Fatal(err)
	}
	docs := Documents(text)
	for name, docs := range map[string][]string{"one": docs[:1], "some": docs[:40], "all": docs} {
		path := write(t, t.TempDir(), "text.txt", strings.Join(docs, tokenizer.DocumentBreak))
		set := prepare(t, Options{Tokenizer: "bytes", Length: 32, ValidShare: 0.05, JudgeShare: 0.25}, path)
		var want [3]*Rows
		if want[0], want[1], want[2], err = PackCorpus(docs, set.Tokenizer(), 32, 0.05, 0.25); err != nil {
			t.Fatal(err)
		}
		for i, split := range []string{"train", "valid", "judge"} {
			rows, err := set.Split(split)
			if err != nil || !slices.Equal(rows.Tokens(), want[i].Tokens()) {
				t.Errorf("%s: split %s differs (%v)", name, split, err)
			}
		}
	}
}

// The bpe tokenizer sees training documents only, and the shards are made of
// its tokens.
func TestPrepareTrained(t *testing.T) {
	dir := t.TempDir()
	var docs []string
	for i := range 40 {
		docs = append(docs, fmt.Sprintf("%s %c%[2]c%[2]c", strings.Repeat("the same words again ", 5), 0x4e00+i))
	}
	path := write(t, dir, "text.txt", strings.Join(docs, tokenizer.DocumentBreak))
	o := Options{Tokenizer: "bpe", VocabSize: 280, Length: 8, ValidShare: 0.1, JudgeShare: 0.3}
	set := prepare(t, o, path)
	parts, err := SplitDocuments(docs, o.ValidShare, o.JudgeShare, o.Seed)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tokenizer.Train(iterate(func(visit func(string) error) error {
		for _, doc := range parts.Train {
			if err := visit(doc); err != nil {
				return err
			}
		}
		return nil
	}), 280)
	if err != nil || !tokenizer.Same(set.Tokenizer(), want) {
		t.Errorf("not the tokenizer of the training documents (%v)", err)
	}
	rows, err := set.Split("train")
	if err != nil || !strings.HasPrefix(strings.Join(parts.Train, tokenizer.DocumentBreak)+tokenizer.DocumentBreak, set.Tokenizer().Decode(rows.Tokens())) {
		t.Errorf("the rows are not the training documents (%v)", err)
	}
}

// More documents than are split by size are drawn: nearly the shares, the same
// for a seed, and each document is in one part.
func TestPrepareManyDocuments(t *testing.T) {
	const documents = exactDocuments + 5000
	dir := t.TempDir()
	var half [2]strings.Builder
	for i := range documents {
		fmt.Fprintf(&half[i%2], "{\"text\":\"%07d\"}\n", i)
	}
	paths := []string{write(t, dir, "a.jsonl", half[0].String()), write(t, dir, "b.jsonl", half[1].String())}
	o := Options{Tokenizer: "bytes", Length: 8, ValidShare: 0.1, JudgeShare: 0.25}
	set := prepare(t, o, paths...)
	seen := map[string]bool{}
	for name, share := range map[string]float64{"train": 0.65, "valid": 0.1, "judge": 0.25} {
		rows, err := set.Split(name)
		if err != nil {
			t.Fatal(err)
		}
		// A share's standard deviation is at most 0.5 / sqrt(documents) = 0.0019.
		if got := float64(rows.Len()) / documents; math.Abs(got-share) > 0.006 {
			t.Errorf("%s has a share of %.4f", name, got)
		}
		for i := range rows.Len() {
			seen[set.Tokenizer().Decode(rows.Row(i)[:7])] = true
		}
	}
	if len(seen) != documents {
		t.Errorf("%d documents, want %d", len(seen), documents)
	}
	again, err := prepare(t, o, paths...).Split("valid")
	first, _ := set.Split("valid")
	if err != nil || !slices.Equal(again.Tokens(), first.Tokens()) {
		t.Errorf("the same seed draws differently (%v)", err)
	}
	o.Seed = 1
	other, err := prepare(t, o, paths...).Split("valid")
	if err != nil || slices.Equal(other.Tokens(), first.Tokens()) {
		t.Errorf("another seed draws the same (%v)", err)
	}
}

func TestPrepareProgress(t *testing.T) {
	var passes []string
	var last, tokens int64
	set := prepare(t, Options{
		Tokenizer: "bpe", VocabSize: 265, Length: 16, ValidShare: 0.1, JudgeShare: 0.25,
		Progress: func(pass string, done, total, made int64) {
			if !slices.Contains(passes, pass) {
				passes = append(passes, pass)
			}
			if done > total {
				t.Errorf("%d of %d bytes", done, total)
			}
			last, tokens = total-done, made
		},
	}, write(t, t.TempDir(), "text.txt", strings.Repeat(strings.Repeat("Some words, more words. ", 20)+"\n\f\n", 300)))
	if want := []string{"survey", "vocabulary", "tokenize"}; !slices.Equal(passes, want) || last != 0 {
		t.Errorf("passes %q, %d bytes left", passes, last)
	}
	sum := int64(0)
	for _, name := range set.Splits() {
		rows, err := set.Split(name)
		if err != nil {
			t.Fatal(err)
		}
		sum += int64(rows.Len() * rows.Length())
	}
	if tokens < sum || tokens >= sum+3*16 {
		t.Errorf("%d tokens, the splits have %d", tokens, sum)
	}
}

// Whatever ends it, no folder is left.
func TestPrepareErrors(t *testing.T) {
	dir := t.TempDir()
	text := write(t, dir, "text.txt", strings.Repeat("words and words\n\f\n", 200))
	bad := write(t, dir, "bad.txt", "caf\xe9")
	stop, cancel := context.WithCancel(context.Background())
	cancel()
	good := Options{Tokenizer: "char", Length: 8, ValidShare: 0.1, JudgeShare: 0.25}
	for _, c := range []struct {
		says  string
		ctx   context.Context
		paths []string
		with  func(*Options)
	}{
		{"context canceled", stop, []string{text}, func(*Options) {}},
		{"unknown tokenizer", context.Background(), []string{text}, func(o *Options) { o.Tokenizer = "word" }},
		{"vocabulary of 3", context.Background(), []string{text}, func(o *Options) { o.Tokenizer, o.VocabSize = "bpe", 3 }},
		{"too short for a vocabulary", context.Background(), []string{text}, func(o *Options) { o.Tokenizer, o.VocabSize = "bpe", 1000 }},
		{"length is 0", context.Background(), []string{text}, func(o *Options) { o.Length = 0 }},
		{"less than one row of 5000", context.Background(), []string{text}, func(o *Options) { o.Length = 5000 }},
		{"must leave some text", context.Background(), []string{text}, func(o *Options) { o.JudgeShare = 1 }},
		{"invalid UTF-8 at byte 3", context.Background(), []string{text, bad}, func(*Options) {}},
		{"no such file", context.Background(), []string{text}, func(o *Options) { o.Tokenizer = "absent.json" }},
	} {
		corpus, err := OpenCorpus(Input{Paths: c.paths})
		if err != nil {
			t.Fatal(err)
		}
		o := good
		c.with(&o)
		if err := Prepare(c.ctx, filepath.Join(dir, "set"), corpus, o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one with %q", err, c.says)
		}
	}
	// A text that the characters do not express, found while packing.
	chars, err := tokenizer.NewChars("words and")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := tokenizer.Marshal(chars)
	if err != nil {
		t.Fatal(err)
	}
	good.Tokenizer = write(t, dir, "chars.json", string(stored))
	corpus, err := OpenCorpus(Input{Paths: []string{write(t, dir, "odd.txt", strings.Repeat("words and wörds\n\f\n", 100000))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare(context.Background(), filepath.Join(dir, "set"), corpus, good); err == nil || !strings.Contains(err.Error(), "pack: characters: 'ö'") {
		t.Errorf("unknown character: %v", err)
	}
	if got := fileNames(t, dir); slices.ContainsFunc(got, func(name string) bool { return strings.Contains(name, "set") }) {
		t.Errorf("left behind: %v", got)
	}
}

var huge = flag.Bool("huge", false, "tokenize 2 GB of generated text and watch the heap")

// writeWords writes random words, in documents of some hundred, to a file.
func writeWords(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	const letters = "abcdefghijklmnopabcdefghijklmnop"
	var text []byte
	for written := int64(0); written < size; written += int64(len(text)) {
		text = text[:0]
		for len(text) < 1<<20 {
			for range 20 + rng.IntN(200) {
				text = append(text, letters[rng.IntN(16):][:1+rng.IntN(12)]...)
				text = append(text, ' ')
			}
			text = append(text, "\n\n\f\n"...)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
}

// Two gigabytes take no more memory than a few megabytes do, with the tokenizer
// that remembers most. Run it with -huge; it takes minutes.
func TestPrepareHuge(t *testing.T) {
	size := int64(24 << 20)
	if *huge {
		size = 2 << 30
	}
	path := filepath.Join(t.TempDir(), "huge.txt")
	writeWords(t, path, size)
	var most atomic.Uint64
	watch := time.NewTicker(20 * time.Millisecond)
	defer watch.Stop()
	go func() {
		for range watch.C {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
		}
	}()
	begun := time.Now()
	set := prepare(t, Options{Tokenizer: "gpt2", Length: 1024, ValidShare: 0.01, JudgeShare: 0.01}, path)
	rows, err := set.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(rows, 1)
	if err := r.Fill(make([]int32, 64*1024), 0); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB in %v, %d rows, heap up to %d MB", size>>20, time.Since(begun).Round(time.Millisecond), rows.Len(), most.Load()>>20)
	// GPT-2's tables take 30 MB, remembered pieces 10 MB a core, batches on
	// their way 30 MB; the garbage collector lets that double.
	if most.Load() > 256<<20 {
		t.Errorf("heap of %d MB", most.Load()>>20)
	}
}

// The mapped file serves rows in place: nothing is copied or allocated.
func BenchmarkReaderFill(b *testing.B) {
	const length, rows, batch = 1024, 1 << 14, 8
	ids := make([]int32, rows*length)
	for i := range ids {
		ids[i] = int32(i % 257)
	}
	all, err := NewRows(ids, length)
	if err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(b.TempDir(), "set")
	if err := WriteDataset(dir, tokenizer.NewBytes(), map[string]*Rows{"train": all}); err != nil {
		b.Fatal(err)
	}
	set, err := OpenDataset(dir)
	if err != nil {
		b.Fatal(err)
	}
	mapped, err := set.Split("train")
	if err != nil {
		b.Fatal(err)
	}
	r := NewReader(mapped, 1)
	dst := make([]int32, batch*length)
	b.SetBytes(int64(4 * len(dst)))
	b.ReportAllocs()
	position := int64(0)
	for b.Loop() {
		if err := r.Fill(dst, position); err != nil {
			b.Fatal(err)
		}
		position += batch
	}
}

func BenchmarkPrepare(b *testing.B) {
	for _, name := range []string{"bytes", "gpt2", "bpe"} {
		b.Run(name, func(b *testing.B) {
			text, err := Austen()
			if err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(b.TempDir(), "text.txt")
			if err := os.WriteFile(path, bytes.Repeat([]byte(text), 4), 0o644); err != nil {
				b.Fatal(err)
			}
			c, err := OpenCorpus(Input{Paths: []string{path}})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(c.Size())
			i := 0
			for b.Loop() {
				i++
				dir := filepath.Join(b.TempDir(), fmt.Sprint(i))
				o := Options{Tokenizer: name, VocabSize: 1024, Length: 128, ValidShare: 0.05, JudgeShare: 0.25}
				if err := Prepare(context.Background(), dir, c, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
