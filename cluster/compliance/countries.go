package compliance

import "slices"

// eea are the countries of the European Economic Area.
var eea = []string{"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}

// adequate are the countries with an adequacy decision of the European Commission
// (Art. 45) that covers every recipient; September 2025. Canada's covers commercial
// organisations, that of the United States those certified under the Data Privacy
// Framework.
var adequate = []string{"AD", "AR", "CA", "CH", "FO", "GB", "GG", "IL", "IM", "JE", "JP", "KR", "NZ", "UY"}

// KnownCountry says whether s looks like a country code of ISO 3166-1.
func KnownCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

func inEEA(country string) bool       { return slices.Contains(eea, country) }
func hasAdequacy(country string) bool { return slices.Contains(adequate, country) }
