package economics

import "math"

// Annuity is the yearly payment, in the unit of cost, that recovers cost over
// life years at the interest rate per year, when residual (a share of cost, 0..1)
// is got back at the end: (C − R·C/(1+i)^n) · i/(1 − (1+i)^−n). At a rate of zero
// it is straight-line depreciation.
func Annuity(cost, rate, lifeYears, residual float64) float64 {
	if lifeYears <= 0 {
		return 0
	}
	if rate == 0 {
		return cost * (1 - residual) / lifeYears
	}
	grown := math.Pow(1+rate, lifeYears)
	return cost * (1 - residual/grown) * rate / (1 - 1/grown)
}

// StraightLine is the mean yearly cost, in the unit of cost, of writing cost off evenly
// down to its residual over life years, with interest at the rate per year on what is
// left: C(1−R)/n + i·C(1+R)/2, the balance falling in a straight line.
func StraightLine(cost, rate, lifeYears, residual float64) float64 {
	if lifeYears <= 0 {
		return 0
	}
	return cost*(1-residual)/lifeYears + rate*cost*(1+residual)/2
}

// BreakEvenUse is the share of the time that a machine must be in use for a commitment,
// which is paid in full, to cost no more than one that is paid by the hour; above 1 it never
// does.
func BreakEvenUse(committedPerHour, hourlyPerHour float64) float64 {
	if hourlyPerHour <= 0 {
		return math.Inf(1)
	}
	return committedPerHour / hourlyPerHour
}

// SpotUsefulHour is the price of a useful hour on a machine that costs pricePerHour
// and is taken away hazardPerHour times an hour, when each interruption destroys
// lostHours of work and restart (Young's first-order argument: the share
// hazard × lost of the time is paid and not useful). It returns +Inf when
// interruptions leave no useful time.
func SpotUsefulHour(pricePerHour, hazardPerHour, lostHours float64) float64 {
	useful := 1 - hazardPerHour*lostHours
	if useful <= 0 {
		return math.Inf(1)
	}
	return pricePerHour / useful
}
