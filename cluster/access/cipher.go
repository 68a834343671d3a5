package access

import "math"

// Rates of ciphers on one core, measured on an AMD EPYC with OpenSSL 3.0 (operations facts
// aes256gcm_16k, aes256xts_16k); kernel or user TLS in software takes softwareTLS times the
// cipher, for copies and caches (27 to 48 % of the throughput on an older Xeon: hyper-derp.dev).
const (
	gcmBytesPerSec = 4.60e9
	xtsBytesPerSec = 7.61e9
	softwareTLS    = 2.5
	// dmCryptBytesPerSec is what one server's array reaches through dm-crypt, tuned, whatever
	// its cores: 20 of 40 GiB/s of twelve drives (blog.nyman.re 2025).
	dmCryptBytesPerSec = 20 * (1 << 30)
)

// Layers say what is encrypted on the way to a store, and where.
type Layers struct {
	AtRest   string // none | self-encrypting | dm-crypt | client
	InFlight string // none | tls | ipsec | macsec
}

// AtRestNames and InFlightNames are the words that are accepted.
func AtRestNames() []string   { return []string{"none", "self-encrypting", "dm-crypt", "client"} }
func InFlightNames() []string { return []string{"none", "tls", "ipsec", "macsec"} }

// ClientCoreSec is the core-seconds that a client spends on a byte.
func (l Layers) ClientCoreSec() float64 {
	sec := 0.0
	if l.AtRest == "client" {
		sec += 1 / gcmBytesPerSec
	}
	if l.InFlight == "tls" {
		sec += softwareTLS / gcmBytesPerSec
	}
	return sec
}

// ServerBytesPerSec is what one storage server with so many cores for ciphers lets through,
// when each byte of a client is copies bytes on its drives; +Inf where it encrypts nothing.
func (l Layers) ServerBytesPerSec(cores, copies float64) float64 {
	sec, ceiling := 0.0, math.Inf(1)
	if l.InFlight == "tls" {
		sec += softwareTLS / gcmBytesPerSec
	}
	if l.AtRest == "dm-crypt" {
		sec += copies / xtsBytesPerSec
		ceiling = dmCryptBytesPerSec / copies
	}
	if sec == 0 {
		return ceiling
	}
	return math.Min(cores/sec, ceiling)
}

// WireFactor is the bytes on the wire for a byte sent: a TLS 1.3 record's 22 bytes on 16 KiB;
// IPsec's 73 and MACsec's 32 on a frame of 9,000, in line in the NIC or the port at line
// rate.
func (l Layers) WireFactor() float64 {
	switch l.InFlight {
	case "tls":
		return 1 + 22.0/(16<<10)
	case "ipsec":
		return 1 + 73.0/9000
	case "macsec":
		return 1 + 32.0/9000
	}
	return 1
}
