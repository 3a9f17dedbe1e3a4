package watch

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var browser = flag.String("browser", "", "a `program`, chromium or the like, to test the page in")

// pages have two models of a text; tokens 200 and 201 are the halves of é.
func testPage() Page {
	few := record("few, 2 steps", []int32{0, 1, 2, 3, 4}, []int32{0, 200, 201, 3, 4}, []int32{9, 200, 201, 3, 100})
	few.Given[3] = true
	many := record("many, 4 steps", []int32{0, 1, 2, 3, 4}, []int32{0, 1, 2, 3, 7}, []int32{0, 1, 8, 3, 7}, []int32{0, 9, 8, 3, 7}, []int32{9, 9, 8, 3, 7})
	other := record("</script><b>", []int32{0}, []int32{1})
	return Page{Title: "few & many", Note: "seed 1", Scenes: []Scene{{"1", []*Recording{few, many}}, {"2 <&>", []*Recording{other}}}}
}

func write(t *testing.T, p Page) string {
	t.Helper()
	var page bytes.Buffer
	if err := p.Write(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestPageHoldsTheRecordings(t *testing.T) {
	page := write(t, testPage())
	_, rest, _ := strings.Cut(page, `<script type="application/json" id="data">`)
	content, _, _ := strings.Cut(rest, "</script>")
	var got []map[string]any
	if err := json.Unmarshal([]byte(content), &got); err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	err := json.Unmarshal([]byte(`[
		{"title": "1", "plays": [
			{"name": "few, 2 steps", "pieces": ["a", "b", "c", "d", "e", [195], [169], "j", "\n"], "given": [3], "start": [0, 1, 2, 3, 4],
			 "times": [0.5, 1], "seconds": [1, 2], "changes": [[1, 5, 2, 6], [0, 7, 4, 8]]},
			{"name": "many, 4 steps", "pieces": ["a", "b", "c", "d", "e", "h", "i", "j"], "given": [], "start": [0, 1, 2, 3, 4],
			 "times": [0.25, 0.5, 0.75, 1], "seconds": [1, 2, 3, 4], "changes": [[4, 5], [2, 6], [1, 7], [0, 7]]}]},
		{"title": "2 <&>", "plays": [
			{"name": "</script><b>", "pieces": ["a", "b"], "given": [], "start": [0], "times": [1], "seconds": [1], "changes": [[0, 1]]}]}
	]`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("data %s", content)
	}
}

func TestPageLoadsNothing(t *testing.T) {
	page := write(t, testPage())
	if loads := regexp.MustCompile(`(?i)(src|href)\s*=|https?:|url\(|@import|fetch\(`).FindString(page); loads != "" {
		t.Errorf("the page has %q", loads)
	}
	if !strings.Contains(page, "<title>few &amp; many</title>") {
		t.Error("the title is not there, or not escaped")
	}
	if len(page) > 16<<10 {
		t.Errorf("%d bytes for recordings of a few: the page is to be small", len(page))
	}
}

// script plays with the page by keys and tells what it saw.
const script = `<script>
window.requestAnimationFrame = f => setTimeout(() => f(performance.now()), 16); // on the test's clock
const seen = [];
const look = what => seen.push([what, $("play").textContent, ...panels.map(p => p.text.textContent + "|" + p.label.textContent + "|" + p.clock.textContent + "|" + [...p.text.children].map(s => s.className[0] || ".").join(""))]);
const press = (key, on) => (on || document.body).dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const turn = (control, value) => { control.value = value; control.dispatchEvent(new Event("input")); };
look("at 1.5");
press("ArrowRight"); look("right");
press("ArrowLeft"); press("ArrowLeft"); look("left, left");
press("End"); look("end");
press("Home"); look("home");
turn(panels[1].slider, 3); look("step 3 of the second");
turn($("clock"), 1); look("clock 1");
press("ArrowRight", $("clock")); look("right on a slider");
press(" "); look("space");
setTimeout(() => { press("k"); look("a while after"); }, 2000);
setTimeout(() => {
  look("long after");
  $("scene").value = 1; $("scene").dispatchEvent(new Event("change")); press(" "); press("End"); look("second text");
  document.body.dataset.seen = JSON.stringify(seen);
}, 20000);
</script></body>`

func TestPageInBrowser(t *testing.T) {
	if *browser == "" {
		t.Skip("without -browser, as in go test ./sample/watch -args -browser chromium")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	page := strings.Replace(write(t, testPage()), "</body>", script, 1)
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	dom, err := exec.Command(*browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--virtual-time-budget=30000", "--dump-dom", "file://"+file+"#1.5").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(dom), `data-seen="`)
	if !found {
		t.Fatalf("the page did not get to its end:\n%s", dom)
	}
	content, _, _ := strings.Cut(rest, `"`)
	content = strings.NewReplacer("&quot;", `"`, "&lt;", "<", "&gt;", ">", "&nbsp;", " ", "&amp;", "&").Replace(content)
	var seen [][]string
	if err := json.Unmarshal([]byte(content), &seen); err != nil {
		t.Fatal(err)
	}
	ended := []string{"Play", "jéd\n|step 2 of 2, t 1.000|2.000 s|...g.", "jjidh|step 4 of 4, t 1.000|4.000 s|....."}
	one := []string{"Play", "aéde|step 1 of 2, t 0.500|1.000 s|.nng.", "abcdh|step 1 of 4, t 0.250|1.000 s|....n"}
	want := map[string][]string{
		"at 1.5":               {"Play", "aéde|step 1 of 2, t 0.500|1.500 s|.nng.", "abcdh|step 1 of 4, t 0.250|1.500 s|....n"},
		"right":                {"Play", "jéd↵\n|step 2 of 2, t 1.000|2.000 s|n..gn", "abidh|step 2 of 4, t 0.500|2.000 s|..n.."},
		"left, left":           {"Play", "abcde|step 0 of 2, t 0.000|0.000 s|...g.", "abcde|step 0 of 4, t 0.000|0.000 s|....."},
		"end":                  ended,
		"home":                 {"Play", "abcde|step 0 of 2, t 0.000|0.000 s|...g.", "abcde|step 0 of 4, t 0.000|0.000 s|....."},
		"step 3 of the second": {"Play", "jéd\n|step 2 of 2, t 1.000|2.000 s|...g.", "ajidh|step 3 of 4, t 0.750|3.000 s|.n..."},
		"clock 1":              one,
		"right on a slider":    one,
		"space":                append([]string{"Pause"}, one[1:]...),
		"long after":           ended,
		"second text":          {"Play", "b|step 1 of 1, t 1.000|1.000 s|."},
	}
	for _, s := range seen {
		if w, ok := want[s[0]]; ok && !reflect.DeepEqual(s[1:], w) {
			t.Errorf("%s: %q, want %q", s[0], s[1:], w)
		}
		delete(want, s[0])
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
}
