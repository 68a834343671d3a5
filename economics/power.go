package economics

import "fmt"

// Converter is one stage between a device and the meter that draws (out + FixedWatts)/Eff:
// a supply, a rectifier, a UPS, a transformer. Feeds is how many of the stage before share
// it, so that its fixed loss is theirs together.
type Converter struct {
	Name       string
	FixedWatts float64
	Eff        float64 // 0..1
	Feeds      float64 // 0 counts as 1
}

// Chain is converters from the device outwards.
type Chain []Converter

// In is the power drawn at the outer end for out watts at each device (ExaDigiT/RAPS:
// in = (out + c)/η, stage by stage). It is per device.
func (c Chain) In(out float64) float64 {
	shared := 1.0
	for _, s := range c {
		if s.Feeds > 0 {
			shared *= s.Feeds
		}
		out = (out + s.FixedWatts/shared) / s.Eff
	}
	return out
}

func (c Chain) check() error {
	for _, s := range c {
		if !(s.Eff > 0 && s.Eff <= 1) || s.FixedWatts < 0 || s.Feeds < 0 {
			return fmt.Errorf("economics: converter %q: efficiency %g, fixed loss %g W is impossible", s.Name, s.Eff, s.FixedWatts)
		}
	}
	return nil
}

// Cooling is how a facility gets rid of heat outdoors at a temperature.
type Cooling struct {
	OutdoorC   float64 // wet-bulb in the mean of the period
	FixedShare float64 // of the peak IT power that the facility draws whatever the load: fans, pumps, lights, no-load losses
}

// A chiller's coefficient of performance at 25 °C and what it loses per degree above
// (SustainCluster's plant); free cooling takes over below freeC, where only fans and pumps
// run, as a COP of freeCOP.
const (
	cop25    = 5.0
	copPerC  = 0.1
	freeC    = 10.0
	freeCOP  = 20.0
	leastCOP = 1.5
)

// COP is the heat moved per unit of power, between free cooling and the chiller in a
// straight line over five degrees.
func (c Cooling) COP() float64 {
	chiller := max(leastCOP, cop25-copPerC*(c.OutdoorC-25))
	switch {
	case c.OutdoorC <= freeC:
		return freeCOP
	case c.OutdoorC < freeC+5:
		f := (c.OutdoorC - freeC) / 5
		return freeCOP + f*(chiller-freeCOP)
	}
	return chiller
}

// PUE is facility over IT power at a load: (P + P/COP + fixed · P_peak)/P. A lightly
// loaded hall has a worse one.
func (c Cooling) PUE(meanWatts, peakWatts float64) float64 {
	if meanWatts <= 0 {
		return 1
	}
	return 1 + 1/c.COP() + c.FixedShare*peakWatts/meanWatts
}

// SplitNode divides the price of a node over its resources in the ratio of what they
// would cost by themselves, so that the parts sum to the node (OpenCost v1). amounts and
// rates are by resource; a node that costs nothing by its rates has no split.
func SplitNode(price float64, amounts, rates []float64) []float64 {
	sum := 0.0
	out := make([]float64, len(amounts))
	for i := range amounts {
		out[i] = amounts[i] * rates[i]
		sum += out[i]
	}
	if sum == 0 {
		return nil
	}
	for i := range out {
		out[i] *= price / sum
	}
	return out
}
