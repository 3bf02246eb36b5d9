// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"
)

func TestMedianPriceNeedsTwoThirdsOfAllPower(t *testing.T) {
	votes := []Vote{{Power: 40, Price: 10}, {Power: 26, Price: 30}, {Power: 34}}
	_, ok := MedianPrice(votes, 100)
	require.False(t, ok, "66 of 100")
	votes[1].Power, votes[2].Power = 27, 33
	price, ok := MedianPrice(votes, 100)
	require.True(t, ok)
	require.Equal(t, uint64(10), price)
	_, ok = MedianPrice(nil, 0)
	require.False(t, ok)
	_, ok = MedianPrice([]Vote{{Power: 1, Price: MaxPrice + 1}}, 1)
	require.False(t, ok, "no price at all")
}

// Whoever has less than a third of the power, and whoever else is silent, the median lies within what the honest say.
func TestLessThanAThirdCannotMoveTheMedianOutOfTheHonestRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.Uint64Range(1, MaxPrice)
		var votes []Vote
		var power, lying int64
		low, high := uint64(MaxPrice), uint64(1)
		for i := range rapid.IntRange(1, 30).Draw(t, "validators") {
			v := Vote{Operator: []byte{byte(i)}, Power: rapid.Int64Range(1, 1<<55).Draw(t, "power")}
			power += v.Power
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				lying += v.Power
				v.Price = rapid.OneOf(price, rapid.Just(uint64(1)), rapid.Just(uint64(MaxPrice))).Draw(t, "lie")
			case 1: // silent
			default:
				v.Price = price.Draw(t, "price")
				low, high = min(low, v.Price), max(high, v.Price)
			}
			votes = append(votes, v)
		}
		median, ok := MedianPrice(votes, power)
		if lying >= power-lying-lying || !ok { // lying * 3 >= power, without overflow
			return
		}
		require.LessOrEqual(t, low, median)
		require.LessOrEqual(t, median, high)
		slices.Reverse(votes)
		again, _ := MedianPrice(votes, power)
		require.Equal(t, median, again, "the order of votes does not matter")
	})
}

func TestAnObservationMovesThePriceByABoundedStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		params := DefaultParams()
		params.PriceMaxChangePpm = rapid.Uint32Range(1, MaxPriceChangePPM).Draw(t, "ppm")
		params.PriceAverageBlocks = rapid.Uint32Range(1, MaxPriceAverageBlocks).Draw(t, "blocks")
		now := time.Unix(1_800_000_000, 0)
		price := params.Observe(nil, rapid.Uint64Range(1, MaxPrice).Draw(t, "first"), now)
		low, high := price.Average, price.Average
		for range rapid.IntRange(1, 50).Draw(t, "observations") {
			before := price
			price = params.Observe(&before, rapid.Uint64Range(1, MaxPrice).Draw(t, "median"), now)
			require.NoError(t, price.Validate())
			step := max(before.Spot, price.Spot) - min(before.Spot, price.Spot)
			most := math.NewIntFromUint64(before.Spot).MulRaw(int64(params.PriceMaxChangePpm)).QuoRaw(PPM).Uint64()
			require.LessOrEqual(t, step, max(1, most))
			scaled := math.NewIntFromUint64(price.Spot).MulRaw(averageScale)
			low, high = math.MinInt(low, scaled), math.MaxInt(high, scaled)
			require.False(t, price.Average.LT(low) || price.Average.GT(high), "the average lies within what was observed")
		}
	})
}

// The bound holds at the highest price too, where a plain product is beyond 64 bits.
func TestTheHighestPriceMovesByItsWholePart(t *testing.T) {
	params := DefaultParams()
	params.PriceMaxChangePpm = MaxPriceChangePPM
	price := params.Observe(nil, MaxPrice, time.Unix(0, 0))
	require.Equal(t, uint64(MaxPrice/10*9), params.Observe(&price, 1, time.Unix(0, 0)).Spot)
}

