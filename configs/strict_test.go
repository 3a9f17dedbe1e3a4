package configs

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Each text must be refused with exactly these lines; X stands for the file.
func TestStrictFiles(t *testing.T) {
	const whole = "must be a whole 64-bit number without fraction or exponent"
	const text = "must be a text in UTF-8 (put quotes around it if it looks like something else)"
	for _, c := range []struct{ text, want string }{
		// unknown names
		{"pretrain:\n  btach: 3", "X:2: unknown key pretrain.btach: did you mean pretrain.batch?"},
		{"pretrian:\n  batch: 3", "X:1: unknown key pretrian: did you mean pretrain?"},
		{"Run: a", "X:1: unknown key Run: did you mean run?"},
		{"pretrain: {lr: 3}", "X:1: unknown key pretrain.lr: did you mean pretrain.optim.lr?"},
		{"flow: {xyzzyx: 1}", "X:1: unknown key flow.xyzzyx: known here: source, scheduler, solver, spacing"},
		{"model: {step_aware: true}", "X:1: unknown key model.step_aware: known here: vocab_size, masked, length, hidden_size, cond_dim, n_blocks, n_heads, dropout, step_conditioning, step_embedding"},
		{"pretrain.batch: 3", "X:1: pretrain.batch is written with a dot: write sections, each with its keys indented below"},
		{"\"a\\e[2J\": 1", `X:1: unknown key "a\x1b[2J": known here: run, kind, seed, threads, data, flow, model, pretrain, gate, rollout, distill, evaluate, export`},
		{"pretrain: {optim.lr: 3}", "X:1: pretrain.optim.lr is written with a dot: write sections, each with its keys indented below"},
		// shape
		{"pretrain: 3", "X:1: pretrain is 3: must be a section with keys: steps, batch, micro_batch, recompute, optim, ema_decay, eval_every, eval_rows, checkpoint_every, keep, log_every, on_nan, loss"},
		{"flow:\nrun: a", "X:1: flow is empty: must be a section with keys: source, scheduler, solver, spacing"},
		{"flow: [euler]", "X:1: flow is a list: must be a section with keys: source, scheduler, solver, spacing"},
		{"- 1", "X:1: the file is a list: must be a section with keys: run, kind, seed, threads, data, flow, model, pretrain, gate, rollout, distill, evaluate, export"},
		{"run: {a: b}", "X:1: run is a section: " + text},
		{"evaluate: {steps: 4}", "X:1: evaluate.steps is 4: must be a list, as in [a, b]"},
		{"evaluate:\n  steps:\n    - 1\n    - 2.5\n    - [3]", "X:4: evaluate.steps[1] is 2.5: " + whole + "\nX:5: evaluate.steps[2] is a list: " + whole},
		{"? [a]\n: 1", "X:1: a key is a list: keys are plain names"},
		// types
		{"threads: 8.7", "X:1: threads is 8.7: " + whole},
		{"threads: 8.0", "X:1: threads is 8.0: " + whole},
		{"threads: 1e3", "X:1: threads is 1e3: " + whole},
		{"threads: 010", "X:1: threads is 010: " + whole},
		{"threads: true", "X:1: threads is true: " + whole},
		{"threads: \"8\"", `X:1: threads is "8": ` + whole},
		{"threads: four", `X:1: threads is "four": ` + whole},
		{"threads: 9223372036854775808", "X:1: threads is 9223372036854775808: " + whole},
		{"threads:", "X:1: threads is empty: " + whole},
		{"threads: ~", "X:1: threads is empty: " + whole},
		{"threads: !!int x", "X:1: threads is x: " + whole},
		{"seed: -1", "X:1: seed is -1: must be a whole number from 0 to 18446744073709551615"},
		{"seed: 18446744073709551616", "X:1: seed is 18446744073709551616: must be a whole number from 0 to 18446744073709551615"},
		{"flow: {scheduler: '1'}", `X:1: flow.scheduler is "1": must be a finite number`},
		{"flow: {scheduler: true}", "X:1: flow.scheduler is true: must be a finite number"},
		{"flow: {scheduler: .nan}", "X:1: flow.scheduler is .nan: must be a finite number"},
		{"flow: {scheduler: .inf}", "X:1: flow.scheduler is .inf: must be a finite number"},
		{"flow: {scheduler: null}", "X:1: flow.scheduler is empty: must be a finite number"},
		{"model: {masked: 1}", "X:1: model.masked is 1: must be true or false"},
		{"model: {masked: yes}", `X:1: model.masked is "yes": must be true or false`},
		{"run: 2024", "X:1: run is 2024: " + text},
		{"run: 2024-01-01", "X:1: run is 2024-01-01: " + text},
		{"run: true", "X:1: run is true: " + text},
		{"run:", "X:1: run is empty: " + text},
		{"data: {files: [null]}", "X:1: data.files[0] is empty: " + text},
		// YAML itself
		{"seed: 1\nrun: a\nseed: 2", "X:3: seed is set twice, first on line 1"},
		{"flow: {solver: euler}\nflow: {source: mask}", "X:2: flow is set twice, first on line 1"},
		{"seed: 1\n---\nseed: 2", "X:2: a second document begins: a run file holds one"},
		{"seed: 1\n  run: a", "X:2: mapping values are not allowed in this context"},
		{"a: &a {seed: 1}\n<<: *a", "X:1: unknown key a: known here: run, kind, seed, threads, data, flow, model, pretrain, gate, rollout, distill, evaluate, export\n" +
			"X:2: merge keys (<<) are not read: write the keys out, or put them into a file to extend"},
		{"seed: *a", "X: unknown anchor 'a' referenced"},
		{"extends: [a]", "X:1: extends is a list: must name one run file, relative to this one"},
		{"extends:", "X:1: extends is empty: must name one run file, relative to this one"},
		{"flow: {extends: a}", "X:1: unknown key flow.extends: known here: source, scheduler, solver, spacing"},
		// all at once, in the order of the lines
		{"seed: 1.5\nthreds: 3\npretrain: {optim: {lr: fast}}\n", "X:1: seed is 1.5: must be a whole number from 0 to 18446744073709551615\n" +
			"X:2: unknown key threds: did you mean threads?\nX:3: pretrain.optim.lr is \"fast\": must be a finite number"},
	} {
		path := write(t, c.text)
		_, err := Load(path, nil, nil)
		if err == nil {
			t.Errorf("accepted:\n%s", c.text)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), path, "X"); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestStrictOverrides(t *testing.T) {
	overrides := []string{"pretrain.btach=3", "pretrain", "distill=5", "threads=8.7", "threads=", "threads=true", "run=\xff", "evaluate.steps=1,x", "evaluate.steps=[1", "extends=a.yaml", "=1"}
	env := []string{"FSDFM_SEEED=3", "FSDFM_XYZZYX", "FSDFM_SEED=-1", "FSDFM_DISTILL=3", "FSDFM_DISTILL_LR=1"}
	want := `FSDFM_SEEED: unknown variable: did you mean FSDFM_SEED?
FSDFM_XYZZYX: unknown variable: names are FSDFM_SECTION_KEY, such as FSDFM_PRETRAIN_OPTIM_LR
FSDFM_SEED: seed is -1: must be a whole number from 0 to 18446744073709551615
FSDFM_DISTILL: unknown variable: did you mean FSDFM_DISTILL_KL?
FSDFM_DISTILL_LR: unknown variable: did you mean FSDFM_DISTILL_OPTIM_LR?
-set pretrain.btach=3: unknown key pretrain.btach: did you mean pretrain.batch?
-set pretrain: no = in it: write key=value
-set distill=5: distill is a section: set its keys, such as distill.steps
-set threads=8.7: threads is 8.7: must be a whole 64-bit number without fraction or exponent
-set threads=: threads is empty: must be a whole 64-bit number without fraction or exponent
-set threads=true: threads is true: must be a whole 64-bit number without fraction or exponent
-set "run=\xff": run is "\xff": must be a text in UTF-8 (put quotes around it if it looks like something else)
-set evaluate.steps=1,x: evaluate.steps[1] is "x": must be a whole 64-bit number without fraction or exponent
-set evaluate.steps=[1: evaluate.steps is [1: not a value: line 1: did not find expected ',' or ']'
-set extends=a.yaml: unknown key extends: known here: run, kind, seed, threads, data, flow, model, pretrain, gate, rollout, distill, evaluate, export
-set =1: unknown key "": known here: run, kind, seed, threads, data, flow, model, pretrain, gate, rollout, distill, evaluate, export`
	_, err := Load("", overrides, env)
	compareLines(t, err, want)
}

func compareLines(t *testing.T, err error, want string) {
	t.Helper()
	got := strings.Split(fmt.Sprint(err), "\n")
	for i, w := range strings.Split(want, "\n") {
		if i >= len(got) {
			t.Errorf("missing: %s", w)
		} else if got[i] != w {
			t.Errorf("line %d\ngot  %s\nwant %s", i+1, got[i], w)
		}
	}
	if n := strings.Count(want, "\n") + 1; len(got) > n {
		t.Errorf("too much: %s", strings.Join(got[n:], "\n"))
	}
}

// Problems below a section of a section carry the full key, one a line.
func TestValidateListsEverything(t *testing.T) {
	path := write(t, "run: ''\npretrain: {batch: 0, loss: mse, optim: {lr: -1, eps: 0}}\nrollout: {solver: leap}\ndistill: {steps: -1}\nmodel: {masked: true, length: 3}\n")
	_, err := Load(path, []string{"evaluate.rows=0"}, nil)
	want := strings.ReplaceAll(`X: run is empty: give the run a name
X: pretrain.batch is 0: must be at least 1
X: pretrain.optim.lr is -1: must be above 0
X: pretrain.optim.eps is 0: must be above 0
X: pretrain.loss is "mse": must be ce or gkl
X: rollout.solver is "leap": must be one of [euler_cumulative euler ancestral mixture_euler]
X: distill.steps is -1: must be at least 0
X: evaluate.rows 0 and batch 32 must be at least 1
X: model.masked is true but flow.source is "uniform": set flow.source: mask and leave model.masked out
X: model.length is 3 but data.length is 64: leave model.length out`, "X:", path+":")
	compareLines(t, err, want)
}

func TestValidateSections(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"threads=-1", "threads is -1: must be at least 0"},
		{"data.corpus=web", `data.corpus is "web": must be one of [austen files dir]`},
		{"data.corpus=files", "data.files is empty: name the text files for corpus: files"},
		{"data.corpus=dir", "data.dir is empty: name a folder made by fsdfm-data for corpus: dir"},
		{"data.tokenizer=bpo", `data.tokenizer: unknown tokenizer "bpo": must be one of [char bytes bpe gpt2] or a file ending in .json`},
		{"data.valid_share=0", "data.valid_share is 0: must be in (0, 1)"},
		{"data.judge_share=0.9", "data.valid_share + judge_share is 0.9500000000000001: leave at least 0.1 for training"},
		{"flow.source=noise", `flow.source is "noise": must be one of [uniform mask]`},
		{"flow.scheduler=0", "flow.scheduler is 0: the exponent must be above 0"},
		{"evaluate.steps=1,0", "evaluate.steps is [1 0], teacher_steps 1024: every budget must be at least 1"},
		{"evaluate.judge_order=9", "evaluate.judge_order is 9: must be in 1..8"},
		{"evaluate.weights=best", `evaluate.weights is "best": must be ema or raw`},
		{"evaluate.samples=-1", "evaluate.samples is -1: must be at least 0"},
		{"export.weights=raw", `export.weights is "raw": must be ema or student`},
		{"distill.optim.clip=-1", "distill.optim.clip is -1: must be at least 0"},
	} {
		_, err := Load("", []string{c.set}, nil)
		compareLines(t, err, c.want)
	}
	_, err := Load("", []string{"distill.trajectory_share=1", "rollout.trajectories=0"}, nil)
	compareLines(t, err, "distill.trajectory_share is 1 and distill.coupling_share 0 but rollout.trajectories is 0: there is nothing to learn from")
}

func TestExtendsRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeAs(t, at("self.yaml"), "extends: self.yaml\n")
	writeAs(t, at("a.yaml"), "extends: b.yaml\n")
	writeAs(t, at("b.yaml"), "\nextends: ./a.yaml\n")
	writeAs(t, at("lost.yaml"), "sede: 1\nextends: nowhere.yaml\n")
	writeAs(t, at("bad.yaml"), "extends: lost.yaml\nrnu: x\n")
	for name, want := range map[string]string{
		"self.yaml": at("self.yaml") + ":1: extends: " + at("self.yaml") + " closes a circle: a file cannot extend itself",
		"a.yaml":    at("b.yaml") + ":2: extends: " + at("a.yaml") + " closes a circle: a file cannot extend itself",
		"bad.yaml": at("bad.yaml") + ":2: unknown key rnu: did you mean run?\n" + at("lost.yaml") + ":1: unknown key sede: did you mean seed?\n" +
			at("lost.yaml") + ":2: extends: reading the run file: open " + at("nowhere.yaml") + ": no such file or directory",
		"none.yaml": "reading the run file: open " + at("none.yaml") + ": no such file or directory",
	} {
		_, err := Load(at(name), nil, nil)
		compareLines(t, err, want)
	}
}

func TestExtendsThroughFolders(t *testing.T) {
	dir := t.TempDir()
	base := writeAs(t, filepath.Join(t.TempDir(), "base.yaml"), "seed: 5\nthreads: 3\n")
	writeAs(t, filepath.Join(dir, "middle.yaml"), "extends: "+base+"\nthreads: 4\n")
	got, err := Load(writeAs(t, filepath.Join(dir, "top.yaml"), "extends: middle.yaml\nrun: top\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Seed != 5 || got.Threads != 4 || got.Run != "top" {
		t.Errorf("got seed %d, threads %d, run %s; want 5, 4, top", got.Seed, got.Threads, got.Run)
	}
}

func TestNearest(t *testing.T) {
	for path, want := range map[string]string{
		"pretrain.btach":            "pretrain.batch",
		"pretrain.lr":               "pretrain.optim.lr",
		"distill.optim.learn_rate":  "",
		"distil.optim.lr":           "distill.optim.lr",
		"evaluate.teachersteps":     "evaluate.teacher_steps",
		"distill.trajectoryshare":   "distill.trajectory_share",
		"modle":                     "model",
		"lenght":                    "data.length",
		"data.lenght":               "data.length",
		"model.heads":               "model.n_heads",
		"flow.schedular":            "flow.scheduler",
		"":                          "",
		strings.Repeat("x", 100000): "",
	} {
		if got, _ := nearest(path, Known()); got != want && !(path == "modle" && keys.sections[want]) {
			t.Errorf("nearest(%.40s) = %q, want %q", path, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"btach", "batch", 1}, {"batch", "batches", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"é", "e", 2}} {
		if d, back := distance(c.a, c.b), distance(c.b, c.a); d != c.want || back != c.want {
			t.Errorf("distance(%s, %s) = %d and back %d, want %d", c.a, c.b, d, back, c.want)
		}
	}
}
