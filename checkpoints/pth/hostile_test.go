package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"fsdfm/checkpoints"
)

// oneLine fails unless err is a single clear line with want in it.
func oneLine(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: no error, expected %q", what, want)
	case !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 700:
		t.Errorf("%s: error %q, expected one line with %q", what, err, want)
	}
}

func TestHostilePickles(t *testing.T) {
	const storage = "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"
	for code, want := range map[string]string{
		"": "ends without a result",
		"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.": `asks for "os.system"`,
		"\x80\x02cbuiltins\neval\n.":                     `asks for "builtins.eval"`,
		"\x80\x02ctorch._utils\n_rebuild_parameter\n.":   `asks for "torch._utils._rebuild_parameter"`,
		"\x80\x02c" + strings.Repeat("x", 1000) + "\n\n": `xxx...", which`,
		"\x80\x02cos":                        "a global without its name",
		"\x80\x02cos\nsystem":                "a global without its name",
		"\x80\x04\x95":                       "protocol 4: torch.save writes 2",
		"\x80\x02\x93.":                      `the operation "\x93" at byte 2`,
		"\x80\x02(i":                         `the operation "i"`,
		"\x80\x02(o.":                        `the operation "o"`,
		"\x80\x02N\x81.":                     `the operation "\x81"`,
		"\x80\x02.":                          "needs more values than there are",
		"\x80\x02N(\x85.":                    "needs more values than there are",
		"\x80\x02Nt.":                        "needs a mark",
		"\x80\x02X\xff\xff\xff\xffabc":       "in the middle of an operation",
		"\x80\x02X\x02\x00\x00\x00\xff\xfe.": "not UTF-8",
		"\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00": "an integer of 9 bytes",
		"\x80\x02h\x05.": "nothing was remembered as 5",
		"\x80\x02})Ns.":  "a tuple as a key",
		"\x80\x02}(Nu.":  "a key without a value",
		"\x80\x02)(NNu.": "a tuple in place of a dictionary",
		"\x80\x02}Na.":   "a dictionary in place of a list",
		"\x80\x02NNb.":   "in place of a dictionary",
		"\x80\x02NQ.":    "no storage",
		"\x80\x02(X\x07\x00\x00\x00storageNNNNtQ.":                            "no storage",
		"\x80\x02ctorch\nFloatStorage\n)R.":                                   "call of torch.FloatStorage",
		"\x80\x02ccollections\nOrderedDict\nN\x85R.":                          "call of collections.OrderedDict",
		"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "NNNNNtR.": "call of torch._utils._rebuild_tensor_v2",
		"\x80\x02N)R.": "call of None",
		"\x80\x02N.":   "holds None, not a dictionary",
		"\x80\x02" + strings.Repeat(")\x85", 100) + ".": "holds a tuple, not a dictionary",
	} {
		f, err := open(zipped(map[string]string{"a/data.pkl": code}))
		if f != nil {
			t.Errorf("%q was opened", code)
		}
		oneLine(t, fmt.Sprintf("%.60q", code), err, want)
	}
}

// Programs that would build much from little, or never end when walked.
func TestBombs(t *testing.T) {
	// A small part of what a file may have, and what that may take.
	const length, most = maxPickle / 32, 300 << 20 / 32
	var before, after runtime.MemStats
	doubling := "\x80\x02]q\x00" + strings.Repeat("](h\x00h\x00eq\x00", length/9) + "."
	for name, code := range map[string]string{
		"nested tuples":       "\x80\x02N" + strings.Repeat("\x85", length-4) + ".",
		"nested dictionaries": "\x80\x02" + strings.Repeat("}K\x00", (length-3)/3) + ".",
		"many dictionaries":   "\x80\x02" + strings.Repeat("}", length-3) + ".",
		"many marks":          "\x80\x02" + strings.Repeat("(", length-4) + "}.",
		"memo":                "\x80\x02N" + memos((length-4)/5) + ".",
		"doubling lists":      doubling,
		"a dictionary in itself, again and again": "\x80\x02}q\x00" + strings.Repeat("K\x00h\x00s", (length-6)/5) + ".",
	} {
		runtime.GC()
		runtime.ReadMemStats(&before)
		v, err := unpickle([]byte(code))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%s: allocated %d MB", name, used>>20)
		}
		if err == nil {
			kind(v)
		} else {
			oneLine(t, name, err, "its pickle")
		}
	}
	self := "\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."
	f, err := open(zipped(map[string]string{"a/data.pkl": self}))
	if err != nil {
		t.Fatal(err)
	}
	if keys := f.StateDicts(); len(keys) != 0 {
		t.Errorf("a dictionary of itself has the state dictionaries %q", keys)
	}
	oneLine(t, "a member that is too large", openError(zipped(map[string]string{"a/data.pkl": strings.Repeat("}", maxPickle+1)})), "the limit is")
}

func memos(n int) string {
	b := make([]byte, 0, 5*n)
	for i := range n {
		b = binary.LittleEndian.AppendUint32(append(b, 'r'), uint32(i))
	}
	return string(b)
}

func openError(b []byte) error {
	_, err := open(b)
	return err
}

