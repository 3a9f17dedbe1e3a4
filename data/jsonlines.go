package data

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// longestLine bounds the memory that a line of JSON takes, in bytes.
const longestLine = 64 << 20

// readLines reads an object a line; its field is a document. Blank lines and
// objects whose field is null are passed over.
func readLines(stream io.Reader, field string, g *gatherer) error {
	r := bufio.NewReaderSize(stream, 1<<20)
	var long []byte // a line that is longer than the reader's buffer
	for number := 1; ; number++ {
		line, err := r.ReadSlice('\n')
		for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); line, err = r.ReadSlice('\n') {
			if long = append(long, line...); len(long) > longestLine {
				return fmt.Errorf("line %d is longer than %d MB: is it JSON lines?", number, longestLine>>20)
			}
		}
		if err != nil && err != io.EOF {
			return err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if len(bytes.TrimSpace(line)) > 0 {
			text, err := textOf(line, field)
			if err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			if err := errors.Join(g.add(text), g.end()); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// textOf is the text that a line's object has in a field.
func textOf(line []byte, field string) ([]byte, error) {
	var record map[string]json.RawMessage
	if err := json.Unmarshal(line, &record); err != nil || record == nil {
		return nil, fmt.Errorf("not a JSON object: %.60q", bytes.TrimSpace(line))
	}
	raw, ok := record[field]
	if !ok {
		return nil, fmt.Errorf("no field %q: name the one that holds text, of [%s]", field, strings.Join(slices.Sorted(maps.Keys(record)), " "))
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("field %q is no text: %.60q", field, raw)
	}
	if text == nil {
		return nil, nil
	}
	return []byte(*text), nil
}
