package watch

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Printable is text for a terminal: its lines stay, other control characters,
// which could move the cursor, become pictures.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ':
			return '␀' + r
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			return utf8.RuneError
		}
		return r
	}, text)
}

// wrap breaks a line into lines of at most width columns, between words where
// it can.
func wrap(line string, width int) []string {
	var lines []string
	for runewidth.StringWidth(line) > width {
		cut := len(runewidth.Truncate(line, width, ""))
		if cut == 0 { // a character wider than a line
			_, cut = utf8.DecodeRuneInString(line)
		} else if blank := strings.LastIndexByte(line[:cut+1], ' '); blank > 0 {
			cut = blank
		}
		lines = append(lines, strings.TrimRight(line[:cut], " "))
		if line = strings.TrimLeft(line[cut:], " "); line == "" {
			return lines
		}
	}
	return append(lines, strings.TrimRight(line, " "))
}

// Columns of a side-by-side print: the narrowest that can be read, and what
// stands between two.
const (
	leastColumn = 18
	gap         = "  "
)

// Columns sets texts under their heads side by side within width, as many as
// there is room for, the others below.
func Columns(heads, texts []string, width int) string {
	n := min(len(texts), max(1, (width+len(gap))/(leastColumn+len(gap))))
	column := max(leastColumn, (width+len(gap))/n-len(gap))
	var b strings.Builder
	for from := 0; from < len(texts); from += n {
		var side [][]string
		rows := 0
		for i := from; i < min(from+n, len(texts)); i++ {
			lines := wrap(heads[i], column)
			lines = append(lines, strings.Repeat("-", column))
			for line := range strings.SplitSeq(Printable(texts[i]), "\n") {
				lines = append(lines, wrap(line, column)...)
			}
			side, rows = append(side, lines), max(rows, len(lines))
		}
		for i := range rows {
			b.WriteString(row(side, i, column) + "\n")
		}
	}
	return b.String()
}

// row is line i of all columns.
func row(side [][]string, i, column int) string {
	cells := make([]string, len(side))
	for c, lines := range side {
		if i < len(lines) {
			cells[c] = lines[i]
		}
		cells[c] = runewidth.FillRight(cells[c], column)
	}
	return strings.TrimRight(strings.Join(cells, gap), " ")
}
