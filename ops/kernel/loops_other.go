package kernel

func fastest() loops { return plain }
