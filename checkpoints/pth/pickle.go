package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// machine runs the part of pickle's protocol 2 that torch.save writes for
// dictionaries of tensors and numbers. It builds values of this package only:
// no name in the file leads to code. Each operation costs a bounded amount of
// memory and the program's length is limited, so there is no need to count.
type machine struct {
	code  string // strings of the program are parts of it, not copies
	at    int
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
}

// unpickle runs a program and returns what it leaves.
func unpickle(code []byte) (any, error) {
	m := &machine{code: string(code), memo: make(map[uint32]any)}
	for {
		at := m.at
		op, err := m.take(1)
		if err != nil {
			return nil, fmt.Errorf("its pickle ends without a result")
		}
		if op == "." {
			return m.pop()
		}
		run := operations[op[0]]
		if run == nil {
			return nil, fmt.Errorf("its pickle has the operation %q at byte %d, which a checkpoint does not need: save it by torch.save with pickle protocol 2", op, at)
		}
		if err := run(m); err != nil {
			return nil, fmt.Errorf("its pickle at byte %d: %w", at, err)
		}
	}
}

// operations are pickle's opcodes under their letters, with the names that
// Python's pickletools gives them.
var operations = [256]func(*machine) error{
	// PROTO
	0x80: (*machine).protocol,
	// MARK
	'(': func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil },
	// NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE
	'N':  func(m *machine) error { return m.push(nil) },
	0x88: func(m *machine) error { return m.push(true) },
	0x89: func(m *machine) error { return m.push(false) },
	'J':  func(m *machine) error { return m.number(4, func(u uint64) any { return int64(int32(u)) }) },
	'K':  func(m *machine) error { return m.number(1, func(u uint64) any { return int64(u) }) },
	'M':  func(m *machine) error { return m.number(2, func(u uint64) any { return int64(u) }) },
	0x8a: (*machine).long,
	'G':  (*machine).float,
	'X':  (*machine).text,
	// EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 TUPLE
	')':  func(m *machine) error { return m.tuple(0) },
	0x85: func(m *machine) error { return m.tuple(1) },
	0x86: func(m *machine) error { return m.tuple(2) },
	0x87: func(m *machine) error { return m.tuple(3) },
	't':  (*machine).markedTuple,
	// EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
	']': func(m *machine) error { return m.push(new(list)) },
	'a': func(m *machine) error { return m.extend(1) },
	'e': (*machine).extendMarked,
	'}': func(m *machine) error { return m.push(new(dict)) },
	's': func(m *machine) error { return m.set(2) },
	'u': (*machine).setMarked,
	// BINPUT LONG_BINPUT BINGET LONG_BINGET
	'q': func(m *machine) error { return m.put(1) },
	'r': func(m *machine) error { return m.put(4) },
	'h': func(m *machine) error { return m.get(1) },
	'j': func(m *machine) error { return m.get(4) },
	// GLOBAL REDUCE BUILD BINPERSID
	'c': (*machine).global,
	'R': (*machine).reduce,
	'b': (*machine).build,
	'Q': (*machine).persistent,
}

// take is the next n bytes of the program.
func (m *machine) take(n int) (string, error) {
	if n < 0 || n > len(m.code)-m.at {
		return "", errors.New("it ends in the middle of an operation")
	}
	m.at += n
	return m.code[m.at-n : m.at], nil
}

// unsigned is the next n bytes as a little-endian number.
func (m *machine) unsigned(n int) (uint64, error) {
	text, err := m.take(n)
	if err != nil {
		return 0, err
	}
	var b [8]byte
	copy(b[:], text)
	return binary.LittleEndian.Uint64(b[:]), nil
}

func (m *machine) push(v any) error {
	m.stack = append(m.stack, v)
	return nil
}

// popMany takes the n values above the last mark off the stack. The result is
// overwritten by the next push.
func (m *machine) popMany(n int) ([]any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack)-floor < n {
		return nil, errors.New("it needs more values than there are")
	}
	values := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return values, nil
}

func (m *machine) pop() (any, error) {
	v, err := m.popMany(1)
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// marked removes the last mark and tells how many values are above it.
func (m *machine) marked() (int, error) {
	if len(m.marks) == 0 {
		return 0, errors.New("it needs a mark and there is none")
	}
	n := len(m.stack) - m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	return n, nil
}

func (m *machine) protocol() error {
	version, err := m.unsigned(1)
	if err == nil && version != 2 {
		err = fmt.Errorf("protocol %d: torch.save writes 2", version)
	}
	return err
}

func (m *machine) number(size int, value func(uint64) any) error {
	u, err := m.unsigned(size)
	if err != nil {
		return err
	}
	return m.push(value(u))
}

// long is an integer of up to 8 bytes in two's complement.
func (m *machine) long() error {
	n, err := m.unsigned(1)
	if err != nil {
		return err
	}
	if n > 8 {
		return fmt.Errorf("an integer of %d bytes", n)
	}
	shift := 64 - 8*n
	return m.number(int(n), func(u uint64) any { return int64(u<<shift) >> shift })
}

func (m *machine) float() error {
	b, err := m.take(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64([]byte(b))))
}

