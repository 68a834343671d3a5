// Package profile holds the constants that operator and link models take from
// measurement: efficiencies per chip family and chip (families.toml) and α–β
// constants per class of links (links.toml), each with source and relative
// standard deviation.
//
// For gives the embedded profile of an accelerator, Load reads a user's file of
// the same schema over it. A profile states its rung: "fitted efficiency" when
// the chip itself was measured, "datasheet roofline" when its family stands in.
package profile
