package serving

// siteOf is the site that request i comes from: each of them equally likely and
// independent of the others, so that a site's arrivals are as bursty as the whole
// stream's. A fixed function of the number, for every future of the same stream.
func siteOf(i, sites int) int {
	if sites == 1 {
		return 0
	}
	// SplitMix64's finaliser (Steele, Lea & Flood, OOPSLA 2014).
	z := uint64(i+1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(sites))
}
