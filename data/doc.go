// Package data turns text into rows of tokens: tokenizers, the embedded corpus,
// the split by document, and two kinds of Arrow files, token shards and the
// teacher's rolled-out trajectories.
//
// Arrow's IPC reader checks nothing, so no byte reaches it before its size and
// SHA-256 agree with a manifest, and reads run with a limited allocator.
//
// Letters in comments: L tokens a row, V tokens in the vocabulary, G intervals
// of a trajectory's time grid.
package data
