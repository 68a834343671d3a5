// Package rounds schedules training jobs in rounds, with speeds from measured tables: the
// port of Tiresias in the simulator of Pollux, on alike GPUs, and Gavel's first-come,
// least-attained-service and finish-time-fair policies on several kinds of GPU.
//
// Sources: Gu et al., Tiresias (NSDI 2019); Qiao et al., Pollux (OSDI 2021); Narayanan et
// al., Gavel (OSDI 2020); Mahajan et al., Themis (NSDI 2020).
package rounds
