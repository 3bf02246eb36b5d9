// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// modelContainer is what a Container is in the model: no bitmaps, no weights, no indexes, only the rules.
type modelContainer struct {
	owner     string
	machine   int
	state     types.ContainerState
	lease     string
	offered   bool
	faulty    bool
	broken    bool // a device
	suspended time.Time
	measured  uint64 // throughput
	// rounds until the next verdict speaks of it: 2 when it joined, 1 when it is member, 0 from then on.
	rounds int
	seen   time.Time
	stake  math.Int // bonded when it was registered
	// class is the catalogue's entry when the weight was computed last: by a heartbeat, a measurement, or when earning began.
	class  types.Class
	earned bool
}

// model drives a keeper and a plain map side by side.
type model struct {
	*fixture
	live    map[uint64]*modelContainer
	outages map[uint64]time.Duration
	next    uint64
	round   uint64
	total   math.Int
	params  types.Params
	class   types.Class // of all Containers
	// pulse is when a block was noted last, resumed since when they come without a long pause; zero before the first.
	pulse, resumed time.Time
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{fixture: newFixture(t), live: map[uint64]*modelContainer{}, outages: map[uint64]time.Duration{}, next: 1}
		m.total = m.vault.total()
		m.params = types.DefaultParams()
		var err error
		m.class, err = m.k.Class(m.ctx, "cpu")
		require.NoError(rt, err)
		for _, who := range []sdk.AccAddress{owner, stranger} {
			_, err := m.msgs.RegisterProvider(m.ctx, &types.MsgRegisterProvider{Owner: who.String(), Tier: types.Tier_TIER_EDGE})
			require.NoError(rt, err)
		}
		if rapid.Bool().Draw(rt, "a market") {
			m.market(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"register":    m.register,
			"heartbeat":   m.beat,
			"verdict":     m.judge,
			"bind":        m.bind,
			"release":     m.release,
			"maintain":    m.maintain,
			"measure":     m.measure,
			"offer":       m.offer,
			"retire":      m.retire,
			"withdraw":    m.withdraw,
			"parameters":  m.changeParams,
			"class":       m.changeClass,
			"time passes": func(t *rapid.T) { m.pass(t, time.Duration(rapid.Int64Range(1, int64(10*time.Minute)).Draw(t, "ns"))) },
			"a pause":     func(t *rapid.T) { m.block(t, 24*time.Hour) },
			"":            m.check,
		})
	})
}

// market begins with Containers that are leased and earn already; by chance alone few get there.
func (m *model) market(t *rapid.T) {
	words := map[uint64]string{}
	for i, who := range []sdk.AccAddress{owner, owner, stranger} {
		id := m.next
		m.add(t, who, i)
		m.hear(t, id, false)
		require.NoError(t, m.k.SetOffered(m.ctx, id, true))
		m.live[id].offered, words[id] = true, "healthy"
	}
	for range 3 {
		m.verdictOf(t, words, true)
		m.check(t)
	}
}

// block ends a block some time later.
func (m *model) block(t *rapid.T, d time.Duration) {
	m.advance(d)
	require.NoError(t, m.k.EndBlock(m.ctx))
	switch now := m.ctx.BlockTime(); {
	case m.paused():
		m.pulse, m.resumed = now, now
	case now.Sub(m.pulse) >= types.PulseNoted:
		m.pulse = now
	}
}

// pass lets blocks come every minute.
func (m *model) pass(t *rapid.T, d time.Duration) {
	for ; d > 0; d -= time.Minute {
		m.block(t, min(d, time.Minute))
	}
}

func (m *model) paused() bool { return m.pulse.IsZero() || types.Paused(m.pulse, m.ctx.BlockTime()) }

// silence suspends a free Container that earned while nothing was heard of it, for as long as that was.
func (m *model) silence(c *modelContainer) {
	now, since := m.ctx.BlockTime(), c.seen
	if m.paused() {
		since = now
	} else if m.resumed.After(since) {
		since = m.resumed
	}
	silent := now.Sub(since)
	if silent > 3*m.params.HeartbeatInterval && m.params.CapacitySuspension > 0 && c.state == stReady && c.earns() {
		c.suspended = now.Add(min(silent, m.params.CapacitySuspension))
	}
}

func (c *modelContainer) earns() bool {
	return (c.state == stReady || c.state == stLeased) && c.offered && !c.faulty && !c.broken && c.suspended.IsZero()
}

