// Package profile holds the constants that the operator and link models take
// from measurement, per chip family, each with its source and uncertainty.
package profile
