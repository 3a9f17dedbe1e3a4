package watch

import (
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

func TestPrintable(t *testing.T) {
	if got, want := Printable("a\x1b[2J\tb\r\n\x7f\u0085\u202e\f"), "a␛[2J b␍\n���␌"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		line  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"ab cd", 5, []string{"ab cd"}},
		{"ab cd ef", 5, []string{"ab cd", "ef"}},
		{"ab cde f", 5, []string{"ab", "cde f"}},
		{"abcdefg h", 5, []string{"abcde", "fg h"}},
		{" abcdefg", 5, []string{" abcd", "efg"}},
		{"日本語日本", 5, []string{"日本", "語日", "本"}},
		{"日本", 1, []string{"日", "本"}},
	} {
		if got := wrap(test.line, test.width); !slices.Equal(got, test.want) {
			t.Errorf("%q in %d: %q, want %q", test.line, test.width, got, test.want)
		}
	}
}

func TestColumns(t *testing.T) {
	heads := []string{"1 step", "2 steps", "4 steps"}
	texts := []string{"the first of all\ntexts", "日本 words and more of them", "x"}
	want := "" +
		"1 step              2 steps             4 steps\n" +
		"------------------  ------------------  ------------------\n" +
		"the first of all    日本 words and      x\n" +
		"texts               more of them\n"
	if got := Columns(heads, texts, 59); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	for _, width := range []int{1, 20, 39, 80} {
		got := Columns(heads, texts, width)
		for line := range strings.SplitSeq(got, "\n") {
			if w := runewidth.StringWidth(line); w > max(width, leastColumn) {
				t.Errorf("width %d: line %q is %d wide", width, line, w)
			}
		}
		for _, word := range []string{"first", "more", "4 steps"} {
			if !strings.Contains(got, word) {
				t.Errorf("width %d: %q is lost:\n%s", width, word, got)
			}
		}
	}
}
