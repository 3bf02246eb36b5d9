// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"cosmossdk.io/math"

	"github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

const (
	uathPerATH  = 1_000_000
	yearEpochs  = 365
	genesisUath = types.Cap - types.EmissionTotal
	// churnPpm of the Containers are replaced with each step of the stake's coefficient.
	churnPpm = 30_000
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
	// containers there are on the first day, and unitStake, in ATH, is the class stake of each; all are single ones of edge providers.
	containers, unitStake int64
	// supplyPpm is how the number of Containers grows, as growthPpm.
	supplyPpm []uint32
}

// scenarios of demand and supply. Their figures are assumptions, chosen to show the ends and the middle; no one of them is a
// forecast.
func scenarios() []scenario {
	const firstDay, staked, containers, unit = 100_000, 300_000, 5_000, 1_000
	return []scenario{
		{name: "quiet", firstDay: firstDay, stakedPpm: staked, containers: containers, unitStake: unit},
		{
			name: "steady", firstDay: firstDay, stakedPpm: staked, containers: containers, unitStake: unit,
			growthPpm: []uint32{2_000_000, 2_000_000, 2_000_000, 1_500_000, 1_500_000, 1_250_000, 1_250_000, 1_100_000, 1_100_000},
			supplyPpm: []uint32{1_500_000, 1_500_000, 1_500_000, 1_500_000, 1_250_000, 1_250_000, 1_250_000, 1_100_000, 1_100_000},
		},
		{
			name: "boom", firstDay: firstDay, stakedPpm: staked, containers: containers, unitStake: unit,
			growthPpm: []uint32{5_000_000, 4_000_000, 3_000_000, 2_500_000, 2_000_000, 1_500_000, 1_250_000, 1_250_000, 1_250_000},
			supplyPpm: []uint32{2_000_000, 2_500_000, 2_500_000, 2_000_000, 2_000_000, 1_500_000, 1_250_000, 1_250_000, 1_250_000},
		},
	}
}

// growing is a figure in an epoch: equal steps between the first days of two years.
func growing(first int64, growthPpm []uint32, epoch uint64) math.Int {
	year, day := (epoch-1)/yearEpochs, (epoch-1)%yearEpochs
	from := math.NewInt(first)
	for y := uint64(0); y < year && y < uint64(len(growthPpm)); y++ {
		from = types.PartRoundedDown(from, growthPpm[y])
	}
	if year >= uint64(len(growthPpm)) {
		return from
	}
	step := types.PartRoundedDown(from, growthPpm[year]).Sub(from)
	return from.Add(step.MulRaw(int64(day)).QuoRaw(yearEpochs))
}

// demand is what tenants pay in an epoch, in uath but whole ATH, so that half of it has half of its fee.
func (s scenario) demand(epoch uint64) math.Int {
	return growing(s.firstDay, s.growthPpm, epoch).MulRaw(uathPerATH)
}

