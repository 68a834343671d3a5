package hardware

import (
	"errors"

	"aisim/hardware/profile"
)

var errNotBuilt = errors.New("catalogue: not built")

// Catalogue holds every part that aisim knows of.
type Catalogue struct{}

// Default is the embedded catalogue; each of its files is read on first use.
func Default() *Catalogue { return &Catalogue{} }

// SHA256 is the digest over all catalogue files.
func (c *Catalogue) SHA256() string                                { return "" }
func (c *Catalogue) Accelerator(id string) (*Accelerator, error)   { return nil, errNotBuilt }
func (c *Catalogue) Server(id string) (*Server, error)             { return nil, errNotBuilt }
func (c *Catalogue) Interconnect(id string) (*Interconnect, error) { return nil, errNotBuilt }
func (c *Catalogue) Drive(id string) (*Drive, error)               { return nil, errNotBuilt }
func (c *Catalogue) Instance(id string) (*Instance, error)         { return nil, errNotBuilt }
func (c *Catalogue) Model(id string) (*Model, error)               { return nil, errNotBuilt }
func (c *Catalogue) Grid(region string) (Value, error)             { return Value{}, errNotBuilt }
func (c *Catalogue) Electricity(region string) (Value, error)      { return Value{}, errNotBuilt }
func (c *Catalogue) Embodied(name string) (Value, error)           { return Value{}, errNotBuilt }
func (c *Catalogue) Facts(prefix string) []Fact                    { return nil }
func (c *Catalogue) ServerPrice(id string) (Value, error)          { return Value{}, errNotBuilt }
func (c *Catalogue) Entries(kind string) []Entry                   { return nil }
func (c *Catalogue) Show(id string) ([]Field, error)               { return nil, errNotBuilt }
func (c *Catalogue) Device(id string, prof *profile.Profile, draw Draw) (*Device, error) {
	return nil, errNotBuilt
}