func (m *machine) text() error {
	n, err := m.unsigned(4)
	if err != nil {
		return err
	}
	text, err := m.take(int(n))
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("text that is not UTF-8")
	}
	if err != nil {
		return err
	}
	return m.push(text)
}

func (m *machine) tuple(n int) error {
	values, err := m.popMany(n)
	if err != nil {
		return err
	}
	return m.push(append(tuple(nil), values...))
}

func (m *machine) markedTuple() error {
	n, err := m.marked()
	if err != nil {
		return err
	}
	return m.tuple(n)
}

// extend takes n items for the list below them.
func (m *machine) extend(n int) error {
	if _, err := m.popMany(n); err != nil {
		return err
	}
	_, err := top[*list](m)
	return err
}

func (m *machine) extendMarked() error {
	n, err := m.marked()
	if err != nil {
		return err
	}
	return m.extend(n)
}

// set takes n keys and values for the dictionary below them.
func (m *machine) set(n int) error {
	items, err := m.popMany(n)
	if err != nil {
		return err
	}
	if n%2 != 0 {
		return errors.New("a key without a value")
	}
	d, err := top[*dict](m)
	if err != nil {
		return err
	}
	for i := 0; i < n; i += 2 {
		switch items[i].(type) {
		case string, int64:
		default:
			return fmt.Errorf("%s as a key", kind(items[i]))
		}
		d.pairs = append(d.pairs, pair{items[i], items[i+1]})
	}
	return nil
}

func (m *machine) setMarked() error {
	n, err := m.marked()
	if err != nil {
		return err
	}
	return m.set(n)
}

// top is the value on the stack's top, which must be a T.
func top[T any](m *machine) (T, error) {
	values, err := m.popMany(1)
	if err != nil {
		var zero T
		return zero, err
	}
	m.stack = m.stack[:len(m.stack)+1]
	v, ok := values[0].(T)
	if !ok {
		return v, fmt.Errorf("%s in place of %s", kind(values[0]), kind(v))
	}
	return v, nil
}

// put remembers the stack's top under a number of size bytes.
func (m *machine) put(size int) error {
	i, err := m.unsigned(size)
	if err != nil {
		return err
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	m.memo[uint32(i)] = v
	return m.push(v)
}

func (m *machine) get(size int) error {
	i, err := m.unsigned(size)
	if err != nil {
		return err
	}
	v, ok := m.memo[uint32(i)]
	if !ok {
		return fmt.Errorf("nothing was remembered as %d", i)
	}
	return m.push(v)
}

// global is a class or function by name: two lines, module and name.
func (m *machine) global() error {
	module, rest, ok := strings.Cut(m.code[m.at:], "\n")
	name, _, end := strings.Cut(rest, "\n")
	if !ok || !end {
		return errors.New("a global without its name")
	}
	m.at += len(module) + len(name) + 2
	g := global(module + " " + name)
	if !known(g) {
		return fmt.Errorf("it asks for %s, which no checkpoint of this model needs: refused, nothing was run; known are %q", quote(module+"."+name), knownGlobals())
	}
	return m.push(g)
}

// reduce calls a global, which is one of two.
func (m *machine) reduce() error {
	values, err := m.popMany(2)
	if err != nil {
		return err
	}
	function, _ := values[0].(global)
	args, isTuple := values[1].(tuple)
	switch {
	case isTuple && function == ordered && len(args) == 0:
		return m.push(new(dict))
	case isTuple && function == rebuild && len(args) >= 6:
		t := new(tensor)
		var ok [4]bool
		t.storage, ok[0] = args[0].(storage)
		t.offset, ok[1] = args[1].(int64)
		t.shape, ok[2] = args[2].(tuple)
		t.stride, ok[3] = args[3].(tuple)
		if ok == [4]bool{true, true, true, true} {
			return m.push(t)
		}
	}
	return fmt.Errorf("a call of %s with arguments that do not fit", callee(values[0]))
}

func callee(v any) string {
	if g, ok := v.(global); ok {
		return strings.ReplaceAll(string(g), " ", ".")
	}
	return kind(v)
}

// build would set attributes; a state dictionary's, its layers' versions, are
// of no use.
func (m *machine) build() error {
	if _, err := m.pop(); err != nil {
		return err
	}
	_, err := top[*dict](m)
	return err
}

// persistent turns ("storage", class, key, device, elements) into a storage.
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	if id, _ := v.(tuple); len(id) == 5 && id[0] == "storage" {
		class, _ := id[1].(global)
		key, isText := id[2].(string)
		n, isNumber := id[4].(int64)
		if s, ok := storages[class]; ok && isText && isNumber && n >= 0 {
			return m.push(storage{s.dtype, key, n})
		}
	}
	return errors.New("a reference that is no storage of tensors")
}
