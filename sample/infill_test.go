package sample_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fsdfm/sample"
)

func TestParseInfill(t *testing.T) {
	text, gap := func(s string) sample.Piece { return sample.Piece{Text: s} }, func(n int) sample.Piece { return sample.Piece{Gap: n} }
	for s, want := range map[string]sample.Infill{
		"The [MASK:20] sat":        {text("The "), gap(20), text(" sat")},
		"[MASK]":                   {gap(sample.Rest)},
		"[MASK:3][MASK]x[MASK:07]": {gap(3), gap(sample.Rest), text("x"), gap(7)},
		"[MASKED] [MASK:1]":        {text("[MASKED] "), gap(1)},
		"[[MASK:1]]":               {text("["), gap(1), text("]")},
		"é\n[MASK:1]🙂":             {text("é\n"), gap(1), text("🙂")},
	} {
		if got, err := sample.ParseInfill(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", s, got, err, want)
		}
	}
}

func TestParseInfillErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                             "infill: there is nothing to write: mark the gaps, as in The [MASK:20] sat",
		"[MASKED] and [mask:3]":        "infill: there is nothing to write: mark the gaps, as in The [MASK:20] sat",
		"é [MASK:20":                   "infill, byte 3: a gap is not closed: write it as in [MASK:20]",
		"a[MASK:]":                     `infill, byte 1: a gap of "" tokens: must be a number from 1 to 1048576`,
		"[MASK:0]":                     `infill, byte 0: a gap of "0" tokens: must be a number from 1 to 1048576`,
		"[MASK:1] [MASK:-3]":           `infill, byte 9: a gap of "-3" tokens: must be a number from 1 to 1048576`,
		"[MASK:99999999999999999999]":  `infill, byte 0: a gap of "99999999999999999999" tokens: must be a number from 1 to 1048576`,
		"[MASK] and [MASK:2] or[MASK]": "infill: 2 gaps have no size: give a number to all but one, as in [MASK:20]",
	} {
		if _, err := sample.ParseInfill(s); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

// letters encodes a..z as 0..25.
type letters struct{}

func (letters) Encode(text string) ([]int32, error) {
	ids := make([]int32, len(text))
	for i := range ids {
		ids[i] = int32(text[i] - 'a')
	}
	return ids, nil
}

func TestTemplate(t *testing.T) {
	const f = sample.Free
	for s, want := range map[string]sample.Template{
		"[MASK]":           {f, f, f, f, f},
		"[MASK:5]":         {f, f, f, f, f},
		"ab[MASK]":         {0, 1, f, f, f},
		"[MASK]ab":         {f, f, f, 0, 1},
		"a[MASK:2]b[MASK]": {0, f, f, 1, f},
		"a[MASK:3][MASK]b": {0, f, f, f, 1}, // nothing remains for the second
	} {
		in, err := sample.ParseInfill(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := in.Template(letters{}, 5); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", s, got, err, want)
		}
	}
	if got, err := sample.Continue("ab", "c").Template(letters{}, 5); err != nil || !slices.Equal(got, sample.Template{0, 1, f, f, 2}) {
		t.Errorf("prompt and suffix: %v, %v", got, err)
	}
}

func TestTemplateErrors(t *testing.T) {
	for s, want := range map[string]string{
		"ab[MASK:2]":         "the given text has 2 tokens and its gaps 2 but a sample 5: leave one gap without a number, [MASK], to take what remains, or draw samples of 4 tokens",
		"ab[MASK:4]":         "the given text has 2 tokens and its gaps 4 but a sample only 5: shorten it or draw longer samples",
		"ab[MASK:4][MASK]":   "the given text has 2 tokens and its gaps 4 but a sample only 5: shorten it or draw longer samples",
		"abcdef[MASK]":       "the given text has 6 tokens but a sample only 5: shorten it or draw longer samples",
		"abc[MASK]de":        "the given text has 5 tokens, as many as a sample: nothing is left to write, shorten it or draw longer samples",
		"[MASK:1048576]":     "the given text has 0 tokens and its gaps 1048576 but a sample only 5: shorten it or draw longer samples",
		"[MASK:4]a[MASK:10]": "the given text has 1 tokens and its gaps 14 but a sample only 5: shorten it or draw longer samples",
	} {
		in, err := sample.ParseInfill(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Template(letters{}, 5); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

func FuzzInfill(f *testing.F) {
	for _, s := range []string{"The [MASK:20] sat", "[MASK]", "[MASK:3][MASK]x", "[MASKED][MASK:1]", "[[MASK:1]]", "[MASK:20", "a[MASK:]b", "[MASK:\x00]", "\xff[MASK]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in, err := sample.ParseInfill(s)
		if err != nil {
			if strings.ContainsAny(strings.ReplaceAll(err.Error(), s, ""), "\n\x00") {
				t.Errorf("%q: error of several lines: %q", s, err)
			}
			return
		}
		again, err := sample.ParseInfill(in.String())
		if err != nil || !reflect.DeepEqual(again, in) {
			t.Errorf("%q reads as %+v, and written again as %+v, %v", s, in, again, err)
		}
		size := 0
		for _, p := range in {
			size += max(p.Gap, 0)
			if (p.Text == "") != (p.Gap != 0) {
				t.Errorf("%q: piece %+v is not either a text or a gap", s, p)
			}
		}
		if size > 1<<12 {
			return
		}
		length := len(s) + size
		template, err := in.Template(letters{}, length)
		if err == nil && len(template) != length {
			t.Errorf("%q: %d tokens, want %d", s, len(template), length)
		}
	})
}
