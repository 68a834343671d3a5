package storage

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Failure domains that a pool can be spread over.
const (
	DomainHost = "host"
	DomainRack = "rack"
)

// pgTargetPerOSD is mon_target_pg_per_osd, the goal of the PG count rule.
const pgTargetPerOSD = 100

// balancerMaxDeviation is upmap_max_deviation: how many placement groups an
// OSD may hold above or below its share before the balancer moves one.
const balancerMaxDeviation = 5

// PGCount is the documented rule: OSDs × 100 / width, rounded to the nearest power of two.
func PGCount(osds, width int) int {
	want := float64(osds) * pgTargetPerOSD / float64(width)
	low := 1
	for float64(2*low) <= want {
		low *= 2
	}
	if want-float64(low) > float64(2*low)-want {
		return 2 * low
	}
	return low
}

// WorstShare is the load of the fullest of n equal OSDs over the mean when
// placement is a fair draw: the count per OSD is about binomial with the given
// mean, standard deviation √(mean·(1−1/n)), and its expected maximum lies z deviations
// up with z = Φ⁻¹((n−3/8)/(n+1/4)) (Blom 1958). With 100 per OSD and 1,000 OSDs
// it is 1.32. Exact maps (6/8) replace it.
func WorstShare(meanPerOSD float64, n int) float64 {
	if n <= 1 || !(meanPerOSD > 0) {
		return 1
	}
	return 1 + deviation(meanPerOSD, n)/meanPerOSD
}

// BalancedShare is WorstShare after the upmap balancer: at most five
// placement groups above the mean.
func BalancedShare(meanPerOSD float64, n int) float64 {
	if n <= 1 || !(meanPerOSD > 0) {
		return 1
	}
	return 1 + math.Min(balancerMaxDeviation, deviation(meanPerOSD, n))/meanPerOSD
}

func deviation(mean float64, n int) float64 {
	z := distuv.UnitNormal.Quantile((float64(n) - 0.375) / (float64(n) + 0.25))
	return z * math.Sqrt(mean*(1-1/float64(n)))
}

// checkPlacement refuses a pool whose shards cannot lie in domains of their own.
func checkPlacement(p Protection, domain string, nodes, nodesPerRack int) error {
	width := p.Width()
	switch domain {
	case DomainHost:
		if nodes < width {
			return fmt.Errorf("pool %s with failure domain host: %s need %d hosts, the pool has %d: %d < %d; add %d hosts or take a profile of width %d or less",
				p, p.pieces(), width, nodes, nodes, width, width-nodes, nodes)
		}
	case DomainRack:
		racks := (nodes + nodesPerRack - 1) / nodesPerRack
		if racks < width {
			return fmt.Errorf("pool %s with failure domain rack: %s need %d racks, %d hosts at %d per rack fill ceil(%d/%d) = %d: %d < %d; use failure domain host, %d or more hosts, or a profile of width %d or less",
				p, p.pieces(), width, nodes, nodesPerRack, nodes, nodesPerRack, racks, racks, width, (width-1)*nodesPerRack+1, racks)
		}
	default:
		return fmt.Errorf("failure domain %q: allowed host, rack", domain)
	}
	return nil
}

func (p Protection) pieces() string {
	if p.Replicated {
		return fmt.Sprintf("%d copies", p.Width())
	}
	return fmt.Sprintf("%d + %d = %d shards", p.Data, p.Parity, p.Width())
}
