// Package flowtest holds what every scheduler, source and solver of package
// flow must satisfy. A new one calls the function named after its interface
// from its own test.
package flowtest
