package data

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unicode/utf8"

	"fsdfm/data/tokenizer"
)

// Options say how a corpus becomes a dataset.
type Options struct {
	Tokenizer  string  // a name of tokenizer.New
	VocabSize  int     // of a tokenizer that is trained
	Length     int     // tokens a row
	ValidShare float64 // of the text, by document
	JudgeShare float64
	Seed       uint64 // of the split: keep it for all runs that a judge compares
	// Progress, if there, is told how far a pass over the corpus is, in bytes of
	// its files, and how many tokens were made.
	Progress func(pass string, done, total, tokens int64)
}

func (o Options) progress(pass string, c *Corpus, tokens int64) {
	if o.Progress != nil {
		o.Progress(pass, c.passed.Load(), c.Size(), tokens)
	}
}

// exactDocuments is how many documents are split by their sizes. If there are
// more, each is drawn by chance as it comes: shares then are right to about 0.2
// % of the documents.
const exactDocuments = 1 << 16

// trainingText bounds what a tokenizer is trained on, in bytes: more makes no
// better one.
const trainingText = 64 << 20

// Prepare tokenizes a corpus into a new dataset of the splits train, valid and
// judge, in a folder that must not exist or be empty. In each split documents,
// each followed by end of text, make one row of tokens, which is cut in rows of
// Length; what is left over is dropped. A tokenizer that is trained sees the
// training documents only. Memory does not grow with the corpus.
func Prepare(ctx context.Context, dir string, c *Corpus, o Options) error {
	if o.Length < 1 {
		return fmt.Errorf("pack: length is %d: must be at least 1", o.Length)
	}
	if err := tokenizer.Check(o.Tokenizer, o.VocabSize); err != nil {
		return err
	}
	survey, err := surveyOf(ctx, c, o)
	if err != nil {
		return err
	}
	tok, err := tokenizer.New(o.Tokenizer, o.VocabSize, survey.texts(ctx, o))
	if err != nil {
		return err
	}
	w, err := newDatasetWriter(dir, tok, o.Length, shardTokens)
	if err != nil {
		return err
	}
	if err := survey.pack(ctx, w, tok, o); err != nil {
		w.abandon()
		return err
	}
	return w.commit()
}

// survey is a corpus whose documents have their parts.
type survey struct {
	corpus *Corpus
	pieces []string // of a corpus with a single document
	to     []part   // of each document in order; nil: drawn
	bytes  int64    // of the text, if to is known
}

// surveyOf reads the corpus, or as much of it as tells that it has many
// documents, and splits it.
func surveyOf(ctx context.Context, c *Corpus, o Options) (*survey, error) {
	s := &survey{corpus: c}
	var size []int
	var only string
	err := c.each(ctx, func(_ place, doc string) error {
		if len(size) == exactDocuments {
			return errManyDocuments
		}
		only = doc
		size = append(size, utf8.RuneCountInString(doc))
		s.bytes += int64(len(doc))
		if len(size)%256 == 0 {
			o.progress("survey", c, 0)
		}
		return nil
	})
	if errors.Is(err, errManyDocuments) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	o.progress("survey", c, 0)
	if len(size) == 1 {
		s.pieces = cut(only, onlyPieces)
		size = size[:0]
		for _, piece := range s.pieces {
			size = append(size, utf8.RuneCountInString(piece))
		}
	}
	s.to, err = assign(size, o.ValidShare, o.JudgeShare, o.Seed)
	return s, err
}

var errManyDocuments = errors.New("many documents")

// each visits the documents with their parts.
func (s *survey) each(ctx context.Context, o Options, visit func(at place, to part, doc string) error) error {
	for i, piece := range s.pieces {
		if err := visit(place{0, i}, s.to[i], piece); err != nil {
			return err
		}
	}
	if s.pieces != nil {
		return nil
	}
	i := 0
	return s.corpus.each(ctx, func(at place, doc string) error {
		to := train
		if s.to == nil {
			to = draw(at, o.ValidShare, o.JudgeShare, o.Seed)
		} else if i == len(s.to) {
			return errors.New("read text: the files have more documents than a moment ago: leave them alone while they are read")
		} else {
			to = s.to[i]
		}
		i++
		return visit(at, to, doc)
	})
}

