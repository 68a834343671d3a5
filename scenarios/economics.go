package scenarios

// Economics is what the machine costs, buys or rents, draws and emits.
type Economics struct {
	Mode             string    `toml:"mode"` // buy | rent
	Years            float64   `toml:"years"`
	USDPerKWh        float64   `toml:"electricity"`
	PUE              float64   `toml:"pue"`
	CostOfCapital    float64   `toml:"cost_of_capital"` // per year
	Residual         float64   `toml:"residual"`        // share of the price left after Years
	Maintenance      float64   `toml:"maintenance"`     // share of the price per year
	Depreciation     string    `toml:"depreciation"`    // straight-line | declining
	Staff            *Quantity `toml:"staff"`           // units.MoneyPerYear or units.People; nil: none
	USDPerPersonYear float64   `toml:"staff_cost"`
	USDPerKWMonth    float64   `toml:"colocation"`
	SoftwareUSDPerYr float64   `toml:"software"`
	GramsPerKWh      *float64  `toml:"carbon_intensity"`
	Region           string    `toml:"region"` // grid region whose carbon intensity and price the catalogue knows
	Prices           Prices    `toml:"prices"`
	Rent             *Rent     `toml:"rent"` // set when Mode is rent

	USDPerKWhByHour   []float64 `toml:"electricity_by_hour"` // 24 entries
	DemandUSDPerKWMon float64   `toml:"demand_charge"`
	GramsPerKWhByHour []float64 `toml:"carbon_by_hour"` // 24 entries
	Shift             float64   `toml:"shift"`          // share of the load that can wait for better hours
	Cooling           *Cooling  `toml:"cooling"`        // nil: pue holds
	Conversion        []float64 `toml:"conversion"`     // efficiencies from the plug to the meter
	WaterLPerKWh      float64   `toml:"water"`
	WaterUSDPerM3     float64   `toml:"water_price"`
	Spares            float64   `toml:"spares"`
	HallUSDPerWatt    float64   `toml:"hall"`
	HallYears         float64   `toml:"hall_years"`
	Burst             *Burst    `toml:"burst"` // nil: everything is owned
}

// Cooling is the climate that a hall is cooled against.
type Cooling struct {
	OutdoorC   float64 `toml:"outdoor"`
	FixedShare float64 `toml:"fixed"`
}

// Burst is the part of an owned machine that is rented when it is needed.
type Burst struct {
	Nodes      int     `toml:"nodes"`
	Hours      float64 `toml:"hours"` // share of the time
	USDPerHour float64 `toml:"price"` // of a node
}

// Prices are purchase prices that replace the catalogue's; nil keeps them.
type Prices struct {
	ServerUSD      *float64 `toml:"server"`
	SwitchUSD      *float64 `toml:"switch"`
	LinkUSD        *float64 `toml:"link"` // cable with both its ends
	StorageNodeUSD *float64 `toml:"storage_node"`
}

// Commitment is instances that are paid for a term, whether they are used or not.
type Commitment struct {
	Purchase   string   `toml:"purchase"` // one-year | three-year
	Instances  int      `toml:"instances"`
	USDPerHour *float64 `toml:"price"` // per instance; nil: the catalogue's
}

// Rent is the bill of a cloud.
type Rent struct {
	Instance             string       `toml:"instance"` // catalogue id
	Purchase             string       `toml:"purchase"` // on-demand | one-year | three-year | spot
	USDPerHour           *float64     `toml:"price"`    // per instance; nil: the catalogue's
	EgressBytes          float64      `toml:"egress"`
	EgressUSDPerGB       float64      `toml:"egress_price"`
	StorageBytes         float64      `toml:"storage"`
	StorageUSDPerGBMonth float64      `toml:"storage_price"`
	InterruptionsPerSec  float64      `toml:"interruptions"` // of each instance, taken away and given back
	NoticeSec            float64      `toml:"notice"`        // before an instance is taken away
	Quota                *int         `toml:"quota"`         // instances that the account may have
	Commitments          []Commitment `toml:"commitment"`
	Used                 float64      `toml:"used"` // share of the time that instances without a commitment are kept
}
