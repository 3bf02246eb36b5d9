// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/price"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// rateUnit is how many parts of a uath a rate counts in.
const rateUnit = 1_000_000

// ParsePrice is price.Parse.
func ParsePrice(s string) (price.Price, error) { return price.Parse(s) }

// ParseAmount is price.ParseAmount.
func ParseAmount(s string) (math.Int, error) { return price.ParseAmount(s) }

// PerHour is price.PerHour.
func PerHour(rate math.Int) string { return price.PerHour(rate) }

// PriceIn is price.In.
func PriceIn(denom string, rate math.Int) string { return price.In(denom, rate) }

// exchange is what a musd costs, in 10^-12 uath; zero where there is no price that leases are made by. Who pays in a stable denom needs none.
type exchange struct {
	slope math.Int
	par   bool
}

// paid is a rate in the denom that pays, at the present price.
func (x exchange) paid(denom string, rate math.Int) math.Int {
	if denom != leases.MicroUSD || x.par {
		return rate
	}
	return rate.Mul(x.slope).Quo(slopeUnit)
}

// in is a rate in a denom at the present price, rounded down.
func (x exchange) in(denom string, p price.Price) math.Int {
	switch {
	case denom == p.Denom || x.par:
		return p.Rate
	case denom == leases.MicroUSD:
		return p.Rate.Mul(slopeUnit).Quo(x.slope)
	default:
		return x.paid(p.Denom, p.Rate)
	}
}

// slopeUnit is how much finer the UsdIndex's slope is than uath per musd.
var slopeUnit = math.NewIntWithDecimal(1, 12)

// ParseCoin is price.ParseCoin.
func ParseCoin(s, pays string) (sdk.Coin, error) { return price.ParseCoin(s, pays) }

// FormatIn is price.FormatIn.
func FormatIn(denom string, amount math.Int) string { return price.FormatIn(denom, amount) }

// FormatATH is price.FormatATH.
func FormatATH(uath math.Int) string { return price.FormatATH(uath) }

// cost is what a rate takes in a time, in smallest units, rounded up.
func cost(rate math.Int, d time.Duration) math.Int {
	unit := math.NewInt(rateUnit).MulRaw(int64(time.Second))
	return rate.MulRaw(int64(d)).Add(unit).SubRaw(1).Quo(unit)
}

// readExchange asks what a musd costs. Where nothing may be priced in USD now that is no failure.
func (r *run) readExchange(ctx context.Context) (exchange, error) {
	none := exchange{slope: math.ZeroInt(), par: r.opts.PayWith != ""}
	if none.par {
		return none, nil
	}
	if r.opts.PriceDenom == athtypes.Denom && r.opts.MaxPrice.Denom == athtypes.Denom {
		return none, nil
	}
	q := athtypes.NewQueryClient(r.Node.Conn())
	known, err := q.Price(ctx, &athtypes.QueryPriceRequest{})
	switch {
	case isNotFound(err):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("look up the price of ATH: %w", err)
	case known.Stale:
		return none, nil
	}
	index, err := q.UsdIndex(ctx, &athtypes.QueryUsdIndexRequest{})
	if err != nil {
		return none, fmt.Errorf("look up the price of ATH: %w", err)
	}
	return exchange{slope: index.Step.Slope}, nil
}