// checkpoint is one tensor with everything free to choose.
func checkpoint(dtype string, elements, offset int, shape, stride []int, values string) []byte {
	p := new(pickler)
	p.op(0x80, 2, '}')
	p.text("model")
	p.op('}')
	p.text("w")
	p.global(rebuild)
	p.op('(', '(')
	p.text("storage")
	storage, _ := class(dtype)
	p.global(storage)
	p.text("0")
	p.text("cuda:7")
	p.number(elements)
	p.op('t', 'Q')
	p.number(offset)
	p.numbers(shape)
	p.numbers(stride)
	p.op(0x89, 'N', 't', 'R', 's', 's', '.')
	return zipped(map[string]string{"a/data.pkl": string(p.code), "a/data/0": values})
}

func TestHostileTensors(t *testing.T) {
	const huge = 1 << 62
	eight := "\x00\x00\x80\x3f\x00\x00\x00\x40"
	f, err := open(checkpoint("F32", 2, 0, []int{2}, []int{1}, eight))
	if err != nil {
		t.Fatal(err)
	}
	if tensors, err := f.StateDict("model"); err != nil || values(t, tensors[0])[1] != 2 {
		t.Errorf("the tensor that the others are made from: %v", err)
	}
	for want, b := range map[string][]byte{
		"is too large": checkpoint("F32", 2, 0, []int{huge, 4}, []int{4, 1}, eight),
		"shape [4611686018427387904] from element 0 on": checkpoint("F32", 2, 0, []int{huge}, []int{1}, eight),
		"from element -1 on":                            checkpoint("F32", 2, -1, []int{2}, []int{1}, eight),
		"from element 1 on":                             checkpoint("F32", 2, 1, []int{2}, []int{1}, eight),
		"from element 4611686018427387904 on":           checkpoint("F32", 2, huge, []int{2}, []int{1}, eight),
		"storage of 3 elements of F32 has 8 bytes":      checkpoint("F32", 3, 0, []int{2}, []int{1}, eight),
		"storage of 4611686018427387904 elements":       checkpoint("F32", huge, 0, []int{2}, []int{1}, eight),
		"shape [2 1] has strides [0 1]":                 checkpoint("F32", 2, 0, []int{2, 1}, []int{0, 1}, eight),
		"shape [2] has strides []":                      checkpoint("F32", 2, 0, []int{2}, nil, eight),
		"its shape has a dimension":                     checkpoint("F32", 2, 0, []int{-2}, []int{1}, eight),
		"9 dimensions, at most 8":                       checkpoint("F32", 2, 0, make([]int, 9), make([]int, 9), eight),
	} {
		f, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.StateDict("model")
		oneLine(t, want, err, want)
	}
	f, err = open(checkpoint("F64", 1, 0, []int{1}, []int{1}, eight))
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := f.StateDict("model")
	if err != nil {
		t.Fatal(err)
	}
	oneLine(t, "float64", tensors[0].Fill(make([]float32, 1), 0), "F64 does not read as float32")
}

