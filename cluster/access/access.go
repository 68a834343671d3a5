package access

import "fmt"

// MissShare is the share of requests that do not find an answer in a cache, of a thing that
// is asked for ratePerSec times a second and kept for lifeSec from the miss on.
func MissShare(ratePerSec, lifeSec float64) float64 { return 1 / (1 + ratePerSec*lifeSec) }

// Provider answers calls: an identity provider, a key service.
type Provider struct {
	Name        string
	Sec         float64 // of one call
	QuotaPerSec float64 // calls that it takes; 0 is no limit
	LifeSec     float64 // of an answer in the caller's cache; 0: every request calls
	Things      float64 // identities or keys, asked for alike
}

// Use is what a stream of requests makes of a provider.
type Use struct {
	MissShare   float64 // of the requests that call
	CallsPerSec float64
	CallSec     float64 // of one call, with the wait for the quota
	Load        float64 // of the quota
}

// MeanSec is what the provider adds to a request on average.
func (u Use) MeanSec() float64 { return u.MissShare * u.CallSec }

// Under is the use at so many requests a second. It is an error to ask for more than the
// quota.
func (p Provider) Under(requestsPerSec float64) (Use, error) {
	u := Use{MissShare: 1, CallSec: p.Sec}
	if p.LifeSec > 0 && p.Things > 0 {
		u.MissShare = MissShare(requestsPerSec/p.Things, p.LifeSec)
	}
	u.CallsPerSec = requestsPerSec * u.MissShare
	if p.QuotaPerSec > 0 {
		u.Load = u.CallsPerSec / p.QuotaPerSec
		if u.Load >= 1 {
			return u, fmt.Errorf("access: %.4g requests/s ask %s %.4g times a second, and it takes %.4g: cache its answers for longer, or ask for a larger quota", requestsPerSec, p.Name, u.CallsPerSec, p.QuotaPerSec)
		}
		u.CallSec += u.Load / (2 * p.QuotaPerSec * (1 - u.Load))
	}
	return u, nil
}
