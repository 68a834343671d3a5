// Package hardware holds what does the work: the catalogue of chips, servers,
// links, drives, clouds and model cards, and the performance and power models
// of devices.
package hardware
