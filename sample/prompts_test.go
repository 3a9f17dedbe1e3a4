package sample_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"fsdfm/sample"
)

func TestReadPrompts(t *testing.T) {
	for _, test := range []struct {
		text      string
		jsonLines bool
		want      map[int]string // line: infill
	}{
		{"It is\r\n\nA [MASK] b", false, map[int]string{1: "It is[MASK]", 3: "A [MASK] b[MASK]"}},
		{"{\"prompt\":\"a\\nb\",\"suffix\":\"c\"}\n\n{\"infill\":\"[MASK:2]x\"}\n{}\n", true, map[int]string{1: "a\nb[MASK]c", 3: "[MASK:2]x", 4: "[MASK]"}},
	} {
		prompts, err := sample.ReadPrompts(strings.NewReader(test.text), test.jsonLines)
		got := map[int]string{}
		for _, p := range prompts {
			got[p.Line] = p.Infill.String()
		}
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
		}
	}
}

func TestReadPromptsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "there is no prompt: write one a line",
		"\n\n":                             "there is no prompt: write one a line",
		"{}\n{\"promt\":\"a\"}":            `line 2: json: unknown field "promt": expected an object of "prompt", "suffix" or "infill"`,
		"[\"a\"]":                          `line 1: json: cannot unmarshal array into Go value of type`,
		"{} {}":                            "line 1: more text after the JSON object: write one a line",
		"{\"infill\":\"[MASK:2\"}":         "line 1: infill, byte 0: a gap is not closed",
		`{"infill":"[MASK]","prompt":"a"}`: `line 1: "infill" is a whole text`,
		"\n{\"prompt\":\"a\"":              "line 2: unexpected EOF",
	} {
		if _, err := sample.ReadPrompts(strings.NewReader(text), true); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	broken := errors.New("a bad sector")
	if _, err := sample.ReadPrompts(iotest.ErrReader(broken), false); !errors.Is(err, broken) {
		t.Errorf("a file that does not read: %v", err)
	}
}
