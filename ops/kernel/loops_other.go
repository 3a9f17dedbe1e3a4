//go:build !amd64 || noasm

package kernel

func fastest() loops { return plain }
