package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"fsdfm/checkpoints"
	"fsdfm/flow"
	"fsdfm/sample/watch"
)

// watcher records texts while they are written; nil records none.
type watcher struct {
	ctx    context.Context
	screen watch.Screen // nil: only the page is wanted
	pause  bool         // slow enough for the eye
	heads  bool

	file string // of the page, "": none
	page watch.Page
	err  error // of the screen
}

// watcher is how the settings want texts watched.
func (s settings) watcher(ctx context.Context, players []*player) (*watcher, error) {
	if !s.show && s.html == "" {
		return nil, nil
	}
	w := &watcher{ctx: ctx, heads: s.n*len(players[0].prompts) > 1, file: s.html}
	if s.show {
		w.screen, w.pause = screen(os.Stdout)
	}
	for _, p := range players {
		if err := p.warm(); err != nil {
			return nil, err
		}
	}
	w.page.Title, w.page.Note = s.title(players), s.note()
	return w, nil
}

// title names the budgets, as in student, 1, 2, 4 steps against teacher, 256
// steps.
func (s settings) title(players []*player) string {
	own := players
	if s.teacher != "" {
		own = players[:len(players)-1]
	}
	var counts []string
	for _, p := range own[:len(own)-1] {
		counts = append(counts, strconv.Itoa(len(p.grid)-1))
	}
	last := own[len(own)-1]
	title := strings.Join(append(counts, plural(len(last.grid)-1, "step")), ", ")
	if s.teacher != "" {
		title = last.role + ", " + title + " against " + players[len(players)-1].name
	}
	return title
}

// screen plays in place on a terminal that has colours, and says whether it
// does.
func screen(file *os.File) (watch.Screen, bool) {
	if fd := int(file.Fd()); term.IsTerminal(fd) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		if width, height, err := term.GetSize(fd); err == nil && width > 0 && height > 0 {
			return &watch.Terminal{Out: file, Width: width, Height: height}, true
		}
	}
	return watch.Lines{Out: file}, false
}

// note says how the texts were drawn.
func (s settings) note() string {
	note := []string{"model " + s.model}
	if s.teacher != "" {
		note = append(note, "teacher "+s.teacher)
	}
	note = append(note, fmt.Sprintf("seed %d", s.seed))
	if s.temperature > 0 {
		note = append(note, fmt.Sprintf("temperature %v", s.temperature))
	}
	if s.truncation.TopK > 0 {
		note = append(note, fmt.Sprintf("top-k %d", s.truncation.TopK))
	}
	if s.truncation.TopP < 1 {
		note = append(note, fmt.Sprintf("top-p %v", s.truncation.TopP))
	}
	return strings.Join(note, ", ") + ". The seconds are those of the recording, each text drawn by itself."
}

// The eye wants to see a step, but not to wait for a thousand.
const (
	longestPause = 250 * time.Millisecond
	longestShow  = 8 * time.Second
)

// observer records how a player draws a sample.
func (w *watcher) observer(p *player, sampled int) func(int, float64, flow.Tokens) {
	if w == nil {
		return nil
	}
	r := watch.Record(p.recording(sampled))
	scene := w.scene(p, sampled)
	scene.Recordings = append(scene.Recordings, r.Recording)
	if w.screen != nil {
		if w.heads && len(scene.Recordings) == 1 {
			fmt.Print(head(text{player: p, sample: sampled}))
		}
		r.Show = func() { w.show(r.Recording) }
	}
	return func(step int, t float64, x flow.Tokens) { r.Observe(step, t, x.Row(0)) }
}

// scene is that of a sample, the last one.
func (w *watcher) scene(p *player, sampled int) *watch.Scene {
	title := fmt.Sprint(sampled + 1)
	if line := p.line(sampled); line > 0 {
		title += fmt.Sprintf(" (line %d)", line)
	}
	if n := len(w.page.Scenes); n == 0 || w.page.Scenes[n-1].Title != title {
		w.page.Scenes = append(w.page.Scenes, watch.Scene{Title: title})
	}
	return &w.page.Scenes[len(w.page.Scenes)-1]
}

func (w *watcher) show(r *watch.Recording) {
	if w.err != nil {
		return
	}
	w.err = w.screen.Show(r)
	if w.pause {
		select {
		case <-w.ctx.Done():
		case <-time.After(min(longestPause, longestShow/time.Duration(r.Steps))):
		}
	}
	if len(r.Frames) == r.Steps && w.err == nil {
		w.err = w.screen.Finish(r)
	}
}

// finish writes the page.
func (w *watcher) finish() error {
	if w == nil {
		return nil
	}
	if w.err != nil {
		return fmt.Errorf("showing the text: %w", w.err)
	}
	if w.file == "" {
		return nil
	}
	var page bytes.Buffer
	if err := w.page.Write(&page); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(w.file, page.Bytes())
}
