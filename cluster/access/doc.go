// Package access is what stands between a client and the service that answers it: the
// token that is validated, the policy that is asked, the key that data are opened with.
//
// Answers of an identity provider or a key service are cached for a life T. A key that is
// asked for with rate λ (Poisson) is found but once a cycle: the share that misses is
// 1/(1 + λT). Misses queue at the provider, whose rate is bounded by a quota, as M/D/1; a
// quota that the misses exceed is an error.
//
// Sources: docs/models/security.md. Left out: caches that are bounded in size, keys of
// unequal use (which miss less often than alike ones), retries.
package access