// pick draws a living Container, or skips.
func (m *model) pick(t *rapid.T) (uint64, *modelContainer) {
	ids := make([]uint64, 0, len(m.live))
	for id := range m.live {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		t.Skip("no containers")
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "id")
	return id, m.live[id]
}

func (m *model) register(t *rapid.T) {
	m.add(t, rapid.SampledFrom([]sdk.AccAddress{owner, stranger}).Draw(t, "who"), rapid.IntRange(0, 9).Draw(t, "machine"))
}

func (m *model) add(t *rapid.T, account sdk.AccAddress, machine int) {
	who := account.String()
	taken := false
	for _, c := range m.live {
		taken = taken || c.machine == machine
	}
	err := m.tx(func(ctx sdk.Context) error {
		res, err := m.msgs.RegisterContainers(ctx, &types.MsgRegisterContainers{
			Owner: who, MaxStake: math.NewInt(mostStake), Containers: consented(account, machine),
		})
		if err == nil {
			require.Equal(t, []uint64{m.next}, res.Ids)
		}
		return err
	})
	if taken {
		require.ErrorIs(t, err, types.ErrFingerprintTaken)
		return
	}
	stake := m.stake()
	if stake.GT(math.NewInt(mostStake)) {
		require.ErrorIs(t, err, types.ErrStakeAboveMax)
		return
	}
	require.NoError(t, err)
	m.live[m.next] = &modelContainer{
		owner: who, machine: machine, state: stRegistered, measured: cpu(machine).Spec.Throughput, stake: stake,
	}
	m.next++
}

func (m *model) beat(t *rapid.T) {
	id, _ := m.pick(t)
	m.hear(t, id, rapid.IntRange(0, 3).Draw(t, "broken") == 0)
}

func (m *model) hear(t *rapid.T, id uint64, broken bool) {
	c := m.live[id]
	msg := &types.MsgHeartbeat{Operator: c.owner, Ids: []uint64{id}}
	if broken {
		msg.Faults = []types.DeviceFault{{Id: id, Kind: types.DeviceFaultKind_DEVICE_FAULT_KIND_XID, Code: 79, Device: "GPU-0"}}
	}
	_, err := m.msgs.Heartbeat(m.ctx, msg)
	require.NoError(t, err)
	m.silence(c)
	c.seen, c.class = m.ctx.BlockTime(), m.class
	if c.state == stRegistered {
		c.enterChecking()
	}
	if broken && !c.broken && !c.state.Bound() && c.state != stMaintenance && c.state != stQuality {
		c.enterChecking()
		c.state = stQuality
	}
	c.broken = broken || c.broken && c.state.Bound()
	if !m.ctx.BlockTime().Before(c.suspended) {
		c.suspended = time.Time{}
	}
}

func (c *modelContainer) enterChecking() {
	c.state, c.rounds, c.faulty = stChecking, 2, false
}

func (m *model) judge(t *rapid.T) {
	words := map[uint64]string{}
	for id := uint64(1); id < m.next; id++ {
		words[id] = rapid.SampledFrom([]string{"healthy", "healthy", "faulty", "suspect", ""}).Draw(t, "word")
	}
	m.verdictOf(t, words, rapid.Bool().Draw(t, "decided"))
}

// verdictOf ends a round with a word on each Container.
func (m *model) verdictOf(t *rapid.T, words map[uint64]string, decided bool) {
	m.pass(t, round)
	var healthy, faulty []uint64
	for id := uint64(1); id < m.next; id++ {
		switch words[id] {
		case "healthy":
			healthy = append(healthy, id)
		case "faulty":
			faulty = append(faulty, id)
		}
	}
	m.round++
	from := start.Add(time.Duration(m.round)) // rounds only need to be in order and past
	require.NoError(t, m.k.ApplyVerdict(m.ctx, types.ShardVerdict{
		Round: m.round, From: from, Until: from.Add(1), FaultSince: from, Decided: decided,
		Healthy: types.BitmapOf(healthy...), Faulty: types.BitmapOf(faulty...),
	}))
	for id, c := range m.live {
		if !c.state.Checked() {
			continue
		}
		if c.rounds > 0 {
			c.rounds--
			continue
		}
		if !decided {
			continue
		}
		switch words[id] {
		case "healthy":
			c.faulty = false
			switch {
			case c.state == stQuality && c.broken:
				c.rounds = 2
			case !c.state.Bound():
				c.state = stReady
			}
		case "faulty":
			c.faulty = true
			if !c.state.Bound() && c.state != stQuality {
				c.state = stOffline
			}
		}
	}
	for id, c := range m.live {
		if id%types.SilenceRounds == m.round%types.SilenceRounds {
			m.silence(c)
		}
	}
}