// pool is a pool's row and what it has promised since genesis.
type pool struct {
	state  types.PoolState
	held   math.Int
	paid   math.Int
	shares []types.Share
	rate   math.Int // of the stream, in the running epoch
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
	switch {
	case !p.state.Pool.Shared():
		p.rate = budget
		return
	case p.state.Pool.Quarterly() && last >= 0 && epoch <= p.shares[last].Epoch:
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

// network is the economy in an epoch.
type network struct {
	scenario scenario
	params   types.Params
	epoch    uint64
	pools    []pool
	fees     []math.Int

	minted, burnt, slaFund, treasury math.Int
	// What stakers got, of fees and of the DAO's stream.
	fromFees, fromDAO   income
	daoGranted, daoHeld math.Int
	stakes
}

// income is what stakers got since genesis, and in each of the last 365 epochs.
type income struct {
	sum, year math.Int
	days      []math.Int
}

func newIncome() income { return income{sum: math.ZeroInt(), year: math.ZeroInt()} }

func (i *income) add(amount math.Int) {
	i.sum, i.year, i.days = i.sum.Add(amount), i.year.Add(amount), append(i.days, amount)
	if len(i.days) > yearEpochs {
		i.year, i.days = i.year.Sub(i.days[0]), i.days[1:]
	}
}

// aprPpm is what came in the last 365 epochs per coin staked now, in millionths; in the first year, what came so far, scaled to
// a year.
func (i income) aprPpm(staked math.Int) int64 {
	days := int64(len(i.days))
	if days == 0 || !staked.IsPositive() {
		return 0
	}
	return i.year.MulRaw(types.PPM).MulRaw(yearEpochs).QuoRaw(days).Quo(staked).Int64()
}

// stakes are those of all Containers, as x/providers books them.
type stakes struct {
	rules       providerstypes.Params
	class       providerstypes.Class
	coefficient providerstypes.Coefficient
	containers  int64
	bonded      math.Int
	revenue     []math.Int // of complete epochs, the last ones
}

func newStakes(s scenario) stakes {
	k := stakes{
		rules: providerstypes.DefaultParams(), coefficient: providerstypes.NewCoefficient(), bonded: math.ZeroInt(),
		class: providerstypes.Class{Stake: math.NewInt(s.unitStake).MulRaw(uathPerATH)},
	}
	k.join(s.containers)
	return k
}

// newcomer is what a Container bonds now.
func (k *stakes) newcomer() math.Int {
	return k.rules.StakeRoundedUp(k.class, providerstypes.Tier_TIER_EDGE, 1, k.coefficient.IndexPpm)
}

func (k *stakes) count(containers int64) {
	base := k.rules.BaseRoundedUp(k.class, providerstypes.Tier_TIER_EDGE, 1)
	k.coefficient, k.containers = k.coefficient.Count(base.MulRaw(containers)), k.containers+containers
}

func (k *stakes) join(containers int64) {
	k.bonded = k.bonded.Add(k.newcomer().MulRaw(containers))
	k.count(containers)
}

// leave takes the average stake along.
func (k *stakes) leave(containers int64) {
	k.bonded = k.bonded.Sub(k.bonded.MulRaw(containers).QuoRaw(k.containers))
	k.count(-containers)
}

// begin steps the coefficient in an epoch in which it is due, as the keeper's stepCoefficient does; then some Containers are
// replaced by new ones.
func (k *stakes) begin(epoch uint64) {
	if !k.coefficient.Due(epoch, k.rules) {
		return
	}
	revenue := math.ZeroInt()
	for _, day := range k.revenue[max(0, len(k.revenue)-int(k.rules.CoefficientEpochs)):] {
		revenue = revenue.Add(day)
	}
	k.coefficient, _ = k.coefficient.Step(epoch, revenue, k.rules)
	if replaced := k.containers * churnPpm / types.PPM; replaced > 0 {
		k.leave(replaced)
		k.join(replaced)
	}
}

func newNetwork(s scenario) *network {
	n := &network{
		scenario: s, params: types.DefaultParams(), minted: math.NewInt(genesisUath), burnt: math.ZeroInt(), slaFund: math.ZeroInt(),
		treasury: math.ZeroInt(), fromFees: newIncome(), fromDAO: newIncome(), stakes: newStakes(s),
		daoGranted: math.NewInt(types.DAOTotal), daoHeld: math.NewInt(types.DAOTotal),
	}
	for _, p := range types.Pools() {
		n.pools = append(n.pools, pool{state: types.NewPoolState(p), held: math.ZeroInt(), paid: math.ZeroInt(), rate: math.ZeroInt()})
	}
	n.begin()
	return n
}

// begin opens an epoch: its coefficient, its emission, its budgets.
func (n *network) begin() {
	n.epoch++
	n.stakes.begin(n.epoch)
	gross := types.Emission(n.epoch)
	n.minted = n.minted.Add(gross.Total())
	for i, part := range n.params.Divide(gross) {
		n.pools[i].open(n.params, n.epoch, part.Amount)
	}
}

// rent is what happens in an epoch: tenants pay, Checkers work, some Container is always up, so that the stream gives away its
// whole rate; Containers come or go until there are as many as the scenario says.
func (n *network) rent() {
	paid := n.scenario.demand(n.epoch)
	fee := n.params.ServiceFeeRoundedDown(paid)
	n.fees, n.revenue = append(n.fees, fee), append(n.revenue, paid)
	for i := range n.pools {
		switch p := &n.pools[i]; {
		case p.state.Pool == types.Pool_POOL_CAPACITY:
			p.pay(p.rate)
		case p.state.Pool.Shared():
			p.weigh(weight(p.state.Pool, fee))
		}
	}
	if change := growing(n.scenario.containers, n.scenario.supplyPpm, n.epoch).Int64() - n.containers; change > 0 {
		n.join(change)
	} else if change < 0 {
		n.leave(-change)
	}
}

// end distributes what lies the verdict horizon back, and the DAO's part.
func (n *network) end() {
	if n.epoch > n.params.VerdictHorizonEpochs {
		n.distribute(n.epoch - n.params.VerdictHorizonEpochs)
	}
	amount := types.DAOStream(n.daoGranted, n.epoch)
	stakers, treasury := n.params.DivideDAO(amount)
	n.daoHeld, n.treasury = n.daoHeld.Sub(amount), n.treasury.Add(treasury)
	n.fromDAO.add(stakers)
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
	n.fromFees.add(parts.Stakers)
	n.slaFund, n.treasury, n.burnt = n.slaFund.Add(parts.SLAFund), n.treasury.Add(parts.Treasury), n.burnt.Add(parts.Burn)
	for i := range n.pools {
		n.pools[i].close(n.params, epoch)
	}
}

// supply is what exists: minted less burnt.
func (n *network) supply() math.Int { return n.minted.Sub(n.burnt) }

// staked is the assumed part of the supply that no pool, no Container's stake and not the DAO's grant holds.
func (n *network) staked() math.Int {
	outside := n.supply().Sub(n.daoHeld).Sub(n.bonded)
	for _, p := range n.pools {
		outside = outside.Sub(p.held)
	}
	return types.PartRoundedDown(outside, n.scenario.stakedPpm)
}
