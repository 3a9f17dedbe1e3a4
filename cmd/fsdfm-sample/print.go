package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"fsdfm/sample/watch"
)

// printer writes one sample of all players.
type printer interface {
	print(texts []text) error
}

// printer is how the settings want texts printed.
func (s settings) printer(players, total int) printer {
	switch {
	case s.show: // they stand there already
		return silent{}
	case s.asJSON:
		return jsonLines{os.Stdout, s.teacher != ""}
	case players > 1:
		return columns{os.Stdout, total > 1, columnsOf(os.Stdout)}
	}
	return blocks{os.Stdout, total > 1, term.IsTerminal(int(os.Stdout.Fd()))}
}

// columnsOf is the width of a terminal, or what COLUMNS says, or 80.
func columnsOf(file *os.File) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
		return n
	}
	return 80
}

type silent struct{}

func (silent) print([]text) error { return nil }

// head is the line before a text where there are several.
func head(t text) string {
	if line := t.player.line(t.sample); line > 0 {
		return fmt.Sprintf("--- %d (line %d)\n", t.sample+1, line)
	}
	return fmt.Sprintf("--- %d\n", t.sample+1)
}

// blocks writes texts as they are, one after the other.
type blocks struct {
	out      io.Writer
	heads    bool
	terminal bool // which must not get control characters
}

func (b blocks) print(texts []text) error {
	var page bytes.Buffer
	for _, t := range texts {
		if b.heads {
			page.WriteString(head(t))
		}
		decoded := t.decode()
		if b.terminal {
			decoded = watch.Printable(decoded)
		}
		page.WriteString(decoded + "\n")
	}
	_, err := b.out.Write(page.Bytes())
	return err
}

// columns sets the players side by side.
type columns struct {
	out   io.Writer
	heads bool
	width int
}

func (c columns) print(texts []text) error {
	page, names, decoded := "", []string{}, []string{}
	if c.heads {
		page = head(texts[0])
	}
	for _, t := range texts {
		names, decoded = append(names, t.player.name), append(decoded, t.decode())
	}
	_, err := io.WriteString(c.out, page+watch.Columns(names, decoded, c.width))
	return err
}

// jsonLines writes an object a line and text.
type jsonLines struct {
	out   io.Writer
	roles bool
}

// line is one text.
type line struct {
	Text   string   `json:"text"`
	Tokens []int32  `json:"tokens"`
	Sample int      `json:"sample"`          // from 1
	Steps  int      `json:"steps"`           // model evaluations
	Model  string   `json:"model,omitempty"` // with a teacher
	Line   int      `json:"line,omitempty"`  // of the file of prompts, from 1
	Given  [][2]int `json:"given,omitempty"` // ranges [from, to) of tokens
}

func (j jsonLines) print(texts []text) error {
	var page bytes.Buffer
	lines := json.NewEncoder(&page)
	lines.SetEscapeHTML(false)
	for _, t := range texts {
		l := line{Text: t.decode(), Tokens: t.ids, Sample: t.sample + 1, Steps: len(t.player.grid) - 1, Line: t.player.line(t.sample), Given: t.given()}
		if j.roles {
			l.Model = t.player.role
		}
		if err := lines.Encode(l); err != nil {
			return err
		}
	}
	_, err := j.out.Write(page.Bytes())
	return err
}
