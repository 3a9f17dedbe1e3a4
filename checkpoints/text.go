package checkpoints

import (
	"fmt"
	"io"
	"os"
)

// maxText bounds what is read of a JSON file that stands beside weights: the
// largest, a tokenizer's, has a few MB.
const maxText = 64 << 20 // bytes

// readText is os.ReadFile that refuses files no one wrote as text.
func readText(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err == nil && len(text) > maxText {
		return nil, fmt.Errorf("%s has more than %d bytes: it is not the file of that name, fetch or export it again", path, maxText)
	}
	return text, err
}
