package scenarios

import (
	"aisim/cluster/access"
	"aisim/internal/units"
	"aisim/workloads/serving"
)

// Security is what stands between clients and services, and what logs it.
type Security struct {
	CheckSec float64   `toml:"check"`
	Token    *Token    `toml:"token"`
	Keys     *DataKeys `toml:"keys"`
	Audit    *AuditLog `toml:"audit"`
}

// Token is the proof of identity that requests carry.
type Token struct {
	VerifySec      float64  `toml:"verify"`
	ProviderSec    float64  `toml:"provider_time"`
	ProviderPerSec *float64 `toml:"provider_rate"`
	LifeSec        float64  `toml:"life"`
	Clients        int      `toml:"clients"`
}

// DataKeys are keys that a key service opens.
type DataKeys struct {
	CallSec     float64 `toml:"time"`
	QuotaPerSec float64 `toml:"quota"`
	CacheSec    float64 `toml:"cache"`
	Count       int     `toml:"count"`
	USDPerCall  float64 `toml:"price"`
}

// AuditLog is a record of every access.
type AuditLog struct {
	Store       string  `toml:"store"`
	RecordBytes float64 `toml:"record"`
	KeptSec     float64 `toml:"retention"`
}

var securityKeys = []Key{
	{Path: "security", Doc: "What every request of a service passes before it is answered, and what is logged of it and of the objects that training reads (docs/models/security.md)."},
	{Path: "security.check", Doc: "Check of rights.", Dim: units.Time, Range: within(0, minute), Default: `"1 ms"`, Why: "assumed: a policy engine in the process takes less, a webhook 5 to 20 ms"},
	{Path: "security.token", Doc: "Tokens that requests carry, and the identity provider that is asked about those that are not known."},
	{Path: "security.token.verify", Doc: "Verification of a signature.", Dim: units.Time, Range: within(0, 1), Default: `"47 us"`, Why: "ECDSA P-256, 21,338/s on a core of an AMD EPYC (OpenSSL 3.0, measured)"},
	{Path: "security.token.provider_time", Doc: "Time of a call to the identity provider.", Dim: units.Time, Range: within(0, minute), Default: `"20 ms"`, Why: "assumed"},
	{Path: "security.token.provider_rate", Doc: "Calls that the identity provider takes.", Dim: units.Rate, Range: above(0, 1e9), Derived: "no limit", Example: `"500/s"`},
	{Path: "security.token.life", Doc: "How long a client's token is known; 0 asks for each request.", Dim: units.Time, Range: within(0, 365*day), Default: `"5 min"`, Why: "assumed"},
	{Path: "security.token.clients", Doc: "Clients among whom the requests are spread evenly.", Required: true, Range: within(1, 1_000_000_000), Example: `2000`},
	{Path: "security.keys", Doc: "Data keys that a key service (KMS) opens for requests."},
	{Path: "security.keys.time", Doc: "Time of a call.", Dim: units.Time, Range: within(0, minute), Default: `"10 ms"`, Why: "typical of AWS KMS (operations facts)"},
	{Path: "security.keys.quota", Doc: "Calls that it takes.", Dim: units.Rate, Range: above(0, 1e9), Default: `"10000/s"`, Why: "AWS KMS, account and region, smaller regions (operations facts)"},
	{Path: "security.keys.cache", Doc: "How long an opened key is kept; 0 asks for each request.", Dim: units.Time, Range: within(0, 365*day), Default: `"5 min"`, Why: "assumed"},
	{Path: "security.keys.count", Doc: "Keys among which the requests are spread evenly: one for each data set, or one for each object.", Required: true, Range: within(1, 1_000_000_000_000), Example: `500`},
	{Path: "security.keys.price", Doc: "Price of a call.", Dim: units.Money, Range: within(0, 1), Default: `"0.000003 USD"`, Why: "AWS KMS, 0.03 USD for 10,000 calls (from memory)"},
	{Path: "security.audit", Doc: "Log of every access: requests of services, objects that training reads. In place of compliance.audit_store."},
	{Path: "security.audit.store", Doc: "Store that keeps it, by id: it is written all the time.", Required: true, Ref: "storage", Example: `"logs"`},
	{Path: "security.audit.record", Doc: "One record.", Dim: units.Bytes, Range: above(0, 1e7), Default: `"700 B"`, Why: "assumed: a JSON line"},
	{Path: "security.audit.retention", Doc: "How long records are kept.", Dim: units.Time, Range: above(0, 200*year), Default: `"6 y"`, Why: "as long as HIPAA's documents, 45 CFR 164.316(b)(2)"},
}

// security checks that something is secured.
func (c *checker) security() {
	s := c.sc.Security
	if s == nil {
		return
	}
	serves := false
	for i := range c.sc.Workloads {
		serves = serves || c.sc.Workloads[i].Kind == "serving"
	}
	if !serves && (s.Token != nil || s.Keys != nil || s.Audit == nil) {
		c.bad("security", "", "leave token and keys out", "changes nothing, because no workload serves requests")
	}
	if a := s.Audit; a != nil {
		c.store("security.audit.store", a.Store)
		if c.sc.Compliance != nil && c.sc.Compliance.AuditStore != "" {
			c.bad("security.audit", "", "leave out compliance.audit_store", "is a second audit log beside that of [compliance]")
		}
	}
}

// Secured is what the security of a service costs at its load.
type Secured struct {
	Token, Keys access.Use
	CheckSec    float64 // of every request: rights and signature
	KeysUSDPerH float64
}

// MeanSec is what a request waits for it on average.
func (s *Secured) MeanSec() float64 { return s.CheckSec + s.Token.MeanSec() + s.Keys.MeanSec() }

// secured is the use that a stream of requests makes of the providers.
func (s *Security) secured(requestsPerSec float64) (*Secured, error) {
	if s == nil {
		return nil, nil
	}
	out := &Secured{CheckSec: s.CheckSec}
	var err error
	if t := s.Token; t != nil {
		out.CheckSec += t.VerifySec
		p := access.Provider{Name: "the identity provider", Sec: t.ProviderSec, LifeSec: t.LifeSec, Things: float64(t.Clients)}
		if t.ProviderPerSec != nil {
			p.QuotaPerSec = *t.ProviderPerSec
		}
		if out.Token, err = p.Under(requestsPerSec); err != nil {
			return nil, err
		}
	}
	if k := s.Keys; k != nil {
		p := access.Provider{Name: "the key service", Sec: k.CallSec, QuotaPerSec: k.QuotaPerSec, LifeSec: k.CacheSec, Things: float64(k.Count)}
		if out.Keys, err = p.Under(requestsPerSec); err != nil {
			return nil, err
		}
		out.KeysUSDPerH = 3600 * out.Keys.CallsPerSec * k.USDPerCall
	}
	return out, nil
}

// front is the same, as requests pass it.
func (s *Secured) front() serving.Front {
	if s == nil {
		return serving.Front{}
	}
	out := serving.Front{FixedSec: s.CheckSec}
	for _, u := range []access.Use{s.Token, s.Keys} {
		if u.MissShare > 0 {
			out.Calls = append(out.Calls, serving.FrontCall{Share: u.MissShare, Sec: u.CallSec})
		}
	}
	return out
}
