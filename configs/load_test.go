package configs

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// write puts a run file into a fresh folder and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	return writeAs(t, filepath.Join(t.TempDir(), "x.yaml"), text)
}

func writeAs(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadWithoutAnything(t *testing.T) {
	for _, path := range []string{"", write(t, ""), write(t, "# nothing but a comment\n"), write(t, "{}")} {
		got, err := Load(path, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, Default()) {
			t.Errorf("Load(%q) differs from the defaults in %v", path, Changed(got, Default()))
		}
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, filepath.Join(dir, "base.yaml"), "threads: 1\nseed: 11\nrun: base\nevaluate: {rows: 5, steps: [3, 3, 3]}\npretrain: {optim: {lr: 1, warmup: 7}}\n")
	path := writeAs(t, filepath.Join(dir, "x.yaml"), "extends: base.yaml\nseed: 12\nrun: file\nevaluate: {steps: [2]}\npretrain: {optim: {lr: 2}}\n")
	env := []string{"HOME=/", "FSDFM_RUN=env", "FSDFM_PRETRAIN_OPTIM_LR=3", "FSDFMX=1", "FSDFM_DISTILL_OPTIM_LR=0.5"}
	got, err := Load(path, []string{"pretrain.optim.lr=9", "pretrain.optim.lr=4"}, env)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Threads = 1               // the extended file over the default
	want.Evaluate.Rows = 5         // kept, though both files have the section
	want.Pretrain.Optim.Warmup = 7 // the same, two sections deep
	want.Seed = 12                 // the file over the one it extends
	want.Evaluate.Steps = []int{2} // a list is replaced as a whole
	want.Run = "env"               // the variable over the file
	want.Distill.Optim.LR = 0.5    // the variable over the default, with an inlined section
	want.Pretrain.Optim.LR = 4     // -set over the variable, the last -set over the first
	if !reflect.DeepEqual(got, want) {
		t.Errorf("wrong: %v\ngot  %+v\nwant %+v", Changed(got, want), got, want)
	}
}

func TestOverrideValues(t *testing.T) {
	for _, c := range []struct {
		set string
		get func(Config) any
		val any
	}{
		{"evaluate.steps=[1, 2,4]", func(c Config) any { return c.Evaluate.Steps }, []int{1, 2, 4}},
		{"evaluate.steps=1,2, 4", func(c Config) any { return c.Evaluate.Steps }, []int{1, 2, 4}},
		{"evaluate.steps=16", func(c Config) any { return c.Evaluate.Steps }, []int{16}},
		{"evaluate.steps=", func(c Config) any { return c.Evaluate.Steps }, []int(nil)},
		{"evaluate.steps=[]", func(c Config) any { return c.Evaluate.Steps }, []int(nil)},
		{"data.files=*.txt, b: c", func(c Config) any { return c.Data.Files }, []string{"*.txt", "b: c"}},
		{`data.files=["a,b", c]`, func(c Config) any { return c.Data.Files }, []string{"a,b", "c"}},
		{"run=2024-01-01", func(c Config) any { return c.Run }, "2024-01-01"},
		{"run=a=b # c", func(c Config) any { return c.Run }, "a=b # c"},
		{`run="quoted\x41"`, func(c Config) any { return c.Run }, "quotedA"},
		{"data.dir=", func(c Config) any { return c.Data.Dir }, ""},
		{"seed=18446744073709551615", func(c Config) any { return c.Seed }, uint64(math.MaxUint64)},
		{"seed=9007199254740993", func(c Config) any { return c.Seed }, uint64(1<<53 + 1)},
		{"pretrain.steps=10_000", func(c Config) any { return c.Pretrain.Steps }, 10000},
		{"pretrain.optim.lr=3e-4", func(c Config) any { return c.Pretrain.Optim.LR }, 3e-4},
		{"pretrain.optim.lr=1", func(c Config) any { return c.Pretrain.Optim.LR }, 1.0},
		{"flow.source=mask", func(c Config) any { return c.Flow.Source }, "mask"},
	} {
		got, err := Load("", []string{c.set}, nil)
		if err != nil {
			t.Errorf("-set %s: %v", c.set, err)
		} else if v := c.get(got); !reflect.DeepEqual(v, c.val) {
			t.Errorf("-set %s: got %#v, want %#v", c.set, v, c.val)
		}
		path, text, _ := strings.Cut(c.set, "=")
		fromEnv, err := Load("", nil, []string{keys.byPath[path].env() + "=" + text})
		if err != nil || !reflect.DeepEqual(got, fromEnv) {
			t.Errorf("-set %s differs from the same as a variable: %v %v", c.set, Changed(got, fromEnv), err)
		}
	}
}

// random gives every key of a Config a hostile value of its type.
func random(rng *rand.Rand) Config {
	texts := []string{"", "x", "true", "null", "~", "2024", "0x1p3", "1e3", "a: b", "# c", " a ", "*a", "&a", "<<", "\n", "a\nb\n", "\t", "'", `"\`, "é\u2028\u0085\x00", "- a", "[1", "%", strings.Repeat("word ", 60)}
	value := func(typ reflect.Type) reflect.Value {
		switch typ.Kind() {
		case reflect.Int:
			return reflect.ValueOf(int(rng.Uint64()) >> rng.IntN(64))
		case reflect.Uint64:
			return reflect.ValueOf(rng.Uint64() >> rng.IntN(64))
		case reflect.Float64:
			for {
				if f := math.Float64frombits(rng.Uint64()); finite(f) {
					return reflect.ValueOf(f)
				}
			}
		case reflect.Bool:
			return reflect.ValueOf(rng.IntN(2) == 1)
		}
		return reflect.ValueOf(texts[rng.IntN(len(texts))])
	}
	var c Config
	for _, k := range keys.list {
		if k.typ.Kind() != reflect.Slice {
			k.in(&c).Set(value(k.typ))
			continue
		}
		for range rng.IntN(4) {
			k.in(&c).Set(reflect.Append(k.in(&c), value(k.typ.Elem())))
		}
	}
	return c
}

func TestMarshalRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := []Config{Default()}
	for range 200 {
		all = append(all, random(rng))
	}
	for _, want := range all {
		text, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		f := parseFile("x.yaml", text)
		if len(f.problems) > 0 || len(f.values) != len(keys.list) {
			t.Fatalf("%v, %d of %d keys, in\n%s", f.problems, len(f.values), len(keys.list), text)
		}
		got, err := resolve([]file{f}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("changed on the way: %v\n%s", Changed(got, want), text)
		}
	}
}

func TestKnown(t *testing.T) {
	paths := Known()
	for _, want := range []string{"run", "seed", "distill.optim.lr", "distill.trajectory.kl", "pretrain.loss", "model.n_blocks"} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s is missing in %v", want, paths)
		}
	}
	if slices.Contains(paths, "model.step_aware") {
		t.Error("model.step_aware is no setting of a run")
	}
	if len(keys.byPath) != len(paths) || len(keys.byEnv) != len(paths) {
		t.Errorf("%d keys, but %d different paths and %d variables", len(paths), len(keys.byPath), len(keys.byEnv))
	}
}

func TestChanged(t *testing.T) {
	a, b := Default(), Default()
	b.Data.Files = []string{}
	if got := Changed(a, b); got != nil {
		t.Errorf("an empty list for a missing one: %v", got)
	}
	b.Distill.Optim.LR = 7
	b.Seed = 2
	b.Evaluate.Steps = []int{1, 2, 4, 9}
	if got, want := Changed(a, b), []string{"seed", "distill.optim.lr", "evaluate.steps"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
