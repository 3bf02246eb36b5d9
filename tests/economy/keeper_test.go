// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	coreheader "cosmossdk.io/core/header"
	"cosmossdk.io/math"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

const (
	// comparedEpochs are two quarters of the bonus and some more, so that budgets roll over and the coefficient steps.
	comparedEpochs = 200
	// holder is the Container whose capacity the test plays, in a group of its own.
	holder, group = 1_000_000, 1_000
)

var (
	owner  = gen.NewAccount("owner")
	tenant = gen.NewAccount("tenant")
)

// realNetwork is the economy on the keepers of a whole application, an epoch per step, on a state that nobody commits.
type realNetwork struct {
	*app.App
	t     *testing.T
	ctx   sdk.Context
	round uint64
}

func newRealNetwork(t *testing.T, containers int64) *realNetwork {
	t.Helper()
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(200_000_000), []gen.Account{owner, tenant}, func(enc app.Encoding, genesis app.GenesisState) {
		var state types.GenesisState
		enc.Codec.MustUnmarshalJSON(genesis[types.ModuleName], &state)
		state.Rows = append(state.Rows, types.RowBalance{Row: types.DAORow(), Amount: math.NewInt(types.DAOTotal)})
		genesis[types.ModuleName] = enc.Codec.MustMarshalJSON(&state)
		var bank banktypes.GenesisState
		enc.Codec.MustUnmarshalJSON(genesis[banktypes.ModuleName], &bank)
		vault := authtypes.NewModuleAddress(types.ModuleName).String()
		bank.Balances = append(bank.Balances, banktypes.Balance{Address: vault, Coins: gen.Coins(math.NewInt(types.DAOTotal))})
		genesis[banktypes.ModuleName] = enc.Codec.MustMarshalJSON(&bank)
	})
	r := &realNetwork{App: c.App(), t: t, ctx: c.Context()}
	r.send(&providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"})
	register := &providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(1_000)}
	for i := range containers {
		register.Containers = append(register.Containers, machine(i))
	}
	r.send(register)
	require.NoError(t, r.Ath.SetPosition(r.ctx, holder, group, owner.Address(), math.OneInt()))
	r.endBlock()
	r.mark() // its weight counts from here on
	r.endBlock()
	return r
}

// machine whose worker agrees to be registered.
func machine(n int64) providerstypes.NewContainer {
	seed, print := sha256.Sum256(fmt.Appendf(nil, "key %d", n)), sha256.Sum256(fmt.Appendf(nil, "machine %d", n))
	key := ed25519.NewKeyFromSeed(seed[:])
	return providerstypes.NewContainer{
		Class: "cpu", Count: 1, WorkerPubkey: key.Public().(ed25519.PublicKey), Fingerprint: print[:], Endpoint: "127.0.0.1:8443", Region: "local",
		WorkerSignature: ed25519.Sign(key, providerstypes.RegistrationSignBytes(shadow.ChainID, owner.String(), "cpu", print[:])),
		Spec:            providerstypes.Spec{CpuMilli: 2_000, MemoryMib: 4_096, Throughput: 2_000, Platform: "linux/amd64"},
		Connectivity:    providerstypes.Connectivity_CONNECTIVITY_DIRECT,
	}
}

func (r *realNetwork) send(msg sdk.Msg) {
	_, err := r.MsgServiceRouter().Handler(msg)(r.ctx, msg)
	require.NoError(r.t, err)
}

// wait begins a block some time later.
func (r *realNetwork) wait(d time.Duration) {
	now, height := r.ctx.BlockTime().Add(d), r.ctx.BlockHeight()+1
	r.ctx = r.ctx.WithBlockTime(now).WithBlockHeight(height).WithHeaderInfo(coreheader.Info{ChainID: shadow.ChainID, Height: height, Time: now}).
		WithEventManager(sdk.NewEventManager())
}

// endBlock is what x/bank, x/ath and x/providers do at a block's end, and the commit, which empties the stores of a block.
// x/providers, which asks for the epoch, comes last: else it would step in the block after.
func (r *realNetwork) endBlock() {
	require.NoError(r.t, r.Bank.CreditVirtualAccounts(r.ctx))
	require.NoError(r.t, r.Ath.EndBlock(r.ctx))
	require.NoError(r.t, r.Providers.EndBlock(r.ctx))
	byName, ok := r.CommitMultiStore().(interface {
		StoreKeysByName() map[string]storetypes.StoreKey
	})
	require.True(r.t, ok)
	for _, name := range []string{banktypes.ObjectStoreKey, types.ObjectStoreKey} {
		store := r.ctx.ObjectStore(byName.StoreKeysByName()[name])
		var keys [][]byte
		it := store.Iterator(nil, nil)
		for ; it.Valid(); it.Next() {
			keys = append(keys, it.Key())
		}
		require.NoError(r.t, it.Close())
		for _, key := range keys {
			store.Delete(key)
		}
	}
}

// mark ends a round of the stream, which Checkers confirm at once.
func (r *realNetwork) mark() {
	r.round++
	require.NoError(r.t, r.Ath.MarkRound(r.ctx, r.round))
	require.NoError(r.t, r.Ath.Confirm(r.ctx, group, r.round))
}

