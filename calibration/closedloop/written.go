package closedloop

import (
	"bytes"

	"aisim/calibration/fit"
	"aisim/hardware/profile"
)

// written is the profile as a file gives it: what is predicted with must be what is kept.
func written(r *fit.Result) (*profile.Profile, error) {
	p := *r.Profile
	p.ID, p.Source, p.Date = "this-host", "aisim calibrate probe", "undated"
	text, err := profile.Encode(&p, r.Eff, r.Links)
	if err != nil {
		return nil, err
	}
	return profile.Load(bytes.NewReader(text))
}
