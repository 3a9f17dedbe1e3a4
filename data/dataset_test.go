package data

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"fsdfm/data/tokenizer"
)

// sample is a small dataset's content: train in several files when written
// with 8 tokens a file.
func sample(t testing.TB) (tokenizer.Tokenizer, map[string]*Rows) {
	t.Helper()
	tok, err := tokenizer.NewChars("abcdefghij")
	if err != nil {
		t.Fatal(err)
	}
	splits := map[string]*Rows{}
	for name, docs := range map[string][]string{"train": {"abcdef", "ghij", "jihgfedcba"}, "valid": {"abcabc"}} {
		if splits[name], err = Pack(docs, tok, 4); err != nil {
			t.Fatal(err)
		}
	}
	return tok, splits
}

// makeDataset writes sample to a new folder.
func makeDataset(t *testing.T) (dir string) {
	t.Helper()
	tok, splits := sample(t)
	dir = filepath.Join(t.TempDir(), "set")
	if err := writeDataset(dir, tok, splits, 8); err != nil {
		t.Fatal(err)
	}
	return dir
}

// load opens a dataset and reads all of it.
func load(dir string) (map[string]*Rows, error) {
	d, err := OpenDataset(dir)
	if err != nil {
		return nil, err
	}
	splits := map[string]*Rows{}
	for _, name := range d.Splits() {
		if splits[name], err = d.Split(name); err != nil {
			return nil, err
		}
	}
	return splits, nil
}

func TestDatasetRoundTrip(t *testing.T) {
	tok, splits := sample(t)
	dir := makeDataset(t)
	d, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Vocab() != tok.Vocab() || d.Length() != 4 || d.Tokenizer().Name() != "char" {
		t.Errorf("vocab %d, length %d, tokenizer %s", d.Vocab(), d.Length(), d.Tokenizer().Name())
	}
	got, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got, splits, func(a, b *Rows) bool { return a.length == b.length && slices.Equal(a.Tokens(), b.Tokens()) }) {
		t.Errorf("splits came back as %v", got)
	}
	if n := len(d.manifest.Splits["train"].Files); n != 3 {
		t.Errorf("train has %d files", n)
	}
	if _, err := d.Split("test"); err == nil || !strings.Contains(err.Error(), "it has [train valid]") {
		t.Errorf("unknown split: %v", err)
	}
}

// A file with several record batches, and the columns as other readers see them.
func TestDatasetManyBatches(t *testing.T) {
	const length = 512
	ids := make([]int32, (2*batchTokens/length+3)*length)
	for i := range ids {
		ids[i] = int32(i % 257)
	}
	rows, err := NewRows(ids, length)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "deep", "set")
	if err := WriteDataset(dir, tokenizer.NewBytes(), map[string]*Rows{"train": rows}); err != nil {
		t.Fatal(err)
	}
	got, err := load(dir)
	if err != nil || !slices.Equal(got["train"].Tokens(), ids) {
		t.Fatalf("rows changed (%v)", err)
	}
	f, err := os.Open(filepath.Join(dir, "train-00000.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.NumRecords() != 3 {
		t.Errorf("%d records", r.NumRecords())
	}
	if s := r.Schema().Field(0).String(); s != "tokens: type=fixed_size_list<item: int32, nullable>[512], nullable" {
		t.Errorf("column is %s", strings.ReplaceAll(s, "\n", " "))
	}
	var about map[string]any
	if err := json.Unmarshal([]byte(r.Schema().Metadata().Values()[0]), &about); err != nil || about["length"] != 512.0 {
		t.Errorf("metadata %v: %v", r.Schema().Metadata(), err)
	}
}