func (m *model) bind(t *rapid.T) {
	id, c := m.pick(t)
	lease := fmt.Sprintf("tenant/%d", id)
	alive := m.ctx.BlockTime().Sub(c.seen) <= 3*m.params.HeartbeatInterval
	require.Equal(t, c.state == stReady && alive, m.k.Bindable(m.ctx, id) == nil)
	err := bind(m.k, m.ctx, id, lease)
	if c.state != stReady || !alive {
		require.ErrorIs(t, err, types.ErrContainerNotFree)
		return
	}
	require.NoError(t, err)
	c.state, c.lease = stLeased, lease
}

func (m *model) release(t *rapid.T) {
	id, c := m.pick(t)
	notStarted := rapid.Bool().Draw(t, "not started")
	err := m.k.Release(m.ctx, id, fmt.Sprintf("tenant/%d", id), notStarted)
	if c.lease == "" {
		require.ErrorIs(t, err, types.ErrWrongLease)
		return
	}
	require.NoError(t, err)
	if c.lease = ""; notStarted && m.params.CapacitySuspension > 0 {
		c.suspended = m.ctx.BlockTime().Add(m.params.CapacitySuspension)
	}
	switch {
	case c.state == stDraining:
		c.state, c.faulty = stMaintenance, false
	case c.broken:
		c.enterChecking()
		c.state = stQuality
	case c.faulty:
		c.state = stOffline
	case notStarted:
		c.enterChecking()
	default:
		c.state = stReady
	}
}

func (m *model) maintain(t *rapid.T) {
	id, c := m.pick(t)
	on := rapid.Bool().Draw(t, "on")
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.msgs.SetMaintenance(ctx, &types.MsgSetMaintenance{Operator: c.owner, Ids: []uint64{id}, On: on})
		return err
	})
	switch {
	case on && c.state == stLeased:
		c.state = stDraining
	case on && (c.state == stChecking || c.state == stReady || c.state == stOffline):
		c.state, c.faulty = stMaintenance, false
	case !on && c.state == stDraining:
		c.state = stLeased
	case !on && c.state == stMaintenance && !c.broken:
		c.enterChecking()
	default:
		require.ErrorIs(t, err, types.ErrWrongState)
		return
	}
	require.NoError(t, err)
}

// measure says that the same machine is faster or slower than before; that of another machine is refused.
func (m *model) measure(t *rapid.T) {
	id, c := m.pick(t)
	what := cpu(rapid.SampledFrom([]int{c.machine, c.machine, c.machine + 1}).Draw(t, "machine"))
	what.Spec.Throughput = rapid.SampledFrom([]uint64{0, 1, 999, 2_000, 50_000}).Draw(t, "throughput")
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.msgs.UpdateContainer(ctx, &types.MsgUpdateContainer{
			Operator: c.owner, Id: id, Endpoint: what.Endpoint, Connectivity: what.Connectivity, Region: what.Region,
			Spec: what.Spec, Fingerprint: what.Fingerprint,
		})
		return err
	})
	if !bytes.Equal(what.Fingerprint, cpu(c.machine).Fingerprint) {
		require.ErrorIs(t, err, types.ErrInvalidField)
		return
	}
	require.NoError(t, err)
	c.measured, c.class = what.Spec.Throughput, m.class
}

func (m *model) offer(t *rapid.T) {
	id, c := m.pick(t)
	c.offered = rapid.Bool().Draw(t, "offered")
	require.NoError(t, m.k.SetOffered(m.ctx, id, c.offered))
}

func (m *model) retire(t *rapid.T) {
	id, c := m.pick(t)
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.msgs.RetireContainers(ctx, &types.MsgRetireContainers{Owner: c.owner, Ids: []uint64{id}})
		return err
	})
	if c.lease != "" {
		require.ErrorIs(t, err, types.ErrWrongState)
		return
	}
	require.NoError(t, err)
	delete(m.live, id)
	delete(m.outages, id)
}

func (m *model) withdraw(t *rapid.T) {
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.msgs.WithdrawStake(ctx, &types.MsgWithdrawStake{Signer: owner.String()})
		return err
	})
	if err != nil {
		require.ErrorIs(t, err, types.ErrNothingRipe)
	}
}

