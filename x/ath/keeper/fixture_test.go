// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/stretchr/testify/require"

	coreheader "cosmossdk.io/core/header"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/store/v2"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	moduletestutil "github.com/cosmos/cosmos-sdk/types/module/testutil"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/x/ath/types"
)

func TestMain(m *testing.M) {
	types.SetPrefixes()
	os.Exit(m.Run())
}

const (
	faucet   = "faucet" // mints what tests spend, and is part of the genesis supply
	usd      = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"
	chainID  = "ath-test-1"
	testFund = 1_000_000_000_000
)

// fixture is x/ath on the SDK's own x/bank and x/auth, with real stores and whole blocks, but without an app.
type fixture struct {
	t      require.TestingT
	cms    storetypes.CommitMultiStore
	k      *Keeper
	bank   bankkeeper.BaseKeeper
	msgs   types.MsgServer
	query  types.QueryServer
	height int64
	now    time.Time
	ctx    sdk.Context // of the open block, or of the last one
	writes *writeLog
	params types.Params
	// unchecked leaves out the invariants, which read the whole state.
	unchecked bool
}

// shortParams are the default ones on the scale of minutes.
func shortParams() types.Params {
	p := types.DefaultParams()
	p.EpochDuration = time.Minute
	p.VerdictHorizonEpochs = 2
	p.FeeVesting = 16 * time.Minute
	p.RewardVesting = []types.Tranche{{Ppm: 300_000}, {Delay: 10 * time.Minute, Ppm: 300_000}, {Delay: 20 * time.Minute, Ppm: 400_000}}
	p.CheckerVesting = []types.Tranche{{Delay: 5 * time.Minute, Ppm: types.PPM}}
	p.MinExitDelay = time.Minute
	p.RewardExits = []types.ExitOption{{Delay: time.Minute, PenaltyPpm: 800_000}, {Delay: 4 * time.Minute, PenaltyPpm: 500_000}}
	p.FeeExits = []types.ExitOption{{Delay: time.Minute, PenaltyPpm: 400_000}}
	p.CheckerExits = []types.ExitOption{{Delay: 2 * time.Minute, PenaltyPpm: 750_000}}
	p.BonusEpochs = 3
	return p
}

// newStores mounts empty stores in memory and builds the keepers on them.
func newStores(t require.TestingT) *fixture { return newStoresOn(t, dbm.NewMemDB()) }

// newStoresOn mounts the stores of a database.
func newStoresOn(t require.TestingT, db dbm.DB) *fixture {
	key := func(name string) *storetypes.KVStoreKey { return storetypes.NewKVStoreKey(name) }
	auth, bank, ath, positions := key(authtypes.StoreKey), key(banktypes.StoreKey), key(types.StoreKey), key(types.PositionsStoreKey)
	bankObjects, athObjects := storetypes.NewObjectStoreKey("object:bank"), storetypes.NewObjectStoreKey(types.ObjectStoreKey)
	cms := store.NewCommitMultiStore(db, log.NewNopLogger())
	for _, k := range []*storetypes.KVStoreKey{auth, bank, ath, positions} {
		cms.MountStoreWithDB(k, storetypes.StoreTypeIAVL, nil)
	}
	cms.MountStoreWithDB(bankObjects, storetypes.StoreTypeObject, nil)
	cms.MountStoreWithDB(athObjects, storetypes.StoreTypeObject, nil)
	require.NoError(t, cms.LoadLatestVersion())

	enc := moduletestutil.MakeTestEncodingConfig()
	authtypes.RegisterInterfaces(enc.InterfaceRegistry)
	banktypes.RegisterInterfaces(enc.InterfaceRegistry)
	addresses := addresscodec.NewBech32Codec(types.Bech32Prefix)
	authority := bech(authtypes.NewModuleAddress("gov"))
	f := &fixture{t: t, cms: cms, writes: &writeLog{}, now: time.Unix(1_700_000_000, 0).UTC()}
	accounts := authkeeper.NewAccountKeeper(enc.Codec, runtime.NewKVStoreService(auth), authtypes.ProtoBaseAccount, map[string][]string{
		types.ModuleName:           {authtypes.Minter, authtypes.Burner},
		authtypes.FeeCollectorName: nil,
		faucet:                     {authtypes.Minter},
	}, addresses, types.Bech32Prefix, authority)
	blocked := map[string]bool{bech(authtypes.NewModuleAddress(authtypes.FeeCollectorName)): true}
	f.bank = bankkeeper.NewBaseKeeper(enc.Codec, f.writes.service("bank", runtime.NewKVStoreService(bank)), accounts, blocked, authority, log.NewNopLogger())
	f.bank = f.bank.WithObjStoreKey(bankObjects)
	f.k = NewKeeper(Deps{
		Cdc: enc.Codec, StoreService: f.writes.service("ath", runtime.NewKVStoreService(ath)),
		PositionsService: f.writes.service("positions", runtime.NewKVStoreService(positions)), ObjectStoreKey: athObjects,
		Bank: f.bank, Staking: fakeStaking{f}, Addresses: addresses, Validators: f, Authority: authority, Logger: log.NewNopLogger(),
	})
	f.msgs, f.query = NewMsgServer(f.k), NewQueryServer(f.k)
	return f
}

