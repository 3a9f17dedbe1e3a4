package checkpoints

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func exampleState() State {
	return State{
		Kind: "distill", Step: 1200, Rows: 1 << 40, Seed: math.MaxUint64, ConfigHash: "abc",
		Config: json.RawMessage(`{"name":"<a & b>","lr":0.0003}`), Extra: map[string]float64{"best_loss": 1.25},
	}
}

func TestStateRoundTrip(t *testing.T) {
	dir := t.TempDir()
	want := exampleState()
	groups := map[string][]Tensor{"weights": small(), "ema": small(), "moment1": small()[1:2], "moment2": {}}
	path, err := SaveState(dir, want, groups)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(path) != "step-00001200" {
		t.Errorf("path %s", path)
	}
	if latest, _, err := Latest(dir); latest != path || err != nil {
		t.Errorf("latest %s, error %v", latest, err)
	}
	got, open, err := LoadState(path)
	if err != nil {
		t.Fatal(err)
	}
	want.Format = stateFormat
	if !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v, saved %+v", got, want)
	}
	for group, tensors := range groups {
		s, err := open(group)
		if err != nil {
			t.Fatal(err)
		}
		loaded := blank(tensors)
		if err := s.Load(loaded); err != nil || !sameTensors(loaded, tensors) {
			t.Errorf("%s: loaded %v, saved %v: %v", group, loaded, tensors, err)
		}
		s.Close()
	}
	if _, err := open("moment3"); err == nil || !strings.Contains(err.Error(), `no tensors "moment3": it has ema, moment1, moment2, weights`) {
		t.Errorf("error %v", err)
	}
}

func TestSaveStateRefuses(t *testing.T) {
	nan, negative, config := exampleState(), exampleState(), exampleState()
	nan.Extra["best_loss"] = math.NaN()
	negative.Rows = -1
	config.Config = json.RawMessage(`{`)
	for name, c := range map[string]struct {
		state  State
		groups map[string][]Tensor
		want   string
	}{
		"not a number": {nan, nil, "training state"},
		"negative":     {negative, nil, "must not be negative"},
		"config":       {config, nil, "training state"},
		"group name":   {exampleState(), map[string][]Tensor{"../x": nil}, "without separators"},
		"duplicate":    {exampleState(), map[string][]Tensor{"ema": append(small(), small()[5])}, "appears twice"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := SaveState(dir, c.state, c.groups); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected %q", err, c.want)
			}
			if left := names(t, dir); left != nil {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestLoadStateRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "use another save",
		`{}`:                                  "format is 0, this version reads 1",
		`{"format":2}`:                        "format is 2, this version reads 1",
		`{"format":1,"config":{},"stepp":3}`:  `unknown field "stepp"`,
		`{"format":1,"config":{},"step":-1}`:  "negative",
		`{"format":1,"step":1}`:               "config",
		`{"format":1,"config":{}} {}`:         "use another save",
		`{"format":1,"config":{},"step":1.5}`: "use another save",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := LoadState(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q", text, err, want)
		}
	}
	if _, _, err := LoadState(t.TempDir()); err == nil || !strings.Contains(err.Error(), "name the folder of one save") {
		t.Errorf("error %v", err)
	}
}

func FuzzState(f *testing.F) {
	text, err := json.Marshal(exampleState())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":1,"config":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err == nil && (s.Step < 0 || s.Rows < 0 || !json.Valid(s.Config)) {
			t.Errorf("%q gave %+v", text, s)
		}
	})
}