// Many tensors that are one storage would be a large model from a small file.
func TestSharedValuesAreRefused(t *testing.T) {
	p := new(pickler)
	p.op(0x80, 2, '}')
	p.text("model")
	p.op('}', '(')
	for i := range 1000 {
		at := len(p.tensors)
		p.text(fmt.Sprint("w", i))
		if i == 0 {
			if err := p.tensor(small(1 << 10)); err != nil {
				t.Fatal(err)
			}
			p.op('q', 0)
		} else {
			p.op('h', 0)
		}
		p.tensors = p.tensors[:min(1, at+1)]
	}
	p.op('u', 's', '.')
	f, err := open(zipped(map[string]string{"a/data.pkl": string(p.code), "a/data/0": strings.Repeat("\x00", 4<<10)}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.StateDict("model")
	oneLine(t, "shared values", err, "share their values")
}

// claims is a file of any size that is zero but for its end.
type claims struct {
	size int64
	end  []byte
}

func (c claims) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	if from := c.size - int64(len(c.end)); at+int64(len(b)) > from {
		for i := range b {
			if j := at + int64(i) - from; j >= 0 && j < int64(len(c.end)) {
				b[i] = c.end[j]
			}
		}
	}
	return len(b), nil
}

func TestHostileArchives(t *testing.T) {
	good := zipped(map[string]string{"a/data.pkl": "\x80\x02}.", "a/data/0": "1234"})
	if _, err := open(good); err != nil {
		t.Fatal(err)
	}
	entry := bytes.Index(good, []byte("PK\x01\x02")) // data.pkl's
	end := len(good) - 22
	with := func(at int, patch string) []byte {
		b := bytes.Clone(good)
		copy(b[at:], patch)
		return b
	}
	twice := bytes.ReplaceAll(zipped(map[string]string{"a/data.pkl": "\x80\x02}.", "a/deta.pkl": "\x80\x02}."}), []byte("deta"), []byte("data"))
	for _, c := range []struct {
		what, want string
		b          []byte
	}{
		{"nothing", "not a zip archive", nil},
		{"the older format", "not a zip archive: PyTorch 1.6", []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")},
		{"directory outside", "outside the file", with(end+16, "\xff\xff\xff\x7f")},
		{"directory too long", "outside the file", with(end+12, "\xff\xff\xff\x7f")},
		{"more members than there are", "directory ends early", with(end+10, "\x03\x00")},
		{"no member", "0 members */data.pkl", with(end+10, "\x00\x00")},
		{"long name", "directory ends early", with(entry+28, "\xff\xff")},
		{"compressed", "is compressed", with(entry+10, "\x08\x00")},
		{"encrypted", "is compressed or encrypted", with(entry+8, "\x01\x00")},
		{"two sizes", "is compressed", with(entry+20, "\x03")},
		{"larger than the file", "outside the file", with(entry+20, "\xfe\xff\xff\xff\xfe\xff\xff\xff")},
		{"no 64-bit size", "lacks its 64-bit sizes", with(entry+20, "\xff\xff\xff\xff\xff\xff\xff\xff")},
		{"elsewhere", "not where the directory says", with(entry+42, "\x01")},
		{"header outside", "outside the file", with(entry+42, "\xfe\xff\xff\xff")},
		{"header at the end", "it ends at byte", with(entry+42, string([]byte{byte(len(good) - 3)}))},
		{"damaged", "the file is damaged", with(entry+16, "\x01")},
		{"two members of one name", `two members "a/data.pkl"`, twice},
		{"two checkpoints", "2 members */data.pkl", zipped(map[string]string{"a/data.pkl": "", "b/data.pkl": ""})},
		{"no folder", "0 members */data.pkl", zipped(map[string]string{"data.pkl": ""})},
		{"big-endian", `byte order is "big"`, zipped(map[string]string{"a/data.pkl": "", "a/byteorder": "big"})},
		{"zip64 record outside", "outside the file", append(with(0, "")[:end], append([]byte("PK\x06\x07\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00"), good[end:]...)...)},
		{"no zip64 record", "no zip64 record at 0", append(with(0, "")[:end], append([]byte("PK\x06\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"), good[end:]...)...)},
	} {
		oneLine(t, c.what, openError(c.b), c.want)
	}

	record := make([]byte, 22)
	copy(record, "PK\x05\x06")
	copy(record[10:], "\xff\xff\xff\xff\xff\x7f\x00\x00\x00\x00")
	_, err := newFile("file.pth", claims{1 << 50, record}, 1<<50)
	oneLine(t, "a directory of 2 GB", err, "or larger than")
}

// visit does with a file what an import does.
func visit(b []byte) error {
	f, err := open(b)
	if err != nil {
		return err
	}
	f.Int("step")
	for _, key := range f.StateDicts() {
		tensors, err := f.StateDict(key)
		if err != nil {
			return err
		}
		for _, t := range tensors {
			if err := t.EncodeFloats(func([]byte) error { return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

func fuzz(t *testing.T, b []byte) {
	if err := visit(b); err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
}

func FuzzFile(f *testing.F) {
	micro, err := os.ReadFile("testdata/pretrain_micro.pth")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(micro)
	f.Add(checkpoint("BF16", 2, 0, []int{2, 1}, []int{1, 1}, "abcd"))
	f.Fuzz(fuzz)
}

// FuzzPickle reaches behind the check sums: the archive is always sound.
func FuzzPickle(f *testing.F) {
	for _, name := range []string{"pretrain_micro", "distill_tiny"} {
		b, err := os.ReadFile("testdata/" + name + ".pth")
		if err != nil {
			f.Fatal(err)
		}
		file, err := open(b)
		if err != nil {
			f.Fatal(err)
		}
		code, err := file.archive.small("data.pkl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code)
	}
	for _, b := range [][]byte{
		checkpoint("F16", 2, 0, []int{2}, []int{1}, "abcd"), checkpoint("F32", 1, 0, []int{1, 1, 1}, []int{9, 9, 9}, "abcd"),
	} {
		file, err := open(b)
		if err != nil {
			f.Fatal(err)
		}
		code, _ := file.archive.small("data.pkl")
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		fuzz(t, zipped(map[string]string{"a/data.pkl": string(code), "a/data/0": "abcd", "a/data/1": "abcdefgh"}))
	})
}

// TestMutations changes every byte of two small files: none may panic. The
// fuzzers go further.
func TestMutations(t *testing.T) {
	two := StateDict{small(2), {Name: "v", DType: "BF16", F32: []float32{1}}}
	for _, b := range [][]byte{
		write(t, Dict{{"step", 1}, {"model", &two}}), checkpoint("F32", 2, 0, []int{2, 1}, []int{1, 1}, "abcdefgh"),
	} {
		for i, was := range b {
			for _, x := range []byte{was ^ 1, was ^ 0x80, 0, 0xff} {
				b[i] = x
				fuzz(t, b)
			}
			b[i] = was
		}
	}
}

// small is a tensor of n zeros.
func small(n int) checkpoints.Tensor {
	return checkpoints.Tensor{Name: "w", Shape: []int{n}, F32: make([]float32, n)}
}