// mostStake is what a registration bonds at most.
const mostStake = 20_000_000

// stake is what a Container bonds now: class stake x coefficient x tier factor, rounded up. There is no revenue, so the index is 1.
func (m *model) stake() math.Int {
	million := math.NewInt(1_000_000)
	product := m.class.Stake.Mul(math.NewIntFromUint64(m.params.StakeCoefficientPpm)).Mul(math.NewIntFromUint64(m.params.EdgeFactorPpm))
	return product.Add(million.Mul(million)).SubRaw(1).Quo(million.Mul(million))
}

// govern sends a message that succeeds if governance sends it, and what it says is valid.
func (m *model) govern(t *rapid.T, valid bool, send func(ctx sdk.Context, authority string) error) bool {
	signer := rapid.SampledFrom([]sdk.AccAddress{authority, authority, authority, owner}).Draw(t, "signer")
	err := m.tx(func(ctx sdk.Context) error { return send(ctx, signer.String()) })
	valid = valid && signer.Equals(authority)
	require.Equal(t, valid, err == nil, "%v", err)
	return valid
}

func (m *model) changeParams(t *rapid.T) {
	p := m.params
	p.StakeCoefficientPpm = rapid.Uint64Range(0, 3_000_000).Draw(t, "coefficient")
	p.EdgeFactorPpm = rapid.Uint64Range(0, 2_000_000).Draw(t, "edge")
	p.HeartbeatInterval = rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour, 25 * time.Hour}).Draw(t, "heartbeat")
	p.CapacitySuspension = rapid.SampledFrom([]time.Duration{0, time.Minute, 48 * time.Hour}).Draw(t, "suspension")
	p.UnbondingTime = rapid.SampledFrom([]time.Duration{0, time.Hour, 100 * 24 * time.Hour}).Draw(t, "unbonding")
	if m.govern(t, p.Validate() == nil, func(ctx sdk.Context, authority string) error {
		_, err := m.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
		return err
	}) {
		m.params = p
	}
}

func (m *model) changeClass(t *rapid.T) {
	class := m.class
	class.Weight = rapid.Uint64Range(0, 5_000).Draw(t, "weight")
	class.Reference = rapid.Uint64Range(0, 5_000).Draw(t, "reference")
	class.Stake = math.NewInt(rapid.Int64Range(0, 20_000_000).Draw(t, "stake"))
	if m.govern(t, class.Validate() == nil, func(ctx sdk.Context, authority string) error {
		_, err := m.msgs.SetClasses(ctx, &types.MsgSetClasses{Authority: authority, Classes: []types.Class{class}})
		return err
	}) {
		m.class = class
	}
}

// check compares everything, and holds all invariants.
func (m *model) check(t *rapid.T) {
	require.NoError(t, m.k.CheckInvariants(m.ctx))
	require.Equal(t, m.total, m.vault.total(), "coins are conserved")
	g, err := m.k.ExportGenesis(m.ctx)
	require.NoError(t, err)
	require.Len(t, g.Statuses, len(m.live))
	for _, s := range g.Statuses {
		c := m.live[s.Id]
		require.NotNil(t, c)
		require.Equal(t, c.state.Label(), s.State.Label(), "container %d", s.Id)
		require.Equal(t, c.lease, s.Lease)
		require.Equal(t, c.faulty, s.Faulty())
		want := uint64(0)
		if c.earns() {
			if !c.earned {
				c.class = m.class
			}
			want = c.class.Weight * min(c.measured, c.class.Reference) / c.class.Reference
		}
		c.earned = c.earns()
		require.Equal(t, want, s.Weight)
		require.Equal(t, want, m.stream.positions[s.Id].weight, "the stream pays what the status says")
		if want > 0 {
			require.Equal(t, c.owner, m.stream.positions[s.Id].beneficiary)
		}
		require.Equal(t, c.stake.String(), m.vault.row(types.StakeRow(c.owner, s.Id)).String(), "what is bonded stays")
		outage, err := m.k.Outage(m.ctx, s.Id)
		require.NoError(t, err)
		require.GreaterOrEqual(t, outage, m.outages[s.Id], "outages never decrease")
		m.outages[s.Id] = outage
	}
	for id, p := range m.stream.positions {
		if m.live[id] == nil {
			require.Zero(t, p.weight, "container %d has left", id)
		}
	}
}
