package pth

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"fsdfm/checkpoints"
)

// Dict is a dictionary with its keys in order. A value is an int, a Dict, or a
// *StateDict.
type Dict []Pair

// Pair is one entry of a Dict.
type Pair struct {
	Key   string
	Value any
}

// StateDict is a network's tensors under their names, an OrderedDict of
// PyTorch. One that stands under two keys is written once.
type StateDict []checkpoints.Tensor

// Write streams a checkpoint that torch.load reads, with or without
// weights_only, and that File reads. Tensors are F32 or BF16.
func Write(w io.Writer, root Dict) error {
	p := &pickler{known: make(map[*StateDict]uint32)}
	p.op(0x80, 2)
	if err := p.value(root); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	p.op('.')
	out := &counter{w: w}
	a := &archiver{out: out, zip: zip.NewWriter(out)}
	if err := a.write(p); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// pickler writes a pickle of protocol 2 and collects the tensors it names.
type pickler struct {
	code    []byte
	tensors []checkpoints.Tensor
	known   map[*StateDict]uint32 // what was remembered, under which number
}

func (p *pickler) op(bytes ...byte) { p.code = append(p.code, bytes...) }

func (p *pickler) text(s string) {
	p.op('X')
	p.code = binary.LittleEndian.AppendUint32(p.code, uint32(len(s)))
	p.code = append(p.code, s...)
}

// number is a LONG1 of 8 bytes, which every integer fits.
func (p *pickler) number(n int) {
	p.op(0x8a, 8)
	p.code = binary.LittleEndian.AppendUint64(p.code, uint64(n))
}

func (p *pickler) numbers(list []int) {
	p.op('(')
	for _, n := range list {
		p.number(n)
	}
	p.op('t')
}

// global names a class or function, as "module name".
func (p *pickler) global(g global) {
	p.op('c')
	for _, c := range []byte(g) {
		if c == ' ' {
			c = '\n'
		}
		p.op(c)
	}
	p.op('\n')
}

func (p *pickler) value(v any) error {
	switch v := v.(type) {
	case int:
		p.number(v)
	case Dict:
		p.op('}', '(')
		for _, pair := range v {
			p.text(pair.Key)
			if err := p.value(pair.Value); err != nil {
				return err
			}
		}
		p.op('u')
	case *StateDict:
		return p.stateDict(v)
	default:
		return fmt.Errorf("a value of type %T: use int, Dict or *StateDict", v)
	}
	return nil
}

func (p *pickler) stateDict(s *StateDict) error {
	if at, ok := p.known[s]; ok {
		p.op('j')
		p.code = binary.LittleEndian.AppendUint32(p.code, at)
		return nil
	}
	p.global(ordered)
	p.op(')', 'R', 'r')
	p.code = binary.LittleEndian.AppendUint32(p.code, uint32(len(p.known)))
	p.known[s] = uint32(len(p.known))
	p.op('(')
	for _, t := range *s {
		p.text(t.Name)
		if err := p.tensor(t); err != nil {
			return err
		}
	}
	p.op('u')
	return nil
}

// tensor writes a call of _rebuild_tensor_v2 with a storage of its own.
func (p *pickler) tensor(t checkpoints.Tensor) error {
	dtype := t.DType
	if dtype == "" {
		dtype = "F32"
	}
	storage, _ := class(dtype)
	if storage == "" {
		return fmt.Errorf("tensor %q: PyTorch has no data type %s", t.Name, dtype)
	}
	stride, n := make([]int, len(t.Shape)), 1
	for i := len(stride) - 1; i >= 0; i-- {
		stride[i], n = n, n*t.Shape[i]
	}
	p.global(rebuild)
	p.op('(', '(')
	p.text("storage")
	p.global(storage)
	p.text(strconv.Itoa(len(p.tensors)))
	p.text("cpu")
	p.number(n)
	p.op('t', 'Q')
	p.number(0)
	p.numbers(t.Shape)
	p.numbers(stride)
	p.op(0x89) // no gradient
	p.global(ordered)
	p.op(')', 'R', 't', 'R')
	p.tensors = append(p.tensors, t)
	return nil
}

// archiver writes the members of a checkpoint.
type archiver struct {
	out *counter
	zip *zip.Writer
}

func (a *archiver) write(p *pickler) error {
	if err := a.bytes("data.pkl", p.code); err != nil {
		return err
	}
	if err := a.bytes("byteorder", []byte("little")); err != nil {
		return err
	}
	for i, t := range p.tensors {
		w, err := a.member("data/" + strconv.Itoa(i))
		if err != nil {
			return err
		}
		err = t.EncodeFloats(func(b []byte) error {
			_, err := w.Write(b)
			return err
		})
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	if err := a.bytes("version", []byte("3\n")); err != nil {
		return err
	}
	return a.zip.Close()
}

func (a *archiver) bytes(name string, content []byte) error {
	w, err := a.member(name)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

// member begins a member whose bytes lie at a multiple of 64, as PyTorch has
// them for mapping.
func (a *archiver) member(name string) (io.Writer, error) {
	const (
		alignment  = 64
		local      = localSize + 4 // with the head of the extra field
		descriptor = 16            // behind a member of less than 4 GB
	)
	if err := a.zip.Flush(); err != nil {
		return nil, err
	}
	h := &zip.FileHeader{Name: "archive/" + name, Method: zip.Store}
	begin := a.out.n
	if begin > 0 {
		begin += descriptor // of the last member, which goes out with this header
	}
	pad := -(begin + local + int64(len(h.Name))) & (alignment - 1)
	h.Extra = append([]byte("FB"), byte(pad), 0)
	h.Extra = append(h.Extra, make([]byte, pad)...)
	return a.zip.CreateHeader(h)
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