// Two equal runs write the same bytes.
func TestDatasetDeterministic(t *testing.T) {
	a, b := makeDataset(t), makeDataset(t)
	for _, name := range fileNames(t, a) {
		if !bytes.Equal(read(t, filepath.Join(a, name)), read(t, filepath.Join(b, name))) {
			t.Errorf("%s differs", name)
		}
	}
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// damage runs check after each of: one bit flipped in every byte of the file,
// the file cut at every ninth byte and near its end, one byte added, the file gone.
func damage(t *testing.T, path string, check func() error) {
	t.Helper()
	good := read(t, path)
	expect := func(content []byte, what string, at int) {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := check(); err == nil {
			t.Errorf("%s: %s at %d was not noticed", filepath.Base(path), what, at)
		}
	}
	bad := slices.Clone(good)
	for i := range good {
		bad[i] ^= 1 << (i % 8)
		expect(bad, "flip", i)
		bad[i] = good[i]
		if i%9 == 0 || i > len(good)-9 {
			expect(good[:i], "cut", i)
		}
	}
	expect(append(slices.Clone(good), '\n'), "addition", len(good))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := check(); err == nil {
		t.Errorf("%s: its absence was not noticed", filepath.Base(path))
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Errorf("%s: restored, yet %v", filepath.Base(path), err)
	}
}

func TestDatasetDamage(t *testing.T) {
	dir := makeDataset(t)
	for _, name := range []string{"manifest.json", "tokenizer.json", "train-00001.arrow"} {
		damage(t, filepath.Join(dir, name), func() error {
			_, err := load(dir)
			return err
		})
	}
}

func TestWriteDatasetErrors(t *testing.T) {
	tok, splits := sample(t)
	other, err := NewRows([]int32{1, 2, 3}, 3)
	if err != nil {
		t.Fatal(err)
	}
	high, err := NewRows([]int32{1, 2, 3, 11}, 4)
	if err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	write(t, full, "mine.txt", "keep")
	for _, c := range []struct {
		dir    string
		splits map[string]*Rows
		says   string
	}{
		{full, splits, "not empty: remove it"},
		{filepath.Join(full, "mine.txt"), splits, "not a directory"},
		{filepath.Join(full, "new"), nil, "no splits"},
		{filepath.Join(full, "new"), map[string]*Rows{"../x": other}, "lower-case letters"},
		{filepath.Join(full, "new"), map[string]*Rows{"a": splits["train"], "b": other}, "split b has rows of 3"},
		{filepath.Join(full, "new"), map[string]*Rows{"a": high}, "token 3 is 11: outside the vocabulary of 11"},
	} {
		err := WriteDataset(c.dir, tok, c.splits)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one with %q", err, c.says)
		}
	}
	if got := fileNames(t, full); !slices.Equal(got, []string{"mine.txt"}) {
		t.Errorf("left behind: %v", got)
	}
	empty := t.TempDir()
	if err := WriteDataset(empty, tok, splits); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
}

// Manifests that are whole but wrong.
func TestOpenDatasetErrors(t *testing.T) {
	for _, c := range []struct{ old, new, says string }{
		{datasetFormat, "fsdfm-dataset-9", `reads "fsdfm-dataset-1"`},
		{`"vocab": 11`, `"vocab": 12`, "the tokenizer's is 11"},
		{`"length": 4`, `"length": 5`, "columns are"},
		{`"length": 4`, `"length": 0`, "missing"},
		{`"length": 4`, `"length": 4000000`, "do not fit"},
		{`"name": "valid-00000.arrow"`, `"name": "../../etc/passwd"`, "expected valid-00000.arrow"},
		{`"name": "tokenizer.json"`, `"name": "../t.json"`, "expected tokenizer.json"},
		{`"vocab": 11,`, `"vocab": 11, "more": 1,`, "unknown field"},
		{`"vocab": 11,`, `"Vocab": 11,`, "not in the form"},
		{`"rows": 5`, `"rows": 6`, "split train has 6 rows, its files have 5"},
	} {
		dir := makeDataset(t)
		path := filepath.Join(dir, manifestName)
		good := string(read(t, path))
		if !strings.Contains(good, c.old) {
			t.Fatalf("no %s in %s", c.old, good)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(good, c.old, c.new)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one with %q", c.new, err, c.says)
		}
	}
	if _, err := OpenDataset(t.TempDir()); err == nil || !strings.Contains(err.Error(), "fsdfm-data") {
		t.Errorf("empty folder: %v", err)
	}
}

