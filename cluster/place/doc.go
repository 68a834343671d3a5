// Package place puts pods on nodes: which node, and which of its GPUs, for requests of
// CPU, memory and whole or fractional GPUs, as plain arrays without a clock.
//
// A Placer keeps the score of every node for every class of alike pods. A placement
// changes one node, so a class recomputes only the nodes that changed since it was last
// asked for, and then takes the largest score: work follows what changed, and 10,000
// placements over 1,213 nodes take some tens of milliseconds.
//
// Policies, with the scores of the schedulers that they model (all integers from 0 to
// 100, so that ties are common and their breaking matters: the first node in order):
//
//   - random: a feasible node at random, and a random GPU that fits.
//   - first fit, best fit (least CPU and GPU left over, equally weighted), worst fit.
//   - dot product (Grandl et al., Tetris, SIGCOMM 2014): least alignment of the request
//     with what is free.
//   - packing (Xiao et al., AntMan, OSDI 2020, as the simulator of FGD has it): shared
//     GPUs, then idle GPUs of a used node, then an idle node.
//   - clustering (Xiao et al., Gandiva, OSDI 2018): pods of equal GPU counts together.
//   - fgd (Weng et al., Beware of fragmentation, USENIX ATC 2023): the node and GPU
//     whose fragmentation, expected over the typical mix of pods, grows least.
//
// Pack replays a list of pods, enlarged to a given demand, into an empty cluster and
// returns how much of its GPUs is allocated as demand arrives. Left out: ports,
// volumes, spread constraints.
package place