// newFixture starts a chain: ten funded users, epoch 1.
func newFixture(t require.TestingT, params types.Params) *fixture {
	return newStores(t).begin(params)
}

// bonded is where fakeStaking puts what is delegated.
var bonded = user(99)

// fakeStaking takes delegations to validators that exist: those whose address is "valoper".
type fakeStaking struct{ f *fixture }

func (s fakeStaking) Delegate(ctx context.Context, msg *stakingtypes.MsgDelegate) (*stakingtypes.MsgDelegateResponse, error) {
	if msg.ValidatorAddress != "valoper" {
		return nil, stakingtypes.ErrNoValidatorFound
	}
	from, err := s.f.k.addresses.StringToBytes(msg.DelegatorAddress)
	if err != nil {
		return nil, err
	}
	return &stakingtypes.MsgDelegateResponse{}, s.f.bank.SendCoins(ctx, from, bonded, sdk.NewCoins(msg.Amount))
}

// begin starts the chain.
func (f *fixture) begin(params types.Params) *fixture {
	t := f.t
	f.params = params
	f.open(0)
	require.NoError(t, f.bank.SetParams(f.ctx, banktypes.DefaultParams()))
	for i := range 10 {
		f.fund(user(i), coin(types.Denom, testFund), coin(usd, testFund))
	}
	state := types.DefaultGenesis()
	state.Params = params
	require.NoError(t, f.k.InitGenesis(f.ctx, state))
	f.close()
	return f
}

func (f *fixture) fund(to sdk.AccAddress, coins ...sdk.Coin) {
	require.NoError(f.t, f.bank.MintCoins(f.ctx, faucet, sdk.NewCoins(coins...)))
	require.NoError(f.t, f.bank.SendCoinsFromModuleToAccount(f.ctx, faucet, to, sdk.NewCoins(coins...)))
}

// open begins a block some time after the last one.
func (f *fixture) open(after time.Duration) {
	f.height++
	f.now = f.now.Add(after)
	hash := sha256.Sum256(fmt.Appendf(nil, "block %d", f.height))
	header := cmtproto.Header{ChainID: chainID, Height: f.height, Time: f.now}
	f.ctx = sdk.NewContext(f.cms.CacheMultiStore(), header, false, log.NewNopLogger()).
		WithHeaderInfo(coreheader.Info{ChainID: chainID, Height: f.height, Time: f.now, Hash: hash[:]})
	require.NoError(f.t, f.k.BeginBlock(f.ctx))
}

// close ends the block in the order that the app must keep: x/bank, then x/ath.
func (f *fixture) close() {
	require.NoError(f.t, f.bank.CreditVirtualAccounts(f.ctx))
	require.NoError(f.t, f.k.EndBlock(f.ctx))
	f.ctx.MultiStore().(storetypes.CacheMultiStore).Write()
	f.cms.Commit()
	if !f.unchecked {
		require.NoError(f.t, f.k.CheckInvariants(f.ctx))
	}
}

