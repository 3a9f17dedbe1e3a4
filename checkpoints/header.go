package checkpoints

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

const maxRank = 64 // dimensions of a shape; bounds what a hostile header allocates

// header is the checked head of a safetensors file.
type header struct {
	tensors  []entry // in the order of their values
	metadata map[string]string
}

// entry places one tensor; begin and end count bytes after the header.
type entry struct {
	name, dtype string
	shape       []int
	begin, end  int64
}

// readHeader reads the header of a file of size bytes; start is where the
// values begin.
func readHeader(r io.ReaderAt, size int64) (h header, start int64, err error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return header{}, 0, fmt.Errorf("%d bytes are too few for a header", size)
	}
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return header{}, 0, err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader || int64(length) > size-8 {
		return header{}, 0, fmt.Errorf("it announces a header of %d bytes, the limit is %d", length, min(maxHeader, size-8))
	}
	text := make([]byte, length)
	if n, err := r.ReadAt(text, 8); n < len(text) {
		return header{}, 0, err
	}
	start = 8 + int64(length)
	if h, err = parseHeader(text); err != nil {
		return header{}, 0, err
	}
	return h, start, h.check(size - start)
}

// parseHeader accepts exactly the documented keys, each once.
func parseHeader(text []byte) (header, error) {
	var h header
	if !utf8.Valid(text) || !json.Valid(text) {
		return h, errors.New("its header is not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err := object(dec, func(key string) error {
		if key == metadataKey {
			h.metadata = make(map[string]string)
			return object(dec, func(key string) (err error) {
				h.metadata[key], err = token[string](dec)
				return err
			})
		}
		t, err := parseEntry(dec)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		t.name = key
		h.tensors = append(h.tensors, t)
		return nil
	})
	slices.SortStableFunc(h.tensors, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	return h, err
}

// parseEntry reads {"dtype": ..., "shape": [...], "data_offsets": [begin, end]}.
func parseEntry(dec *json.Decoder) (t entry, err error) {
	var offsets []int
	err = object(dec, func(key string) (err error) {
		switch key {
		case "dtype":
			t.dtype, err = token[string](dec)
		case "shape":
			t.shape, err = integers(dec)
		case "data_offsets":
			offsets, err = integers(dec)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	if t.dtype == "" || t.shape == nil || len(offsets) != 2 {
		return t, errors.New("dtype, shape or data_offsets is missing or malformed")
	}
	t.begin, t.end = int64(offsets[0]), int64(offsets[1])
	return t, nil
}

// check requires that the tensors fill size bytes without gap or overlap, each
// with the bytes that its shape and data type need.
func (h header) check(size int64) error {
	offset := int64(0)
	for _, t := range h.tensors {
		kind, known := dtypes[t.dtype]
		if !known {
			all := func(dtype) bool { return true }
			return fmt.Errorf("tensor %q: unknown data type %q, known are %s", t.name, t.dtype, dtypeNames(all))
		}
		n, fits := elements(t.shape)
		if !fits || n > math.MaxInt64/kind.size {
			return fmt.Errorf("tensor %q: shape %v is negative or too large", t.name, t.shape)
		}
		if t.begin != offset || t.end < t.begin || t.end-t.begin != n*kind.size {
			return fmt.Errorf("tensor %q: shape %v of %s is %d bytes after byte %d, but the header says bytes %d to %d", t.name, t.shape, t.dtype, n*kind.size, offset, t.begin, t.end)
		}
		offset = t.end
	}
	if offset != size {
		return fmt.Errorf("the header describes %d bytes of values, the file has %d", offset, size)
	}
	return nil
}

// object calls value for every key of the JSON object that comes next; value
// reads what belongs to its key.
func object(dec *json.Decoder, value func(key string) error) error {
	if err := delim(dec, '{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for dec.More() {
		key, err := token[string](dec)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q appears twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return delim(dec, '}')
}

// integers reads a JSON array of integers that fit int; the result is not nil.
func integers(dec *json.Decoder) ([]int, error) {
	if err := delim(dec, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for dec.More() {
		if len(list) == maxRank {
			return nil, fmt.Errorf("a list of more than %d numbers", maxRank)
		}
		number, err := token[json.Number](dec)
		if err != nil {
			return nil, err
		}
		i, err := strconv.Atoi(number.String())
		if err != nil {
			return nil, fmt.Errorf("%s is not an integer in range", number)
		}
		list = append(list, i)
	}
	return list, delim(dec, ']')
}

func delim(dec *json.Decoder, want json.Delim) error {
	got, err := token[json.Delim](dec)
	if err == nil && got != want {
		err = fmt.Errorf("found %v in place of %v", got, want)
	}
	return err
}

// token reads the next JSON token, which must be a T.
func token[T any](dec *json.Decoder) (T, error) {
	next, err := dec.Token()
	if err != nil {
		var zero T
		return zero, err
	}
	t, ok := next.(T)
	if !ok {
		return t, fmt.Errorf("found %v in place of another kind of value", next)
	}
	return t, nil
}
