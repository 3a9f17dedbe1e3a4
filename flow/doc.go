// Package flow is discrete flow matching on plain slices: the source and the
// path that corrupt token rows, the velocity that a network's posterior
// implies, the solvers that jump along it, and the sampling loop.
//
// Letters, here and in every file: B rows of L positions over V tokens; t runs
// from 0 (source) to 1 (data); h is the size of a step; kappa(t) is the share
// of positions that are data at time t; p = p_{1|t}(. | x_t) is the posterior
// over the clean token, the softmax of the network's logits.
//
// Method: "FS-DFM: Fast and Accurate Long Text Generation with Few-Step
// Diffusion Language Models", arXiv 2509.20624; mixture path and velocity: "Discrete Flow
// Matching", arXiv 2407.15595.
//
// Every row has a time, a step size and a random stream of its own, since
// training mixes them: a row never depends on the batch it stands in.
package flow
