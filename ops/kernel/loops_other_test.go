//go:build !amd64 || noasm

package kernel

func available() map[string]loops { return map[string]loops{"plain": plain} }
