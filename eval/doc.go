// Package eval measures generated text: perplexity under a judge that never saw
// the generator's training text, entropy, repetition, novelty, the likelihood
// bound of the flow itself, and the report that sets few steps against many.
//
// No figure stands alone: repetitive text has a low perplexity, a collapsed
// model repeats one good sample, a copying one recites. Measure gives them
// together, and a Report always carries those of real held-out text.
//
// Letters, here and in every file: B rows of L positions over V tokens; kappa,
// h, t and x_t as in package flow.
package eval
