// Package economics turns what a machine is made of, draws and delivered into
// money, energy and carbon. Everything in it is a pure function: no clock, no
// catalogue, no simulation. Prices come in with their pedigree and leave on the
// line that they made.
//
// Owned assets are paid as an annuity over their life (Annuity), so that the cost
// of capital and the residual value stand in every line; energy is the mean power
// of each part times the power usage effectiveness (PUE) times the tariff, and the
// facility's share is a node of the same tree, so that IT plus facility equals the
// meter with no remainder. Rented machines cost their hourly price, with the work
// that spot interruptions destroy in the price of the useful hour.
//
// Sources: the annuity is the textbook capital-recovery formula; the split of a
// total cost of ownership into capital, facility, energy and operation follows
// Barroso, Hölzle and Ranganathan, "The Datacenter as a Computer", chapter 6, and
// the Uptime Institute's model; carbon follows the GHG protocol's location-based
// method. PUE is fixed or follows the climate and the load; tariffs and intensities may
// have a price for every hour, and load that can wait moves to the better ones. Left out:
// taxes and subsidies, prices that change over the years, batteries.
package economics