// Files of other writers that agree with the schema but hold nulls.
func TestDecodeRefusesNulls(t *testing.T) {
	l := layout{column: "tokens", width: 2, about: "{}"}
	build := func(fill func(*array.FixedSizeListBuilder)) []byte {
		b := array.NewRecordBuilder(memory.DefaultAllocator, l.schema())
		defer b.Release()
		fill(b.Field(0).(*array.FixedSizeListBuilder))
		rec := b.NewRecord()
		defer rec.Release()
		var out bytes.Buffer
		w, err := ipc.NewFileWriter(&appender{Writer: &out}, ipc.WithSchema(l.schema()), ipc.WithLZ4())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	whole := func(b *array.FixedSizeListBuilder) {
		b.Append(true)
		b.ValueBuilder().(*array.Int32Builder).AppendValues([]int32{5, 6}, nil)
	}
	dst := lists{flat: make([]int32, 2)}
	if err := l.decode(build(whole), dst); err != nil || !slices.Equal(dst.flat, []int32{5, 6}) {
		t.Errorf("whole: %v, %v", dst.flat, err)
	}
	for name, fill := range map[string]func(*array.FixedSizeListBuilder){
		"list": func(b *array.FixedSizeListBuilder) { b.AppendNull() },
		"value": func(b *array.FixedSizeListBuilder) {
			b.Append(true)
			b.ValueBuilder().(*array.Int32Builder).AppendValues([]int32{5, 6}, []bool{true, false})
		},
	} {
		if err := l.decode(build(fill), dst); err == nil || !strings.Contains(err.Error(), "nulls") {
			t.Errorf("null %s: %v", name, err)
		}
	}
	if err := l.decode(build(whole), lists{flat: make([]int32, 4)}); err == nil || !strings.Contains(err.Error(), "1 rows, expected 2") {
		t.Errorf("a row short: %v", err)
	}
}

// FuzzDecodeShard feeds Arrow bytes that no checksum vouches for.
func FuzzDecodeShard(f *testing.F) {
	tok, splits := sample(f)
	m := manifest{Format: datasetFormat, Vocab: tok.Vocab(), Length: 4}
	l := m.layout("train")
	content, err := l.encode(lists{flat: splits["train"].Tokens()})
	if err != nil {
		f.Fatal(err)
	}
	addDamaged(f, content)
	f.Fuzz(func(t *testing.T, file []byte) {
		dst := lists{flat: make([]int32, len(splits["train"].Tokens()))}
		if err := l.decode(file, dst); err == nil && bytes.Equal(file, content) && !slices.Equal(dst.flat, splits["train"].Tokens()) {
			t.Fatal("rows changed")
		}
	})
}

// addDamaged seeds a fuzz target with a file, with one bit flipped in each of
// its bytes, and with cuts.
func addDamaged(f *testing.F, good []byte) {
	f.Add(good)
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1 << (i % 8)
		f.Add(bad)
		if i%7 == 0 {
			f.Add(good[:i])
		}
	}
}

// FuzzParseManifest: what is accepted is written back the same.
func FuzzParseManifest(f *testing.F) {
	m := manifest{
		Format: datasetFormat, Vocab: 11, Length: 4, Tokenizer: fileEntry{Name: tokenizerName},
		Splits: map[string]splitEntry{"train": {Rows: 2, Files: []fileEntry{{Name: "train-00000.arrow", Rows: 2, Size: 800}}}},
	}
	good, err := encodeJSON(m)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := parseManifest(good); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseManifest(content)
		if err != nil {
			return
		}
		if again, err := encodeJSON(m); err != nil || !bytes.Equal(again, content) {
			t.Fatalf("%s became %s (%v)", content, again, err)
		}
	})
}

func TestBoundedAllocator(t *testing.T) {
	a := &boundedAllocator{left: 150}
	b := a.Allocate(60)
	b = a.Reallocate(90, b[:60])
	a.Free(b)
	if a.left != 150 {
		t.Errorf("%d left of 150", a.left)
	}
	defer func() {
		if recover() == nil {
			t.Error("151 of 150 bytes given")
		}
	}()
	a.Allocate(151)
}

var _ memory.Allocator = (*boundedAllocator)(nil)
