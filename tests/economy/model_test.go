// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"cosmossdk.io/math"

	"github.com/athnet/ath/x/ath/types"
)

const (
	uathPerATH  = 1_000_000
	yearEpochs  = 365
	genesisUath = types.Cap - types.EmissionTotal
)

// scenario is what the world does; everything else is the chain's arithmetic.
type scenario struct {
	name string
	// firstDay is what tenants pay on the first day, in ATH.
	firstDay int64
	// growthPpm is what a day's payments are to those of the day a year before, per year of growth, in millionths.
	growthPpm []uint32
	// stakedPpm is the part of the supply outside of the vault that is delegated.
	stakedPpm uint32
}

// scenarios of demand. Their figures are assumptions, chosen to show the ends and the middle; no one of them is a forecast.
func scenarios() []scenario {
	return []scenario{
		{name: "quiet", firstDay: 100_000, growthPpm: nil, stakedPpm: 300_000},
		{name: "steady", firstDay: 100_000, growthPpm: []uint32{2_000_000, 2_000_000, 2_000_000, 1_500_000, 1_500_000, 1_250_000, 1_250_000, 1_100_000, 1_100_000}, stakedPpm: 300_000},
		{name: "boom", firstDay: 100_000, growthPpm: []uint32{5_000_000, 4_000_000, 3_000_000, 2_500_000, 2_000_000, 1_500_000, 1_250_000, 1_250_000, 1_250_000}, stakedPpm: 300_000},
	}
}

// demand is what tenants pay in an epoch: equal steps between the first days of two years.
func (s scenario) demand(epoch uint64) math.Int {
	year, day := (epoch-1)/yearEpochs, (epoch-1)%yearEpochs
	from := math.NewInt(s.firstDay).MulRaw(uathPerATH)
	for y := uint64(0); y < year && y < uint64(len(s.growthPpm)); y++ {
		from = types.PartRoundedDown(from, s.growthPpm[y])
	}
	if year >= uint64(len(s.growthPpm)) {
		return from
	}
	step := types.PartRoundedDown(from, s.growthPpm[year]).Sub(from)
	return from.Add(step.MulRaw(int64(day)).QuoRaw(yearEpochs))
}

// pool is a pool's row and what it has promised since genesis.
type pool struct {
	state  types.PoolState
	held   math.Int
	paid   math.Int
	shares []types.Share
}

// open books an epoch's emission and its budget, as the keeper's openPool does.
func (p *pool) open(params types.Params, epoch uint64, emission math.Int) {
	reserved := math.ZeroInt()
	for _, share := range p.shares {
		reserved = reserved.Add(share.Budget)
	}
	budget := types.Budget(emission, p.held.Sub(reserved))
	p.held, p.state.Emitted = p.held.Add(emission), p.state.Emitted.Add(emission)
	last := len(p.shares) - 1
	if p.state.Pool.Quarterly() && last >= 0 && epoch <= p.shares[last].Epoch {
		p.shares[last].Budget = p.shares[last].Budget.Add(budget)
		return
	}
	until := epoch
	if p.state.Pool.Quarterly() {
		until += params.BonusEpochs - 1
	}
	p.shares = append(p.shares, types.NewShare(p.state, until, budget, math.ZeroInt()))
}

// weigh adds to the weight of the running epoch or quarter.
func (p *pool) weigh(weight math.Int) {
	last := len(p.shares) - 1
	p.shares[last] = p.shares[last].Add(weight, true)
}

// close pays what lies a horizon back.
func (p *pool) close(params types.Params, until uint64) {
	for len(p.shares) > 0 && p.shares[0].Epoch <= until {
		p.pay(p.shares[0].Close(params.Kappa(p.state.Pool)).Promised())
		p.shares = p.shares[1:]
	}
}

func (p *pool) pay(amount math.Int) {
	p.held, p.paid = p.held.Sub(amount), p.paid.Add(amount)
}

