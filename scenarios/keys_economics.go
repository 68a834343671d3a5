package scenarios

import "aisim/internal/units"

var economicsKeys = []Key{
	{Path: "economics", Doc: "What the machine costs, buys or rents, draws and emits."},
	{Path: "economics.mode", Doc: "Buy the machine or rent it in a cloud.", Enum: []string{"buy", "rent"}, Default: `"buy"`},
	{Path: "economics.years", Doc: "Years that the machine is kept.", Dim: units.Ratio, Range: within(0.1, 20), Default: `4`, Why: "assumed: between one and two generations of accelerators"},
	{Path: "economics.electricity", Doc: "Price of electricity at the meter.", Dim: units.MoneyPerEnergy, Range: within(0, 10), Default: `"0.08 USD/kWh"`, Why: "US industrial price 2024, catalogue (0.075 EUR/kWh, about 8.1 US cents)"},
	{Path: "economics.pue", Doc: "Power of the facility over power of the IT.", Dim: units.Ratio, Range: within(1, 3), Default: `1.25`, Why: "public cloud industry average 2025, IDC estimate, catalogue"},
	{Path: "economics.cost_of_capital", Doc: "Interest on the money that is tied up, per year.", Dim: units.Ratio, Range: within(0, 0.5), Default: `0.08`, Why: "assumed: weighted cost of capital of a large company"},
	{Path: "economics.residual", Doc: "Share of the price that the machine is worth at the end.", Dim: units.Ratio, Range: within(0, 0.9), Default: `0.1`, Why: "assumed"},
	{Path: "economics.maintenance", Doc: "Support and parts per year, as a share of the price of the IT.", Dim: units.Ratio, Range: within(0, 0.5), Default: `0.04`, Why: "assumed: 3 to 5 % of the price of IT a year is usual"},
	{Path: "economics.depreciation", Doc: "How capital is spread over the years: equal payments that include the interest, or equal write-offs with interest on what is left.", Enum: []string{"annuity", "straight-line"}, Default: `"annuity"`, Why: "equal payments make periods comparable"},
	{Path: "economics.staff", Doc: "People who run the machine: their number, or their cost per year.", Dim: units.MoneyPerYear, AlsoDim: units.People, Range: within(0, 1e10), Derived: "none", Example: `"2.4 MUSD/y"`},
	{Path: "economics.staff_cost", Doc: "Cost of one person, if staff is a number of people.", Dim: units.MoneyPerYear, Range: within(0, 1e7), Default: `"200 kUSD/y"`, Why: "assumed: salary with overheads"},
	{Path: "economics.colocation", Doc: "Space and power capacity, per kW of IT and month, without the electricity.", Dim: units.MoneyPerPowerMonth, Range: within(0, 10000), Default: `"184 USD/kW-month"`, Why: "average asking rate in North America at the end of 2024 (CBRE, from memory); large halls pay less"},
	{Path: "economics.software", Doc: "Licences and support of software per year.", Dim: units.MoneyPerYear, Range: within(0, 1e10), Default: `"0 USD/y"`, Why: "open software"},
	{Path: "economics.carbon_intensity", Doc: "Carbon intensity of the electricity, location-based. Give this or region.", Group: "carbon", Dim: units.Carbon, Range: within(0, 3000), Derived: "the region's", Example: `"415 g/kWh"`},
	{Path: "economics.region", Doc: "Grid region whose carbon intensity the catalogue knows.", Group: "carbon", Ref: "region", Default: `"us-east-1"`, Why: "the region of the catalogue's cloud prices", Example: `"us-central1"`},
	{Path: "economics.prices", Doc: "Purchase prices that replace the catalogue's."},
	{Path: "economics.prices.server", Doc: "One server.", Dim: units.Money, Range: within(0, 1e9), Derived: "the catalogue's", Example: `"270000 USD"`},
	{Path: "economics.prices.switch", Doc: "One switch.", Dim: units.Money, Range: within(0, 1e8), Derived: "the catalogue's", Example: `"38000 USD"`},
	{Path: "economics.prices.link", Doc: "One cable with both its ends.", Dim: units.Money, Range: within(0, 1e6), Derived: "the catalogue's", Example: `"1500 USD"`},
	{Path: "economics.prices.storage_node", Doc: "One storage server with its drives.", Dim: units.Money, Range: within(0, 1e8), Derived: "the catalogue's", Example: `"45000 USD"`},
	{Path: "economics.rent", Doc: "The bill of a cloud; needed when mode is rent."},
	{Path: "economics.rent.instance", Doc: "Instance, by catalogue id (`aisim catalog list --kind instance`).", Required: true, Ref: "instance", Example: `"azure-nd96amsr-a100-v4"`},
	{Path: "economics.rent.purchase", Doc: "How the instances are bought.", Enum: []string{"on-demand", "one-year", "three-year", "spot"}, Default: `"on-demand"`, Why: "the list price"},
	{Path: "economics.rent.price", Doc: "Price of one instance, in place of the catalogue's.", Dim: units.MoneyPerHour, Range: within(0, 1e5), Derived: "the catalogue's for the purchase", Example: `"98.32 USD/h"`},
	{Path: "economics.rent.egress", Doc: "Data that leave the cloud during the run.", Dim: units.Bytes, Range: within(0, 1e21), Default: `"0 B"`, Why: "nothing leaves"},
	{Path: "economics.rent.egress_price", Doc: "Price of data that leave.", Dim: units.MoneyPerGB, Range: within(0, 10), Default: `"0.09 USD/GB"`, Why: "first tier of AWS internet egress, catalogue"},
	{Path: "economics.rent.storage", Doc: "Data kept in the cloud's object store during the run.", Dim: units.Bytes, Range: within(0, 1e21), Default: `"0 B"`, Why: "nothing kept"},
	{Path: "economics.rent.storage_price", Doc: "Price of data kept.", Dim: units.MoneyPerGBMonth, Range: within(0, 10), Default: `"0.023 USD/GB-month"`, Why: "S3 Standard list price 2025, catalogue"},
}
