package sample

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Prompt is a text to complete and the line of the file that it stood on.
type Prompt struct {
	Line   int // from 1
	Infill Infill
}

// ReadPrompts reads the start of a text on every line, or, as JSON lines,
// objects of {"prompt": "..", "suffix": ".."} or {"infill": "The [MASK:20] sat"}.
// Empty lines are skipped.
func ReadPrompts(r io.Reader, jsonLines bool) ([]Prompt, error) {
	parse := func(line string) (Infill, error) { return Continue(line, ""), nil }
	if jsonLines {
		parse = parsePrompt
	}
	var prompts []Prompt
	in := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		last := err == io.EOF
		if line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"); line != "" {
			f, err := parse(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			prompts = append(prompts, Prompt{number, f})
		}
		if last {
			break
		}
	}
	if len(prompts) == 0 {
		return nil, errors.New("there is no prompt: write one a line")
	}
	return prompts, nil
}

// parsePrompt reads one JSON line.
func parsePrompt(line string) (Infill, error) {
	var p struct{ Prompt, Suffix, Infill string }
	in := json.NewDecoder(bytes.NewReader([]byte(line)))
	in.DisallowUnknownFields()
	if err := in.Decode(&p); err != nil {
		return nil, fmt.Errorf(`%w: expected an object of "prompt", "suffix" or "infill"`, err)
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, errors.New("more text after the JSON object: write one a line")
	}
	if p.Infill == "" {
		return Continue(p.Prompt, p.Suffix), nil
	}
	if p.Prompt != "" || p.Suffix != "" {
		return nil, errors.New(`"infill" is a whole text: give either it or "prompt" and "suffix"`)
	}
	return ParseInfill(p.Infill)
}