// network is the economy at the end of an epoch.
type network struct {
	scenario scenario
	params   types.Params
	epoch    uint64
	pools    []pool
	fees     []math.Int

	minted, burnt, stakers, slaFund, treasury, year math.Int
	stakerDays                                      []math.Int
}

func newNetwork(s scenario) *network {
	n := &network{scenario: s, params: types.DefaultParams(), minted: math.NewInt(genesisUath)}
	n.burnt, n.stakers, n.slaFund, n.treasury, n.year = math.ZeroInt(), math.ZeroInt(), math.ZeroInt(), math.ZeroInt(), math.ZeroInt()
	for _, p := range types.Pools() {
		n.pools = append(n.pools, pool{state: types.NewPoolState(p), held: math.ZeroInt(), paid: math.ZeroInt()})
	}
	return n
}

// step runs one epoch: mint, open, rent, and distribute what lies the verdict horizon back.
func (n *network) step() {
	n.epoch++
	gross := types.Emission(n.epoch)
	n.minted = n.minted.Add(gross.Total())
	fee := n.params.ServiceFeeRoundedDown(n.scenario.demand(n.epoch))
	n.fees = append(n.fees, fee)
	for i, part := range n.params.Divide(gross) {
		p := &n.pools[i]
		switch {
		case part.Pool == types.Pool_POOL_CAPACITY:
			// Some Container is always up: the stream gives away its whole rate.
			budget := types.Budget(part.Amount, p.held)
			p.held, p.state.Emitted = p.held.Add(part.Amount), p.state.Emitted.Add(part.Amount)
			p.pay(budget)
		case part.Pool.Shared():
			p.open(n.params, n.epoch, part.Amount)
			p.weigh(weight(part.Pool, fee))
		default:
			p.held, p.state.Emitted = p.held.Add(part.Amount), p.state.Emitted.Add(part.Amount)
		}
	}
	if n.epoch > n.params.VerdictHorizonEpochs {
		n.distribute(n.epoch - n.params.VerdictHorizonEpochs)
	}
}

// weight of an epoch: delivery all service fees, the Indexers those of every second lease, Checkers their tasks.
func weight(p types.Pool, fee math.Int) math.Int {
	switch p {
	case types.Pool_POOL_DELIVERY:
		return fee
	case types.Pool_POOL_INDEXER:
		return fee.QuoRaw(2)
	default:
		return math.NewInt(96)
	}
}

func (n *network) distribute(epoch uint64) {
	parts := n.params.FeeSplit.Divide(n.fees[0], types.Denom)
	n.fees = n.fees[1:]
	n.stakers, n.slaFund = n.stakers.Add(parts.Stakers), n.slaFund.Add(parts.SLAFund)
	n.treasury, n.burnt = n.treasury.Add(parts.Treasury), n.burnt.Add(parts.Burn)
	n.year, n.stakerDays = n.year.Add(parts.Stakers), append(n.stakerDays, parts.Stakers)
	if len(n.stakerDays) > yearEpochs {
		n.year, n.stakerDays = n.year.Sub(n.stakerDays[0]), n.stakerDays[1:]
	}
	for i := range n.pools {
		n.pools[i].close(n.params, epoch)
	}
}

// supply is what exists: minted less burnt.
func (n *network) supply() math.Int { return n.minted.Sub(n.burnt) }

// staked is the assumed part of the supply that no pool holds.
func (n *network) staked() math.Int {
	outside := n.supply()
	for _, p := range n.pools {
		outside = outside.Sub(p.held)
	}
	return types.PartRoundedDown(outside, n.scenario.stakedPpm)
}

// aprPpm is what stakers got of fees in the last 365 epochs per coin staked now, in millionths; in the first year, what
// they got so far, scaled to a year.
func (n *network) aprPpm() int64 {
	days := int64(len(n.stakerDays))
	if days == 0 || !n.staked().IsPositive() {
		return 0
	}
	return n.year.MulRaw(types.PPM).MulRaw(yearEpochs).QuoRaw(days).Quo(n.staked()).Int64()
}