func TestPriceFollowsASteadyMedian(t *testing.T) {
	params := DefaultParams()
	price := params.Observe(nil, 30_000_000, time.Unix(0, 0))
	require.Equal(t, "0.030000000000000000", price.USD())
	for range 70 { // 1.01^70 > 2
		price = params.Observe(&price, 60_000_000, time.Unix(0, 0))
	}
	require.Equal(t, uint64(60_000_000), price.Spot)
	for range 20_000 {
		price = params.Observe(&price, 60_000_000, time.Unix(0, 0))
	}
	require.InDelta(t, 0.06, price.Average.ToLegacyDec().QuoInt64(1_000_000_000).QuoInt64(1_000_000_000).MustFloat64(), 1e-12)
}

// The index never falls, does not depend on when it is read or stepped while the price stands, and freezes its slope when stale.
func TestUsdIndex(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	price := DefaultParams().Observe(nil, 30_000_000, now)
	index := NewUsdIndex(price, now)
	require.Equal(t, "33333333333333", index.Slope.String(), "a micro-dollar is 33.3 uath at 0.03 USD")
	rapid.Check(t, func(t *rapid.T) {
		once, many := index, index
		at, last := now, math.ZeroInt()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.Int64Range(1, int64(100*time.Hour)).Draw(t, "ns")))
			stale := rapid.Bool().Draw(t, "stale")
			many = many.Step(price, stale, at)
			require.True(t, many.At(at).Equal(once.At(at)))
			require.True(t, many.Index.GT(last))
			last = many.Index
			require.NoError(t, many.Validate())
		}
		other := price
		other.Average = price.Average.MulRaw(2)
		require.True(t, many.Step(other, true, at).Slope.Equal(index.Slope), "stale: the slope stays")
		require.True(t, many.Step(other, false, at).Slope.LT(index.Slope))
	})
}

func TestStale(t *testing.T) {
	params := DefaultParams()
	now := time.Unix(1_800_000_000, 0)
	price := params.Observe(nil, 1, now)
	require.True(t, params.Stale(nil, now))
	require.False(t, params.Stale(&price, now.Add(params.PriceStaleAfter)))
	require.True(t, params.Stale(&price, now.Add(params.PriceStaleAfter+1)))
}

func FuzzReadVoteExtension(f *testing.F) {
	good := VoteExtension{Price: 30_000_000, BeaconProof: make([]byte, 80)}
	bytes, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bytes)
	f.Add([]byte{})
	f.Add(make([]byte, MaxVoteExtension+1))
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		ext := ReadVoteExtension(bytes)
		require.LessOrEqual(t, len(ext.BeaconProof), MaxVoteExtension)
		if len(bytes) > MaxVoteExtension {
			require.Equal(t, VoteExtension{}, ext)
		}
	})
}

func TestGenesisPriceIsRefused(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	price := DefaultParams().Observe(nil, 30_000_000, now)
	first := NewUsdIndex(price, now)
	second := first.Step(price, false, now.Add(time.Hour))
	state := func(change func(*GenesisState)) error {
		g := GenesisState{Price: &price, UsdIndex: &second, UsdCheckpoints: []UsdIndex{first}}
		change(&g)
		return g.validatePrice()
	}
	require.NoError(t, state(func(*GenesisState) {}))
	for name, change := range map[string]func(*GenesisState){
		"price without index": func(g *GenesisState) { g.UsdIndex = nil },
		"checkpoints alone":   func(g *GenesisState) { g.Price, g.UsdIndex = nil, nil },
		"a gap":               func(g *GenesisState) { g.UsdIndex.Index = second.Index.AddRaw(1) },
		"the wrong order":     func(g *GenesisState) { g.UsdCheckpoints = []UsdIndex{first, first} },
		"no price":            func(g *GenesisState) { g.Price = &Price{Average: math.OneInt()} },
		"before all clocks": func(g *GenesisState) {
			long := NewUsdIndex(price, time.Unix(-1, 0))
			g.UsdIndex, g.UsdCheckpoints = &long, nil
		},
		"an average of nought": func(g *GenesisState) { g.Price = &Price{Spot: 1, Average: math.ZeroInt()} },
	} {
		second = first.Step(price, false, now.Add(time.Hour))
		require.ErrorIs(t, state(change), ErrInvalidGenesis, name)
	}
}