// epoch plays an epoch: tenants pay, half of it for leases that an Indexer matched, Checkers work, a Container is up. Its end
// opens the next one.
func (r *realNetwork) epoch(demand math.Int) {
	r.wait(12 * time.Hour)
	prepaid := types.Row{Kind: types.RowKind_ROW_KIND_PREPAID, Owner: tenant.String(), Denom: types.Denom}
	require.NoError(r.t, r.Ath.Deposit(r.ctx, tenant.Address(), prepaid, demand))
	for tx, indexer := range []sdk.AccAddress{nil, owner.Address()} {
		_, err := r.Ath.PayProvider(r.ctx.WithTxIndex(tx), prepaid, owner.Address(), indexer, demand.QuoRaw(2))
		require.NoError(r.t, err)
	}
	require.NoError(r.t, r.Ath.AddWeight(r.ctx, types.Pool_POOL_CHECKER_BASE, owner.Address(), weight(types.Pool_POOL_CHECKER_BASE, math.Int{})))
	require.NoError(r.t, r.Ath.ChangeBonus(r.ctx, owner.Address(), weight(types.Pool_POOL_CHECKER_BONUS, math.Int{})))
	r.endBlock()
	r.wait(12 * time.Hour)
	r.mark()
	r.endBlock()
}

// TestTheKeepersDoTheSame: what the simulation copies of the keepers' booking is what they do: over 200 epochs at the
// default parameters every pool, every open share, fees, burn, the DAO's stream and the coefficient of stakes are the same, to the uath.
func TestTheKeepersDoTheSame(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			class := int64(10) // of "cpu", in ATH
			s.containers, s.unitStake, s.supplyPpm = 3, class, nil
			n, r := newNetwork(s), newRealNetwork(t, s.containers)
			start, err := r.Ath.ExportGenesis(r.ctx)
			require.NoError(t, err)
			genesis := start.Minted.Sub(types.Emission(1).Total())
			for range comparedEpochs {
				requireSame(t, n, r, genesis)
				r.epoch(s.demand(n.epoch))
				n.rent()
				n.end()
				n.begin()
			}
			requireSame(t, n, r, genesis)
			require.NoError(t, r.CheckInvariants(r.ctx))
		})
	}
}

// requireSame compares both at the beginning of an epoch. genesis is the real one's supply before any emission.
func requireSame(t *testing.T, n *network, r *realNetwork, genesis math.Int) {
	t.Helper()
	state, err := r.Ath.ExportGenesis(r.ctx)
	require.NoError(t, err)
	rows, stake := make(map[types.Row]math.Int), math.ZeroInt()
	for _, b := range state.Rows {
		rows[b.Row] = b.Amount
		if b.Row.Kind == types.RowKind_ROW_KIND_STAKE {
			stake = stake.Add(b.Amount)
		}
	}
	same := func(want, have math.Int, what any) {
		t.Helper()
		if have.IsNil() {
			have = math.ZeroInt()
		}
		require.Equal(t, want.String(), have.String(), "%v in epoch %d", what, n.epoch)
	}
	row := func(kind types.RowKind, bucket uint64) math.Int {
		return rows[types.Row{Kind: kind, Bucket: bucket, Denom: types.Denom}]
	}
	require.Equal(t, n.epoch, state.Epoch.Number)
	same(n.minted.SubRaw(genesisUath), state.Minted.Sub(genesis), "minted")
	same(n.burnt, state.Burnt, "burnt")
	collector := authtypes.NewModuleAddress(authtypes.FeeCollectorName)
	same(n.fromFees.sum.Add(n.fromDAO.sum), r.Bank.GetBalance(r.ctx, collector, types.Denom).Amount, "stakers")
	same(n.slaFund, row(types.RowKind_ROW_KIND_SLA_FUND, 0), "SLA fund")
	same(n.treasury, row(types.RowKind_ROW_KIND_TREASURY, 0), "treasury")
	same(n.daoHeld, rows[types.DAORow()], "the DAO's grant")
	same(n.bonded, stake, "stake")
	shares := make(map[[2]uint64]types.Share)
	for _, share := range state.Shares {
		shares[[2]uint64{uint64(share.Pool), share.Epoch}] = share
	}
	for i, p := range n.pools {
		real := state.Pools[i]
		require.Equal(t, p.state.Pool, real.Pool)
		same(p.state.Emitted, real.Emitted, real.Pool)
		held := row(types.RowKind_ROW_KIND_POOL, uint64(real.Pool))
		same(p.held, held, real.Pool)
		earned := row(types.RowKind_ROW_KIND_EARNED, uint64(real.Pool))
		if earned.IsNil() {
			earned = math.ZeroInt()
		}
		same(p.paid, real.Paid.Add(earned), real.Pool)
		for _, share := range p.shares {
			other, ok := shares[[2]uint64{uint64(share.Pool), share.Epoch}]
			require.True(t, ok, "%s of epoch %d", share.Pool, share.Epoch)
			same(share.Budget, other.Budget, share.Pool)
			same(share.Weight, other.Weight, share.Pool)
		}
		if real.Pool == types.Pool_POOL_CAPACITY {
			same(p.rate, state.Stream.PerEpoch, "the stream's rate")
		}
	}
	coefficient, err := r.Providers.Coefficient(r.ctx)
	require.NoError(t, err)
	require.Equal(t, n.coefficient.String(), coefficient.String(), "epoch %d", n.epoch)
}
