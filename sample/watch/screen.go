package watch

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Screen shows a recording while it is made.
type Screen interface {
	// Show the text after the last step there is.
	Show(r *Recording) error
	// Finish leaves the whole text as it stands.
	Finish(r *Recording) error
}

var (
	_ Screen = (*Terminal)(nil)
	_ Screen = Lines{}
)

// Lines writes a line for each step: for files, pipes and terminals without
// colours.
type Lines struct{ Out io.Writer }

// Show implements Screen.
func (l Lines) Show(r *Recording) error {
	var text strings.Builder
	for _, c := range r.Cells(len(r.Frames)) {
		text.WriteString(c.Text)
	}
	_, err := fmt.Fprintf(l.Out, "%s: %s\n", status(r), strings.ReplaceAll(Printable(text.String()), "\n", "↵"))
	return err
}

// Finish implements Screen.
func (l Lines) Finish(*Recording) error {
	_, err := fmt.Fprintln(l.Out)
	return err
}

// status is where a recording stands.
func status(r *Recording) string {
	k, f := len(r.Frames), Frame{}
	if k > 0 {
		f = r.Frames[k-1]
	}
	return fmt.Sprintf("%s, step %*d of %d, t %.3f, %.3f s", r.Name, len(fmt.Sprint(r.Steps)), k, r.Steps, f.T, f.Seconds)
}

// Terminal draws the text in place; tokens that the last step changed stand on
// green, given ones in bold.
type Terminal struct {
	Out           io.Writer
	Width, Height int // columns and rows, at least 1

	drawn int // rows above the cursor
}

const (
	plain     = "\x1b[0m"
	faint     = "\x1b[2m"
	bold      = "\x1b[1m"
	onGreen   = "\x1b[30;42m"
	clearLine = "\x1b[K"
	clearDown = "\x1b[J"
)

// Show implements Screen. A text of more rows than there are is cut.
func (t *Terminal) Show(r *Recording) error {
	lines := lay(r.Cells(len(r.Frames)), t.Width)
	if most := max(t.Height-2, 1); len(lines) > most {
		lines = append(lines[:most-1], fmt.Sprintf("%s… %d more lines%s", faint, len(lines)-most+1, plain))
	}
	return t.draw(r, lines)
}

// Finish implements Screen.
func (t *Terminal) Finish(r *Recording) error {
	cells := r.Cells(len(r.Frames))
	for i := range cells {
		cells[i].Changed = false
	}
	err := t.draw(r, append(lay(cells, t.Width), ""))
	t.drawn = 0
	return err
}

func (t *Terminal) draw(r *Recording, lines []string) error {
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	b.WriteString("\r" + faint + runewidth.Truncate(Printable(status(r)), t.Width, "…") + plain + clearLine + "\n")
	for _, l := range lines {
		b.WriteString(l + clearLine + "\n")
	}
	b.WriteString(clearDown)
	t.drawn = 1 + len(lines)
	_, err := io.WriteString(t.Out, b.String())
	return err
}

// lay sets cells in lines of at most width columns, with their colours.
func lay(cells []Cell, width int) []string {
	p := paper{width: width}
	for _, c := range cells {
		for _, r := range Printable(c.Text) {
			switch {
			case r != '\n':
				p.put(r, style(c))
			case c.Changed:
				p.put('↵', style(c))
				fallthrough
			default:
				p.end()
			}
		}
	}
	p.end()
	return p.lines
}

func style(c Cell) string {
	switch {
	case c.Changed:
		return onGreen
	case c.Given:
		return bold
	}
	return ""
}

// paper is filled from left to right, line by line.
type paper struct {
	width   int
	lines   []string
	line    strings.Builder
	columns int    // of line
	style   string // at its end
}

func (p *paper) put(r rune, style string) {
	w := runewidth.RuneWidth(r)
	if p.columns+w > p.width {
		p.end()
	}
	p.wear(style)
	p.line.WriteRune(r)
	p.columns += w
}

func (p *paper) wear(style string) {
	if style == p.style {
		return
	}
	if p.style != "" {
		p.line.WriteString(plain)
	}
	p.line.WriteString(style)
	p.style = style
}

func (p *paper) end() {
	p.wear("")
	p.lines = append(p.lines, p.line.String())
	p.line.Reset()
	p.columns = 0
}
