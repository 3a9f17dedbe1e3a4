package sample

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"fsdfm/model"
)

func description() Description {
	d := NewDescription(model.DefaultConfig())
	d.VocabSize, d.Length, d.Source, d.Scheduler, d.Solver, d.Corpus = 61, 16, "uniform", 1, "euler_cumulative", "austen"
	return d
}

// Hostile texts of config.json end in an error.
func TestHostileDescriptions(t *testing.T) {
	good, err := json.Marshal(description())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseDescription(good); err != nil {
		t.Fatal(err)
	}
	with := func(from, to string) string {
		text := strings.Replace(string(good), from, to, 1)
		if text == string(good) {
			t.Fatalf("no %s in %s", from, good)
		}
		return text
	}
	deep := strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6)
	for name, c := range map[string]struct{ text, want string }{
		"deep":            {deep, "is this a model exported by fsdfm?"},
		"deep inside":     {with(`"austen"`, deep), "is this a model exported by fsdfm?"},
		"two objects":     {string(good) + "{}", "more text follows"},
		"long rows":       {with(`"length":16`, `"length":4611686018427387904`), "length is 4611686018427387904: must be at most 1048576"},
		"overflow":        {with(`"vocab_size":61`, `"vocab_size":9223372036854775808`), "is this a model exported by fsdfm?"},
		"too many blocks": {strings.NewReplacer(`"n_blocks":4`, `"n_blocks":1048576`, `"hidden_size":192`, `"hidden_size":1048576`).Replace(string(good)), "parameters: must be at most 1e+13"},
		"unknown key":     {with(`"format"`, `"evil":1,"format"`), "is this a model exported by fsdfm?"},
	} {
		if _, err := ParseDescription([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: error %.1000v, want %q", name, err, c.want)
		}
	}
}

// FuzzDescription: what is read of a config.json is a network that can be laid
// out, and survives being written.
func FuzzDescription(f *testing.F) {
	d := description()
	masked, judge := d, NewDescription(d.Config.Judge())
	masked.Masked, masked.Source, masked.StepConditioning, masked.StepAware = true, "mask", model.Fused, true
	judge.VocabSize, judge.Length, judge.Source, judge.Scheduler, judge.Solver = 5, 3, "uniform", 0.5, "euler"
	for _, seed := range []Description{d, masked, judge} {
		text, err := json.MarshalIndent(seed, "", "  ")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDescription(text)
		if err != nil {
			return
		}
		if n := d.Parameters(); n < 1 {
			t.Errorf("%q has %d parameters", text, n)
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseDescription(again)
		if err != nil || !reflect.DeepEqual(back, d) {
			t.Errorf("%q came back as %+v, %v", text, back, err)
		}
	})
}