// texts are the documents that make the vocabulary: all for the tokenizer of
// characters, else training documents, of each file the first if there is more
// than trainingText of them.
func (s *survey) texts(ctx context.Context, o Options) tokenizer.Texts {
	if o.Tokenizer == "char" {
		return iterate(func(visit func(string) error) error {
			return s.each(ctx, o, func(_ place, _ part, doc string) error {
				o.progress("vocabulary", s.corpus, 0)
				return visit(doc)
			})
		})
	}
	most := int64(trainingText)
	if s.to == nil || s.bytes > most {
		most /= int64(len(s.corpus.sources))
	}
	return iterate(func(visit func(string) error) error {
		source, seen := 0, int64(0)
		return s.each(ctx, o, func(at place, to part, doc string) error {
			if at.source != source {
				source, seen = at.source, 0
			}
			if to != train || seen > most {
				if seen > most && s.to == nil {
					return errNextSource
				}
				return nil
			}
			seen += int64(len(doc))
			o.progress("vocabulary", s.corpus, 0)
			return visit(doc)
		})
	})
}

// batch is some documents on their way through a worker.
type batch struct {
	docs   []string
	to     []part
	tokens [len(parts)][]int32
	err    error
	ready  chan struct{}
}

// batchBytes is the text in a batch, but for a longer document.
const batchBytes = 1 << 20

// pack tokenizes on all cores and writes in order.
func (s *survey) pack(ctx context.Context, w *datasetWriter, tok tokenizer.Tokenizer, o Options) error {
	workers := runtime.GOMAXPROCS(0)
	work, queue := make(chan *batch), make(chan *batch, 2*workers)
	for range workers {
		go func() {
			for b := range work {
				b.encode(tok)
			}
		}()
	}
	var stopped atomic.Bool
	var readErr error
	go func() {
		readErr = s.batches(ctx, o, work, queue, &stopped)
		close(work)
		close(queue)
	}()
	tokens, err := int64(0), error(nil)
	for b := range queue {
		<-b.ready
		if err != nil {
			continue // only empties the queue
		}
		n, batchErr := b.write(w)
		if batchErr != nil {
			err = fmt.Errorf("pack: %w", batchErr)
			stopped.Store(true)
		}
		tokens += n
		o.progress("tokenize", s.corpus, tokens)
	}
	if err == nil {
		err = readErr
	}
	if err == nil {
		o.progress("tokenize", s.corpus, tokens)
		err = w.finish()
	}
	return err
}

var errStopped = errors.New("stopped")

// batches reads the corpus and hands it on.
func (s *survey) batches(ctx context.Context, o Options, work, queue chan<- *batch, stopped *atomic.Bool) error {
	b, size := new(batch), 0
	flush := func() {
		b.ready = make(chan struct{})
		queue <- b
		work <- b
		b, size = new(batch), 0
	}
	err := s.each(ctx, o, func(_ place, to part, doc string) error {
		b.docs, b.to = append(b.docs, doc), append(b.to, to)
		if size += len(doc); size >= batchBytes {
			flush()
		}
		if stopped.Load() {
			return errStopped
		}
		return nil
	})
	if err == nil && len(b.docs) > 0 {
		flush()
	}
	return err
}

// encode tokenizes the documents of a batch.
func (b *batch) encode(tok tokenizer.Tokenizer) {
	defer close(b.ready)
	for i, doc := range b.docs {
		ids, err := tok.Encode(doc)
		if err != nil {
			b.err = err
			return
		}
		into := &b.tokens[b.to[i]]
		*into = append(append(*into, ids...), tok.EndOfText())
	}
}

// write appends the tokens of a batch to their splits.
func (b *batch) write(w *datasetWriter) (tokens int64, err error) {
	if b.err != nil {
		return 0, b.err
	}
	for p, ids := range b.tokens {
		if err := w.split(parts[p]).append(ids); err != nil {
			return tokens, err
		}
		tokens += int64(len(ids))
	}
	return tokens, nil
}
