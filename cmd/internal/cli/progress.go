package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"fsdfm/train"
)

// Progress shows how a loop goes on: a bar on a terminal, else a line every few
// seconds. Notes and the bar share one writer, so that lines do not tear.
type Progress struct {
	out      io.Writer
	terminal bool
	every    time.Duration

	bar   *pb.ProgressBar
	title string
	total int
	begun time.Time
	shown time.Time
}

var _ train.Observer = (*Progress)(nil)

// NewProgress writes to standard error.
func NewProgress() *Progress {
	return &Progress{out: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd())), every: 5 * time.Second}
}

const barTemplate = `{{string . "title"}} {{counters . }} {{bar . "[" "=" ">" " " "]"}} {{percent . }} {{string . "detail"}} {{etime . }} left {{rtime . "%s" "%s" "?"}}`

// Start begins a count to total.
func (p *Progress) Start(title string, total int) {
	p.Finish()
	p.title, p.total, p.begun, p.shown = title, total, time.Now(), time.Now()
	if p.terminal {
		p.bar = pb.New(total).SetTemplateString(barTemplate).SetWriter(p.out)
		p.bar.Set("title", title).Set("detail", "").Start()
	}
}

// Set tells how far the count is.
func (p *Progress) Set(done int) { p.set(done, "") }

// Pass tells how far a pass over files is, in bytes, and how many tokens it has
// made.
func (p *Progress) Pass(pass string, done, total, tokens int64) {
	megabytes := func(n int64) int { return int((n + 999_999) / 1_000_000) }
	title := pass + ", MB"
	if title != p.title || p.total == 0 {
		p.Start(title, megabytes(total))
	}
	detail := ""
	if tokens > 0 {
		detail = fmt.Sprintf("%.0f tokens/s", float64(tokens)/time.Since(p.begun).Seconds())
	}
	p.set(megabytes(done), detail)
}

// Step implements train.Observer.
func (p *Progress) Step(step, _ int, loss, tokensPerSecond float64) {
	p.set(step, fmt.Sprintf("loss %.4f, %.0f tokens/s", loss, tokensPerSecond))
}

func (p *Progress) set(done int, detail string) {
	if p.bar != nil {
		if detail != "" {
			p.bar.Set("detail", detail)
		}
		p.bar.SetCurrent(int64(done))
		return
	}
	if p.terminal || time.Since(p.shown) < p.every {
		return
	}
	p.shown = time.Now()
	if detail != "" {
		detail = ", " + detail
	}
	left := time.Duration(float64(time.Since(p.begun)) / float64(max(done, 1)) * float64(p.total-done))
	fmt.Fprintf(p.out, "%s %d/%d%s, %v left\n", p.title, done, p.total, detail, left.Round(time.Second))
}

// Note implements train.Observer: one line, above the bar if there is one.
func (p *Progress) Note(format string, args ...any) {
	if p.bar != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// Finish ends the count.
func (p *Progress) Finish() {
	if p.bar != nil {
		p.bar.Finish()
		p.bar = nil
	}
}
