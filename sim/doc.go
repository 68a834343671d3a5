// Package sim is aisim's discrete-event engine: integer time, pointer-free
// events in a total order, parallel execution whose result does not depend on
// the number of workers, named random streams and statistics that merge exactly.
package sim
