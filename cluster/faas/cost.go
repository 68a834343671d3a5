package faas

import (
	"fmt"
	"math"
)

// Price of a platform that bills what it serves.
type Price struct {
	PerRequest    float64 // USD
	PerBusySecond float64 // USD per instance-second that serves
	PerIdleSecond float64 // USD per instance-second kept warm on demand (provisioned)
}

// HourlyUSD is what the outcome costs an hour.
func (p Price) HourlyUSD(o *Outcome, provisioned int) float64 {
	if o.SimulatedSec <= 0 {
		return 0
	}
	return 3600 * (p.PerRequest*float64(o.Requests)/o.SimulatedSec + p.PerBusySecond*o.MeanBusy + p.PerIdleSecond*float64(provisioned))
}

// BreakEven is the arrival rate above which reserved machines cost less: a machine for
// usdPerHour serves slots requests at a time and is filled to the given utilisation.
func (p Price) BreakEven(warmSec, usdPerHour float64, slots int, utilisation float64) (ratePerSec float64, err error) {
	if !(utilisation > 0) || utilisation > 1 || slots < 1 || !(warmSec > 0) || !(usdPerHour > 0) {
		return 0, fmt.Errorf("faas: break-even needs a service time, a price, at least one slot and a utilisation between 0 and 1")
	}
	per := p.PerRequest + p.PerBusySecond*warmSec
	if per <= 0 {
		return math.Inf(1), nil
	}
	// One machine is the least that can be reserved; beyond what it holds, machines grow
	// with the load and the rate at which they pay off no longer changes.
	one := usdPerHour / 3600 / per
	full := float64(slots) * utilisation / warmSec
	if one > full {
		return math.Inf(1), nil
	}
	return one, nil
}