// block runs one block with transactions, of which each must succeed.
func (f *fixture) block(after time.Duration, txs ...func(ctx sdk.Context) error) {
	f.open(after)
	for i, tx := range txs {
		require.NoError(f.t, f.tx(i, tx))
	}
	f.close()
}

// tx runs a transaction of the open block and keeps its writes only if it succeeds.
func (f *fixture) tx(index int, run func(ctx sdk.Context) error) error {
	ctx, write := f.ctx.WithTxIndex(index).CacheContext()
	err := run(ctx)
	if err == nil {
		write()
	}
	return err
}

func (f *fixture) row(row types.Row) int64 {
	amount, err := f.k.RowAmount(f.ctx, row)
	require.NoError(f.t, err)
	return amount.Int64()
}

func (f *fixture) balance(address sdk.AccAddress, denom string) int64 {
	return f.bank.GetBalance(f.ctx, address, denom).Amount.Int64()
}

// nextEpoch runs blocks until the next epoch has begun.
func (f *fixture) nextEpoch() {
	before, err := f.k.Epoch(f.ctx)
	require.NoError(f.t, err)
	f.block(before.End().Sub(f.now))
	after, err := f.k.Epoch(f.ctx)
	require.NoError(f.t, err)
	require.Equal(f.t, before.Number+1, after.Number)
}

func user(i int) sdk.AccAddress {
	sum := sha256.Sum256(fmt.Appendf(nil, "user %d", i))
	return sum[:20]
}

func bech(address sdk.AccAddress) string {
	text, err := addresscodec.NewBech32Codec(types.Bech32Prefix).BytesToString(address)
	if err != nil {
		panic(err)
	}
	return text
}

func coin(denom string, amount int64) sdk.Coin { return sdk.NewInt64Coin(denom, amount) }

func prepaid(owner sdk.AccAddress, denom string) types.Row {
	return types.Row{Kind: types.RowKind_ROW_KIND_PREPAID, Owner: bech(owner), Denom: denom}
}

func deposit(k *Keeper, from sdk.AccAddress, to types.Row, amount int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error { return k.Deposit(ctx, from, to, math.NewInt(amount)) }
}

func pay(k *Keeper, from types.Row, provider, indexer sdk.AccAddress, amount int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		_, err := k.PayProvider(ctx, from, provider, indexer, math.NewInt(amount))
		return err
	}
}

// writeLog records the persistent keys that are set or deleted while it is on.
type writeLog struct {
	on   bool
	keys map[string]bool
}

func (w *writeLog) record(run func()) []string {
	w.on, w.keys = true, make(map[string]bool)
	run()
	w.on = false
	keys := make([]string, 0, len(w.keys))
	for key := range w.keys {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (w *writeLog) service(name string, inner corestore.KVStoreService) corestore.KVStoreService {
	return loggedService{name, inner, w}
}

type loggedService struct {
	name  string
	inner corestore.KVStoreService
	log   *writeLog
}

func (s loggedService) OpenKVStore(ctx context.Context) corestore.KVStore {
	return loggedStore{s.inner.OpenKVStore(ctx), s}
}

type loggedStore struct {
	corestore.KVStore
	service loggedService
}

func (s loggedStore) note(key []byte) {
	if s.service.log.on {
		s.service.log.keys[fmt.Sprintf("%s/%x", s.service.name, key)] = true
	}
}

func (s loggedStore) Set(key, value []byte) error {
	s.note(key)
	return s.KVStore.Set(key, value)
}

func (s loggedStore) Delete(key []byte) error {
	s.note(key)
	return s.KVStore.Delete(key)
}

func (f *fixture) weight(pool types.Pool, beneficiary sdk.AccAddress, epoch uint64) int64 {
	state := export(f.t, f)
	for _, p := range state.SharePositions {
		if p.Pool == pool && p.Beneficiary == bech(beneficiary) && p.Epoch == epoch {
			return p.Weight.Int64()
		}
	}
	return 0
}

func export(t require.TestingT, f *fixture) *types.GenesisState {
	state, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	return state
}
