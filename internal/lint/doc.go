// Package lint holds the tests of the house itself: which room may import which,
// that each package says what it is, and what may not stand in the code. It has
// no code of its own.
package lint
