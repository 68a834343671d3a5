package hardware

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
)

// usdPerEUR is the rate that the electricity table itself uses: 0.075 EUR/kWh
// is "about 8.1 US cents" in its row for US industry, 2024.
const usdPerEUR = 1.08

// Grid is the carbon intensity of a grid in gCO2e/kWh. A region is a cloud
// region ("aws/us-east-1", or "us-east-1" where one cloud has it), a country
// (name or code) or a US state.
func (c *Catalogue) Grid(region string) (Value, error) {
	return c.power(region, "grid region", func(r *record) bool { return r.text["metric"] == "grid_carbon_intensity" })
}

// Electricity is the industrial price of electricity of a country or region in
// USD/kWh, turned from EUR at the table's own rate.
func (c *Catalogue) Electricity(region string) (Value, error) {
	v, err := c.power(region, "electricity price", func(r *record) bool { return r.text["scope"] == "electricity" })
	if err != nil {
		return v, err
	}
	if v.Unit == "EUR/kWh" {
		v.V *= usdPerEUR
		v.Unit = "USD/kWh"
		v.Kind = derivedFrom(v.Kind)
		v.RelSD = math.Hypot(v.RelSD, 0.03)
		v.Source += fmt.Sprintf("; at %.2f USD/EUR, the table's own rate", usdPerEUR)
	}
	return v, nil
}

// Embodied is the embodied carbon of a machine or part in kgCO2e per unit that
// its Unit names (server, baseboard, GPU).
func (c *Catalogue) Embodied(name string) (Value, error) {
	return c.power(name, "embodied carbon", func(r *record) bool { return r.text["scope"] == "embodied" })
}

// PUE is the power usage effectiveness that an operator reports, its newest year.
func (c *Catalogue) PUE(operator string) (Value, error) {
	return c.power(operator, "operator", func(r *record) bool { return r.text["metric"] == "pue" })
}

// PowerChain is one figure of the chain from meter to device: an efficiency as
// a ratio, or a rack's density in kW, as the entry's name says.
func (c *Catalogue) PowerChain(name string) (Value, error) {
	return c.power(name, "power chain", func(r *record) bool { return r.text["scope"] == "facility" })
}

// power finds the row of a class by id, region code or name, letter case
// aside. Several rows of one name that differ only by year give the newest;
// rows of different places that share a name are an error.
func (c *Catalogue) power(name, what string, class func(*record) bool) (Value, error) {
	t, err := c.tables[KindPower]()
	if err != nil {
		return Value{}, err
	}
	want := strings.ToLower(strings.TrimSpace(name))
	if code, ok := countryCodes[want]; ok {
		want = code
	}
	var hits []*record
	var all []string
	best := math.MaxInt
	for _, id := range t.ids {
		r := t.byID[id]
		if !class(r) {
			continue
		}
		all = append(all, id)
		if m := matchPower(r, want); m <= best {
			if m < best {
				hits, best = nil, m
			}
			if m < math.MaxInt {
				hits = append(hits, r)
			}
		}
	}
	if len(hits) == 0 {
		return Value{}, &UnknownError{Kind: what, ID: name, Near: nearest(want, all)}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].date > hits[j].date })
	for _, r := range hits[1:] {
		if r.text["name"] != hits[0].text["name"] || r.text["region"] != hits[0].text["region"] {
			ids := make([]string, len(hits))
			for i, h := range hits {
				ids[i] = h.id
			}
			return Value{}, fmt.Errorf("%s %q is ambiguous: %s", what, name, strings.Join(ids, ", "))
		}
	}
	return hits[0].value("value"), nil
}

// countryCodes are the spellings in common use that the table does not have.
var countryCodes = map[string]string{"us": "usa", "uk": "gbr", "de": "deu", "fr": "fra", "ie": "irl", "se": "swe", "no": "nor", "fi": "fin", "cn": "chn", "in": "ind", "jp": "jpn"}

// matchPower ranks how a row answers to a name: by id, by "name/region", by
// region, by name, by the start of its name; MaxInt when not at all.
func matchPower(r *record, want string) int {
	name, region := strings.ToLower(r.text["name"]), strings.ToLower(r.text["region"])
	switch want {
	case "":
		return math.MaxInt
	case r.id:
		return 0
	case name + "/" + region:
		return 1
	case region:
		return 2
	case name:
		return 3
	}
	if strings.HasPrefix(name, want+" ") {
		return 4
	}
	return math.MaxInt
}

// Facts lists the operations facts whose name starts with prefix, by name.
func (c *Catalogue) Facts(prefix string) []Fact {
	t, err := c.tables[KindFact]()
	if err != nil {
		return nil
	}
	var out []Fact
	for _, id := range t.ids {
		if strings.HasPrefix(id, prefix) {
			r := t.byID[id]
			out = append(out, Fact{ID: id, Context: r.text["context"], Value: r.value("value")})
		}
	}
	return out
}

// Fact returns one operations fact.
func (c *Catalogue) Fact(id string) (Value, error) {
	r, err := c.record(KindFact, id)
	if err != nil {
		return Value{}, err
	}
	return r.value("value"), nil
}

// derivedFrom is the pedigree of a value computed from one of pedigree p: an
// assumption stays one.
func derivedFrom(p result.Pedigree) result.Pedigree {
	if p == result.Assumed {
		return p
	}
	return result.Derived
}
