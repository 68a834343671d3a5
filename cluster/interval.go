package cluster

import "math"

// OptimalInterval is the running time between checkpoints that loses least, in
// seconds: Daly's first-order optimum √(2δM) − δ for a checkpoint that stalls the job
// for stallSec (δ) when failures come every mtbfSec (M) on average, valid for δ < M/2;
// beyond that M itself. It is never below floorSec, the time one checkpoint takes to
// reach storage. Without failures it returns +Inf.
func OptimalInterval(stallSec, mtbfSec, floorSec float64) float64 {
	if math.IsInf(mtbfSec, 1) {
		return mtbfSec
	}
	tau := mtbfSec
	if stallSec < mtbfSec/2 {
		tau = math.Sqrt(2*stallSec*mtbfSec) - stallSec
	}
	return math.Max(tau, floorSec)
}

// ExpectedWall is Daly's expected wall time, in seconds, to get workSec of work done
// with checkpoints of stallSec every tauSec of work, restarts of restartSec and a mean
// time between failures of mtbfSec: M e^{R/M} (e^{(τ+δ)/M} − 1) W/τ. Tests hold the
// simulation against it.
func ExpectedWall(workSec, tauSec, stallSec, restartSec, mtbfSec float64) float64 {
	m := mtbfSec
	return m * math.Exp(restartSec/m) * math.Expm1((tauSec+stallSec)/m) * workSec / tauSec
}
