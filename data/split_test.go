package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func charactersOf(docs []string) (n int) {
	for _, doc := range docs {
		n += utf8.RuneCountInString(doc)
	}
	return n
}

// checkSplit verifies that the parts are disjoint, complete and in order.
// Documents must be distinct.
func checkSplit(t *testing.T, docs []string, s Split) {
	t.Helper()
	place := map[string]int{}
	for i, doc := range docs {
		place[doc] = i
	}
	used := 0
	for _, part := range [][]string{s.Train, s.Valid, s.Judge} {
		last := -1
		for _, doc := range part {
			i, ok := place[doc]
			if !ok || i <= last {
				t.Fatalf("document %d after %d, known %v", i, last, ok)
			}
			last = i
			delete(place, doc)
			used++
		}
	}
	if used != len(docs) {
		t.Fatalf("%d of %d documents used", used, len(docs))
	}
}

func TestSplitAusten(t *testing.T) {
	text, err := Austen()
	if err != nil {
		t.Fatal(err)
	}
	docs := Documents(text)
	total := float64(charactersOf(docs))
	for seed := range uint64(5) {
		s, err := SplitDocuments(docs, 0.05, 0.25, seed)
		if err != nil {
			t.Fatal(err)
		}
		checkSplit(t, docs, s)
		judge, valid := float64(charactersOf(s.Judge))/total, float64(charactersOf(s.Valid))/total
		// The shortest chapter has 0.02 % of the text, the typical one 0.3 %.
		if judge < 0.25 || judge > 0.253 || math.Abs(valid-0.05) > 0.003 {
			t.Errorf("seed %d: judge %.4f, valid %.4f", seed, judge, valid)
		}
		again, err := SplitDocuments(docs, 0.05, 0.25, seed)
		if err != nil || !slices.Equal(again.Judge, s.Judge) || !slices.Equal(again.Valid, s.Valid) {
			t.Errorf("seed %d: not the same twice", seed)
		}
		other, err := SplitDocuments(docs, 0.05, 0.25, seed+1)
		if err != nil || slices.Equal(other.Judge, s.Judge) {
			t.Errorf("seeds %d and %d agree", seed, seed+1)
		}
	}
}

// Random corpora: the judge reaches its share or the split says it cannot.
func TestSplitProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		docs := make([]string, 4+rng.IntN(40))
		for i := range docs {
			docs[i] = fmt.Sprintf("%d %s", i, strings.Repeat("é", 1+rng.IntN(50)))
		}
		valid, judge := rng.Float64()*0.4, rng.Float64()*0.4
		s, err := SplitDocuments(docs, valid, judge, rng.Uint64())
		if err != nil {
			continue
		}
		checkSplit(t, docs, s)
		if got := float64(charactersOf(s.Judge)); got < judge*float64(charactersOf(docs)) {
			t.Errorf("judge got %v of %v", got, judge*float64(charactersOf(docs)))
		}
	}
}

func TestSplitZeroShares(t *testing.T) {
	docs := []string{"a", "b", "c"}
	s, err := SplitDocuments(docs, 0, 0, 1)
	if err != nil || len(s.Valid)+len(s.Judge) != 0 || !slices.Equal(s.Train, docs) {
		t.Errorf("%+v, %v", s, err)
	}
}

// One document is cut where paragraphs end, and nothing but line feeds is lost.
func TestSplitSingleDocument(t *testing.T) {
	for _, sep := range []string{"\n\n", "\n"} {
		var b strings.Builder
		for i := range 500 {
			fmt.Fprintf(&b, "Paragraph %d ends.%s", i, sep)
		}
		s, err := SplitDocuments([]string{b.String()}, 0.1, 0.2, 3)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(s.Train, s.Valid, s.Judge)
		if len(all) < onlyPieces/2 || len(all) > onlyPieces {
			t.Errorf("%d pieces", len(all))
		}
		ends := 0
		for _, piece := range all {
			if !strings.HasPrefix(piece, "Paragraph ") || !strings.HasSuffix(piece, " ends.") {
				t.Errorf("piece %.20q...%q", piece, piece[len(piece)-10:])
			}
			ends += strings.Count(piece, " ends.")
		}
		if ends != 500 {
			t.Errorf("%d paragraphs came back", ends)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	for _, c := range []struct {
		docs         []string
		valid, judge float64
		says         string
	}{
		{nil, 0.1, 0.2, "corpus is empty"},
		{[]string{"a", ""}, 0.1, 0.2, "document 2 of 2 is empty"},
		{[]string{"one line"}, 0.1, 0.2, "too few or too uneven"},
		{[]string{"a", "b"}, 0.1, 0.2, "form feed"},
		{[]string{"a", "b", "c"}, -0.1, 0.2, "must not be negative"},
		{[]string{"a", "b", "c"}, 0.5, 0.5, "leave some text"},
		{[]string{"a", "b", "c"}, math.NaN(), 0.5, "must not be negative"},
		{[]string{"a", "b", strings.Repeat("c", 1000)}, 0.1, 0.2, "too uneven"},
	} {
		_, err := SplitDocuments(c.docs, c.valid, c.judge, 1)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("SplitDocuments(%d documents, %v, %v): error %v, want one with %q", len(c.docs), c.valid, c.judge, err, c.says)
		}
	}
}
