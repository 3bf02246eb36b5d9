// SPDX-License-Identifier: Apache-2.0

package adversary

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
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// world is a whole application between two blocks of its own: its keepers and message servers run on a state that nobody
// commits, so that a property test starts from the same chain again and again.
type world struct {
	*app.App
	t      require.TestingT
	ctx    sdk.Context
	height int64
	owner  gen.Account
	tenant gen.Account
	live   []uint64
	fleets []fleet
}

// fleet are the Containers of a provider.
type fleet struct {
	owner gen.Account
	ids   []uint64
}

// chain starts the chain from which worlds branch off: a provider with two Containers and a tenant. No service fee goes to the
// SLA fund, so that what is in it comes from tickets.
func chain(t *testing.T) *shadow.Chain {
	t.Helper()
	owner, tenant := gen.NewAccount("owner"), gen.NewAccount("tenant")
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000_000), []gen.Account{owner, tenant}, plain)
	register := &providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(1_000)}
	for i := range 2 {
		register.Containers = append(register.Containers, machine(owner.String(), i))
	}
	res := c.Block(time.Second,
		c.Sign(owner, &providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"}),
		c.Sign(owner, register))
	for _, r := range res.TxResults {
		require.Zero(t, r.Code, r.Log)
	}
	return c
}

// plain is a genesis in which tickets are the only income of the SLA fund.
func plain(enc app.Encoding, genesis app.GenesisState) {
	var ath athtypes.GenesisState
	enc.Codec.MustUnmarshalJSON(genesis[athtypes.ModuleName], &ath)
	split := &ath.Params.FeeSplit
	split.BurnPpm, split.SlaFundPpm = split.BurnPpm+split.SlaFundPpm, 0
	genesis[athtypes.ModuleName] = enc.Codec.MustMarshalJSON(&ath)
	keepReceipts(enc, genesis)
}

// keepReceipts is a genesis in which receipts stay in the state for as long as any test looks.
func keepReceipts(enc app.Encoding, genesis app.GenesisState) {
	var leases leasestypes.GenesisState
	enc.Codec.MustUnmarshalJSON(genesis[leasestypes.ModuleName], &leases)
	leases.Params.ReceiptHorizon = leasestypes.MaxReceiptHorizon
	genesis[leasestypes.ModuleName] = enc.Codec.MustMarshalJSON(&leases)
}

func gov() string { return authtypes.NewModuleAddress(govtypes.ModuleName).String() }

// machine whose worker agrees to be registered by an owner.
func machine(owner string, n int) providerstypes.NewContainer {
	seed, print := sha256.Sum256(fmt.Appendf(nil, "key %d", n)), sha256.Sum256(fmt.Appendf(nil, "machine %d", n))
	key := ed25519.NewKeyFromSeed(seed[:])
	return providerstypes.NewContainer{
		Class: "cpu", Count: 1, WorkerPubkey: key.Public().(ed25519.PublicKey), Fingerprint: print[:], Endpoint: "127.0.0.1:8443", Region: "local",
		WorkerSignature: ed25519.Sign(key, providerstypes.RegistrationSignBytes(shadow.ChainID, owner, "cpu", print[:])),
		Spec:            providerstypes.Spec{CpuMilli: 2_000, MemoryMib: 4_096, Throughput: 2_000, Platform: "linux/amd64"},
		Connectivity:    providerstypes.Connectivity_CONNECTIVITY_DIRECT,
	}
}

func branch(t require.TestingT, c *shadow.Chain) *world {
	w := &world{
		App: c.App(), t: t, ctx: c.Context(), height: c.Height(), owner: gen.NewAccount("owner"), tenant: gen.NewAccount("tenant"),
		live: []uint64{1, 2},
	}
	w.fleets = []fleet{{w.owner, w.live}}
	w.open(time.Second)
	return w
}

// forget empties the stores that live for one block, which a commit would do.
func (w *world) forget() {
	byName, ok := w.CommitMultiStore().(interface {
		StoreKeysByName() map[string]storetypes.StoreKey
	})
	require.True(w.t, ok)
	for _, name := range []string{banktypes.ObjectStoreKey, athtypes.ObjectStoreKey} {
		store := w.ctx.ObjectStore(byName.StoreKeysByName()[name])
		var keys [][]byte
		it := store.Iterator(nil, nil)
		for ; it.Valid(); it.Next() {
			keys = append(keys, it.Key())
		}
		require.NoError(w.t, it.Close())
		for _, key := range keys {
			store.Delete(key)
		}
	}
}

// open begins a block, close ends it: all modules' work, and every invariant after it.
func (w *world) open(after time.Duration) {
	w.height++
	now := w.ctx.BlockTime().Add(after)
	w.ctx = w.ctx.WithBlockHeight(w.height).WithBlockTime(now).
		WithHeaderInfo(coreheader.Info{ChainID: shadow.ChainID, Height: w.height, Time: now}).
		WithEventManager(sdk.NewEventManager())
}

// beat lets all workers be heard.
func (w *world) beat() {
	for _, f := range w.fleets {
		_ = w.send(&providerstypes.MsgHeartbeat{Operator: f.owner.String(), Ids: f.ids})
	}
}

func (w *world) close() {
	_, err := w.EndBlocker(w.ctx)
	require.NoError(w.t, err)
	w.forget()
	require.NoError(w.t, w.CheckInvariants(w.ctx))
}

func (w *world) block(after time.Duration) {
	w.close()
	w.open(after)
}

// send runs a message as a transaction does: an error leaves no trace.
func (w *world) send(msg sdk.Msg) error {
	cached, write := w.ctx.CacheContext()
	if _, err := w.MsgServiceRouter().Handler(msg)(cached, msg); err != nil {
		return err
	}
	write()
	return nil
}

// give credits a row of the provider from the tenant's account.
func (w *world) give(row athtypes.Row, amount int64) {
	require.NoError(w.t, w.Ath.Deposit(w.ctx, w.tenant.Address(), row, math.NewInt(amount)))
}

// rows are the owner's rows.
func (w *world) rows() []athtypes.RowBalance {
	state, err := w.Ath.ExportGenesis(w.ctx)
	require.NoError(w.t, err)
	var rows []athtypes.RowBalance
	for _, r := range state.Rows {
		if r.Row.Owner == w.owner.String() {
			rows = append(rows, r)
		}
	}
	return rows
}

func (w *world) amount(row athtypes.Row) math.Int {
	amount, err := w.Ath.RowAmount(w.ctx, row)
	require.NoError(w.t, err)
	return amount
}
