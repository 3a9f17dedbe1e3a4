package data

import (
	"slices"
	"strings"
	"testing"

	"fsdfm/data/tokenizer"
)

func TestPack(t *testing.T) {
	tok := tokenizer.NewBytes()
	rows, err := Pack([]string{"abc", "de", "fghijk"}, tok, 4)
	if err != nil {
		t.Fatal(err)
	}
	if rows.Len() != 3 || rows.Length() != 4 {
		t.Fatalf("%d rows of %d", rows.Len(), rows.Length())
	}
	var got []string
	for i := range rows.Len() {
		got = append(got, tok.Decode(rows.Row(i)))
	}
	if want := []string{"abc" + tokenizer.DocumentBreak, "de" + tokenizer.DocumentBreak + "f", "ghij"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUnigramsCountHalfATimeMore(t *testing.T) {
	rows, err := NewRows([]int32{0, 1, 1, 3, 1, 0}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{2.5 / 8, 3.5 / 8, 0.5 / 8, 1.5 / 8}
	if got := rows.Unigrams(4); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPackErrors(t *testing.T) {
	abc, err := tokenizer.NewChars("abc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		docs   []string
		length int
		says   string
	}{
		{[]string{"abc"}, 0, "must be at least 1"},
		{[]string{"abc"}, 5, "1 documents give 4 tokens, less than one row of 5"},
		{[]string{"abc", "abd"}, 2, "document 2 of 2: characters: 'd'"},
		{nil, 2, "less than one row"},
	} {
		_, err := Pack(c.docs, abc, c.length)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Pack(%q, %d): error %v, want one with %q", c.docs, c.length, err, c.says)
		}
	}
	for _, bad := range []struct{ tokens, length int }{{4, 0}, {0, 2}, {5, 2}} {
		if _, err := NewRows(make([]int32, bad.tokens), bad.length); err == nil {
			t.Errorf("NewRows(%d tokens, %d) passed", bad.tokens, bad.length)
		}
	}
}
