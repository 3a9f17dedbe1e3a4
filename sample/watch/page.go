package watch

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"unicode/utf8"
)

// Page plays recordings in a browser. It is one file that loads nothing.
type Page struct {
	Title  string
	Note   string // how the texts were drawn
	Scenes []Scene
}

// Scene is one text, written by each model.
type Scene struct {
	Title      string
	Recordings []*Recording
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	scenes := make([]sceneData, len(p.Scenes))
	for i, s := range p.Scenes {
		scenes[i].Title = s.Title
		for _, r := range s.Recordings {
			scenes[i].Plays = append(scenes[i].Plays, newPlay(r))
		}
	}
	err := pageTemplate.Execute(w, struct {
		Title, Note string
		Scenes      []sceneData
	}{p.Title, p.Note, scenes})
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

type sceneData struct {
	Title string `json:"title"`
	Plays []play `json:"plays"`
}

// play is a Recording as the page has it: only the tokens that occur, and only
// what each step changed.
type play struct {
	Name    string    `json:"name"`
	Pieces  []any     `json:"pieces"`  // of each token: a string, or bytes that make none
	Given   []int     `json:"given"`   // positions
	Start   []int     `json:"start"`   // [L] places in Pieces
	Times   []float64 `json:"times"`   // [S] of the path
	Seconds []float64 `json:"seconds"` // [S] since the start
	Changes [][]int   `json:"changes"` // [S] position, place in Pieces, position, ..
}

func newPlay(r *Recording) play {
	p, places := play{Name: r.Name, Given: []int{}}, map[int32]int{}
	place := func(id int32) int {
		at, ok := places[id]
		if !ok {
			at = len(p.Pieces)
			places[id], p.Pieces = at, append(p.Pieces, piece(r.Piece(id)))
		}
		return at
	}
	for i, id := range r.Start {
		p.Start = append(p.Start, place(id))
		if r.Given[i] {
			p.Given = append(p.Given, i)
		}
	}
	for _, f := range r.Frames {
		changes := make([]int, 0, 2*len(f.Changes))
		for _, c := range f.Changes {
			changes = append(changes, c.Position, place(c.Token))
		}
		p.Times, p.Seconds, p.Changes = append(p.Times, micro(f.T)), append(p.Seconds, micro(f.Seconds)), append(p.Changes, changes)
	}
	return p
}

func piece(text string) any {
	if utf8.ValidString(text) {
		return text
	}
	bytes := make([]int, len(text))
	for i := range bytes {
		bytes[i] = int(text[i])
	}
	return bytes
}

// micro rounds to millionths.
func micro(x float64) float64 { return math.Round(x*1e6) / 1e6 }
