// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	"github.com/cosmos/cosmos-sdk/runtime"
	rootstore "github.com/cosmos/cosmos-sdk/store/v2"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

const chainID = "ath-test-1"

var start = time.Date(2026, 11, 1, 12, 0, 0, 123_456_789, time.UTC)

// fakeVault keeps its rows in a store, so that a transaction that fails takes them back as well.
type fakeVault struct {
	rows   collections.Map[string, math.Int] // "prepaid/owner/denom", "bank/address", "earned/address", "weight/address"; see in
	broken map[string]bool                   // accounts that can't be paid
	epoch  uint64
	usd    []athtypes.UsdIndex // steps
	stale  bool                // the price of ATH

	undoable time.Duration // how long payments can be undone
}

func newFakeVault(service store.KVStoreService) *fakeVault {
	sb := collections.NewSchemaBuilder(service)
	return &fakeVault{
		rows:   collections.NewMap(sb, collections.NewPrefix(0), "rows", collections.StringKey, sdk.IntValue),
		broken: map[string]bool{}, undoable: 7 * 24 * time.Hour,
	}
}

func (v *fakeVault) get(ctx sdk.Context, row string) math.Int {
	amount, err := v.rows.Get(ctx, row)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt()
	}
	if err != nil {
		panic(err)
	}
	return amount
}

func (v *fakeVault) move(ctx sdk.Context, from, to string, amount math.Int) error {
	have := v.get(ctx, from)
	if amount.IsNegative() || have.LT(amount) {
		return errors.New("row " + from + " holds " + have.String() + ", not " + amount.String())
	}
	if err := v.rows.Set(ctx, from, have.Sub(amount)); err != nil {
		return err
	}
	return v.rows.Set(ctx, to, v.get(ctx, to).Add(amount))
}

// in names a row in a denom; that of uath is left out.
func in(row, denom string) string {
	if denom == athtypes.Denom {
		return row
	}
	return row + "/" + denom
}

func prepaid(row athtypes.Row) string {
	if row.Kind == athtypes.RowKind_ROW_KIND_CHANNEL && row.Bucket != 0 {
		return fmt.Sprintf("channel/%s/%d", row.Owner, row.Bucket)
	}
	if row.Kind == athtypes.RowKind_ROW_KIND_PROCEEDS {
		return fmt.Sprintf("proceeds/%s/%d", row.Owner, row.Bucket)
	}
	if row.Kind == athtypes.RowKind_ROW_KIND_SLA_FUND {
		return "fund/" + row.Denom
	}
	if row.Kind == athtypes.RowKind_ROW_KIND_FLOAT && row.Bucket == 0 {
		return "float/" + row.Owner
	}
	if row.Kind != athtypes.RowKind_ROW_KIND_PREPAID || row.Bucket != 0 {
		panic("x/leases moves prepaid rows, floats and those of channels only")
	}
	return "prepaid/" + row.Owner + "/" + row.Denom
}

func (v *fakeVault) Deposit(ctx sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error {
	return v.move(ctx, in("bank/"+from.String(), to.Denom), prepaid(to), amount)
}

func (v *fakeVault) Withdraw(ctx sdk.Context, from athtypes.Row, to sdk.AccAddress, amount math.Int) error {
	return v.move(ctx, prepaid(from), in("bank/"+to.String(), from.Denom), amount)
}

func (v *fakeVault) Move(ctx sdk.Context, from, to athtypes.Row, amount math.Int) error {
	if v.broken[to.Owner] {
		return errors.New("the vault is broken for this tenant")
	}
	if from.Denom != to.Denom {
		return errors.New("can't move " + from.Denom + " to a row of " + to.Denom)
	}
	return v.move(ctx, prepaid(from), prepaid(to), amount)
}

// UsdStep goes by the steps that were set, which may lie in the future.
func (v *fakeVault) UsdStep(ctx sdk.Context, at time.Time) (athtypes.UsdIndex, error) {
	if len(v.usd) == 0 {
		return athtypes.UsdIndex{}, athtypes.ErrNoPrice
	}
	step := v.usd[0]
	for _, next := range v.usd[1:] {
		if next.SteppedAt.After(at) || next.SteppedAt.After(ctx.BlockTime()) {
			break
		}
		step = next
	}
	return step, nil
}

func (v *fakeVault) UsdQuotable(sdk.Context) error {
	if len(v.usd) == 0 || v.stale {
		return athtypes.ErrNoPrice
	}
	return nil
}

// setPrice is what a musd costs from a time on, in uath; times come in order.
func (v *fakeVault) setPrice(from time.Time, uath int64) {
	step := athtypes.UsdIndex{Index: math.ZeroInt(), Slope: math.NewInt(uath * 1_000_000_000_000), SteppedAt: from}
	if len(v.usd) > 0 {
		step.Index = v.usd[len(v.usd)-1].At(from)
	}
	v.usd = append(v.usd, step)
}

// usdAt is the UsdIndex that the steps make, also where they lie in the future.
func (v *fakeVault) usdAt(at time.Time) math.Int {
	step := v.usd[0]
	for _, next := range v.usd[1:] {
		if !next.SteppedAt.After(at) {
			step = next
		}
	}
	return step.At(at)
}

func (v *fakeVault) Epoch(sdk.Context) (athtypes.Epoch, error) {
	return athtypes.Epoch{Number: v.epoch}, nil
}

func (v *fakeVault) RowAmount(ctx sdk.Context, row athtypes.Row) (math.Int, error) {
	return v.get(ctx, prepaid(row)), nil
}

func (v *fakeVault) PayProvider(ctx sdk.Context, from athtypes.Row, provider, indexer sdk.AccAddress, amount math.Int) (math.Int, error) {
	if v.broken[provider.String()] {
		return math.Int{}, errors.New("the vault is broken for this provider")
	}
	if err := v.move(ctx, prepaid(from), in("earned/"+provider.String(), from.Denom), amount); err != nil {
		return math.Int{}, err
	}
	if indexer != nil {
		weight := "weight/" + indexer.String()
		if err := v.rows.Set(ctx, weight, v.get(ctx, weight).Add(amount)); err != nil {
			return math.Int{}, err
		}
	}
	return amount.QuoRaw(5), nil
}

// Refund takes back what a provider has.
func (v *fakeVault) Refund(ctx sdk.Context, provider, _ sdk.AccAddress, to athtypes.Row, amount math.Int) (math.Int, error) {
	if v.broken[provider.String()] {
		return math.Int{}, errors.New("the vault is broken for this provider")
	}
	row := in("earned/"+provider.String(), to.Denom)
	amount = math.MinInt(amount, v.get(ctx, row))
	return amount, v.move(ctx, row, prepaid(to), amount)
}

// Proceeds are in order of owner and ticket.
func (v *fakeVault) Proceeds(ctx sdk.Context, limit int) ([]athtypes.RowBalance, error) {
	var rows []athtypes.RowBalance
	err := v.rows.Walk(ctx, new(collections.Range[string]).StartInclusive("proceeds/").EndExclusive("proceeds0"),
		func(name string, amount math.Int) (bool, error) {
			owner, bucket, _ := strings.Cut(strings.TrimPrefix(name, "proceeds/"), "/")
			ticket, err := strconv.ParseUint(bucket, 10, 64)
			if amount.IsPositive() && len(rows) < limit {
				rows = append(rows, athtypes.RowBalance{Row: athtypes.ProceedsRow(owner, ticket), Amount: amount})
			}
			return false, err
		})
	return rows, err
}

func (v *fakeVault) Undoable(sdk.Context) (time.Duration, error) { return v.undoable, nil }

// Fold has nothing to do: what is paid is there at once.
func (*fakeVault) Fold(sdk.Context) error { return nil }

// total is everything that the vault and the bank hold; it never changes.
func (v *fakeVault) total(ctx sdk.Context) math.Int {
	return v.sum(ctx, func(string) bool { return true })
}

// totalIn is what of that is in one of the model's denoms.
func (v *fakeVault) totalIn(ctx sdk.Context, denom string) math.Int {
	return v.sum(ctx, func(row string) bool { return strings.HasSuffix(row, "/"+modelStable) == (denom == modelStable) })
}

func (v *fakeVault) sum(ctx sdk.Context, counts func(row string) bool) math.Int {
	sum := math.ZeroInt()
	err := v.rows.Walk(ctx, nil, func(row string, amount math.Int) (bool, error) {
		if !strings.HasPrefix(row, "weight") && counts(row) {
			sum = sum.Add(amount)
		}
		return false, nil
	})
	if err != nil {
		panic(err)
	}
	return sum
}

// fakeProviders is a small x/providers: Containers are static, their status is in a store.
type fakeProviders struct {
	containers map[uint64]providertypes.Container
	classes    map[string]providertypes.Class
	operators  map[string]string // operator → provider
	gone       map[uint64]bool   // deregistered: nothing is left behind
	silent     map[uint64]bool   // not heard of
	tickets    []string          // leases that were not started
	breaches   map[string]int64  // what providers owe leases that they ended early, in uath
	collateral int64             // what a ticket can hold
	claims     map[uint64]owed   // what open tickets owe tenants
	claimed    int64             // for outages, in uath
	resumed    time.Time         // since when blocks come
	shard      providertypes.ShardHealth
	statuses   collections.Map[uint64, providertypes.ContainerStatus]
}

func newFakeProviders(service store.KVStoreService, cdc codec.BinaryCodec) *fakeProviders {
	sb := collections.NewSchemaBuilder(service)
	return &fakeProviders{
		containers: map[uint64]providertypes.Container{}, classes: map[string]providertypes.Class{},
		operators: map[string]string{}, breaches: map[string]int64{}, claims: map[uint64]owed{}, gone: map[uint64]bool{}, silent: map[uint64]bool{},
		statuses: collections.NewMap(sb, collections.NewPrefix(0), "statuses", collections.Uint64Key,
			codec.CollValue[providertypes.ContainerStatus](cdc)),
	}
}

func (f *fakeProviders) Container(_ sdk.Context, id uint64) (providertypes.Container, error) {
	container, ok := f.containers[id]
	if !ok || f.gone[id] {
		return container, providertypes.ErrContainerNotFound.Wrapf("id %d", id)
	}
	return container, nil
}

func (f *fakeProviders) Status(ctx sdk.Context, id uint64) (providertypes.ContainerStatus, error) {
	if f.gone[id] {
		return providertypes.ContainerStatus{}, providertypes.ErrContainerNotFound.Wrapf("id %d", id)
	}
	return f.statuses.Get(ctx, id)
}

func (f *fakeProviders) Shard(sdk.Context, uint64) (providertypes.ShardHealth, error) {
	return f.shard, nil
}

func (f *fakeProviders) Class(_ sdk.Context, name string) (providertypes.Class, error) {
	class, ok := f.classes[name]
	if !ok {
		return class, providertypes.ErrClassNotFound.Wrap(name)
	}
	return class, nil
}

func (f *fakeProviders) Vacancy(ctx sdk.Context, id uint64) (providertypes.Vacancy, error) {
	status, err := f.Status(ctx, id)
	if err != nil {
		return providertypes.Vacancy{}, err
	}
	if status.State != providertypes.ContainerState_CONTAINER_STATE_READY || status.Lease != "" || f.silent[id] {
		return providertypes.Vacancy{}, providertypes.ErrContainerNotFree.Wrap(status.State.String())
	}
	container, err := f.Container(ctx, id)
	return providertypes.Vacancy{Container: container, Status: status}, err
}

func (f *fakeProviders) Bind(ctx sdk.Context, v providertypes.Vacancy, leaseID string) error {
	status := v.Status
	status.State, status.Lease = providertypes.ContainerState_CONTAINER_STATE_LEASED, leaseID
	return f.statuses.Set(ctx, status.Id, status)
}

func (f *fakeProviders) Rebind(ctx sdk.Context, id uint64, from, to string) error {
	status, err := f.Status(ctx, id)
	switch {
	case err != nil:
		return err
	case status.Lease != from:
		return errors.New("bound to " + status.Lease)
	case status.State != providertypes.ContainerState_CONTAINER_STATE_LEASED || status.FaultAt != nil:
		return providertypes.ErrContainerNotFree.Wrap(status.State.String())
	}
	status.Lease = to
	return f.statuses.Set(ctx, id, status)
}

func (f *fakeProviders) Release(ctx sdk.Context, id uint64, leaseID string, notStarted bool) error {
	status, err := f.Status(ctx, id)
	if err != nil {
		return err
	}
	if status.Lease != leaseID {
		return errors.New("bound to " + status.Lease)
	}
	status.Lease, status.State = "", providertypes.ContainerState_CONTAINER_STATE_READY
	switch {
	case status.FaultAt != nil:
		status.State = providertypes.ContainerState_CONTAINER_STATE_OFFLINE
	case notStarted:
		status.State = providertypes.ContainerState_CONTAINER_STATE_CHECKING
	}
	return f.statuses.Set(ctx, id, status)
}

func (f *fakeProviders) TicketNotStarted(_ sdk.Context, _ uint64, leaseID string) error {
	f.tickets = append(f.tickets, leaseID)
	return nil
}

func (f *fakeProviders) BreachCost(_ sdk.Context, _ uint64, due math.Int) (math.Int, error) {
	return due, nil
}

func (f *fakeProviders) TicketReclaimed(ctx sdk.Context, d providertypes.Damage) (uint64, math.Int, error) {
	f.breaches[string(d.Evidence)] += d.Amount.Int64()
	return f.TicketOutage(ctx, d)
}

// owed is what an open ticket holds, and what of it is a tenant's.
type owed struct {
	tenant       string
	held, amount math.Int
}

// endTicket ends a ticket: what it holds comes in, or it is dismissed.
func (w *world) endTicket(ticket uint64, dismissed bool) {
	claim := w.providers.claims[ticket]
	delete(w.providers.claims, ticket)
	if dismissed {
		return
	}
	if claim.amount.IsPositive() {
		require.NoError(w.tb, w.vault.move(w.ctx, "stake", prepaid(athtypes.ProceedsRow(claim.tenant, ticket)), claim.amount))
	}
	require.NoError(w.tb, w.vault.move(w.ctx, "stake", "fund/uath", claim.held.Sub(claim.amount)))
}

func (f *fakeProviders) TicketOutage(_ sdk.Context, d providertypes.Damage) (uint64, math.Int, error) {
	f.tickets = append(f.tickets, string(d.Evidence))
	f.claimed += d.Amount.Int64()
	held := math.MinInt(d.Amount, math.NewInt(f.collateral))
	f.claims[uint64(len(f.tickets))] = owed{tenant: d.Claim.Beneficiary, held: held, amount: d.Claim.Owed(held)}
	return uint64(len(f.tickets)), held, nil
}

func (f *fakeProviders) Related(_ sdk.Context, provider string, account sdk.AccAddress) (bool, error) {
	return account.String() == provider || f.operators[account.String()] == provider, nil
}

func (f *fakeProviders) Resumed(sdk.Context) (time.Time, error) { return f.resumed, nil }

func (f *fakeProviders) Outage(ctx sdk.Context, id uint64) (time.Duration, error) {
	status, err := f.Status(ctx, id)
	if err == nil && status.FaultAt != nil {
		status.Outage += ctx.BlockTime().Sub(*status.FaultAt)
	}
	return status.Outage, err
}

func (f *fakeProviders) EarnsUntil(ctx sdk.Context, id uint64) (time.Time, error) {
	status, err := f.Status(ctx, id)
	return status.EarnsUntil(ctx.BlockTime()), err
}

func (f *fakeProviders) SetOffered(ctx sdk.Context, id uint64, offered bool) error {
	status, err := f.Status(ctx, id)
	if err != nil {
		return err
	}
	status.Offered = offered
	return f.statuses.Set(ctx, id, status)
}

func (f *fakeProviders) Authorize(_ sdk.Context, signer sdk.AccAddress, provider string) error {
	if signer.String() == provider || f.operators[signer.String()] == provider {
		return nil
	}
	return providertypes.ErrUnauthorized.Wrapf("signer %s", signer)
}

// setFault begins or ends an outage now, and brings an idle Container back.
func (f *fakeProviders) setFault(ctx sdk.Context, id uint64, faulty bool) error {
	status, err := f.Status(ctx, id)
	if err != nil {
		return err
	}
	now := ctx.BlockTime()
	switch {
	case faulty && status.FaultAt == nil:
		status.FaultAt = &now
		if status.Lease == "" {
			status.State = providertypes.ContainerState_CONTAINER_STATE_OFFLINE
		}
	case !faulty && status.FaultAt != nil:
		status.Outage += now.Sub(*status.FaultAt)
		status.FaultAt = nil
	}
	if !faulty && status.Lease == "" {
		status.State = providertypes.ContainerState_CONTAINER_STATE_READY
	}
	return f.statuses.Set(ctx, id, status)
}

// tester is the common part of *testing.T, *testing.B and *rapid.T.
type tester interface {
	require.TestingT
	Helper()
}

// world is a keeper on a real store between two fakes.
type world struct {
	tb        tester
	ctx       sdk.Context
	cdc       codec.Codec
	k         *Keeper
	msgs      types.MsgServer
	queries   types.QueryServer
	vault     *fakeVault
	providers *fakeProviders
	writes    *countingStore
	authority sdk.AccAddress
}

func newWorld(tb tester) *world {
	tb.Helper()
	keys := storetypes.NewKVStoreKeys(types.StoreKey, "vault", "supply")
	cms := rootstore.NewCommitMultiStore(dbm.NewMemDB(), log.NewNopLogger())
	for _, key := range keys {
		cms.MountStoreWithDB(key, storetypes.StoreTypeIAVL, nil)
	}
	objects := storetypes.NewObjectStoreKey(types.ObjectStoreKey)
	cms.MountStoreWithDB(objects, storetypes.StoreTypeObject, nil)
	require.NoError(tb, cms.LoadLatestVersion())
	ctx := sdk.NewContext(cms, cmtproto.Header{}, false, log.NewNopLogger())
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	w := &world{
		tb: tb, cdc: cdc, authority: someone(999),
		ctx:       ctx.WithBlockTime(start).WithBlockHeight(10).WithChainID(chainID),
		vault:     newFakeVault(runtime.NewKVStoreService(keys["vault"])),
		providers: newFakeProviders(runtime.NewKVStoreService(keys["supply"]), cdc),
		writes:    &countingStore{KVStoreService: runtime.NewKVStoreService(keys[types.StoreKey])},
	}
	w.k = NewKeeper(Deps{
		Cdc: cdc, StoreService: w.writes, ObjectStoreKey: objects, Vault: w.vault, Providers: w.providers,
		Addresses: addresscodec.NewBech32Codec(sdk.GetConfig().GetBech32AccountAddrPrefix()),
		Authority: w.authority.String(), Logger: log.NewNopLogger(),
	})
	w.msgs, w.queries = NewMsgServer(w.k), NewQueryServer(w.k)
	require.NoError(tb, w.k.InitGenesis(w.ctx, *types.DefaultGenesis()))
	w.providers.classes["cpu"] = providertypes.Class{Name: "cpu", StartLimit: 10 * time.Minute, PriceCeiling: math.NewInt(1_000_000_000)}
	return w
}

func someone(n uint64) sdk.AccAddress {
	return append(make([]byte, 12), binary.BigEndian.AppendUint64(nil, n)...)
}

func tenant(n uint64) sdk.AccAddress   { return someone(100 + n) }
func provider(n uint64) sdk.AccAddress { return someone(200 + n) }
func operator(n uint64) sdk.AccAddress { return someone(300 + n) }

func workerKey(container uint64) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 24), binary.BigEndian.AppendUint64(nil, container)...))
}

// fund gives an account coins.
func (w *world) fund(who sdk.AccAddress, amount int64) {
	w.tb.Helper()
	row := "bank/" + who.String()
	require.NoError(w.tb, w.vault.rows.Set(w.ctx, row, w.vault.get(w.ctx, row).AddRaw(amount)))
}

// addContainer registers a Container of a provider, Ready and without an offer.
func (w *world) addContainer(id, owner uint64) {
	w.tb.Helper()
	w.providers.operators[operator(owner).String()] = provider(owner).String()
	w.providers.containers[id] = providertypes.Container{
		Id: id, Provider: provider(owner).String(), Class: "cpu", Count: 1, Region: "eu",
		Spec:         providertypes.Spec{VramMib: 16_000, CpuMilli: 4_000, MemoryMib: 8_192, DiskMib: 10_000},
		WorkerPubkey: workerKey(id).Public().(ed25519.PublicKey),
	}
	require.NoError(w.tb, w.providers.statuses.Set(w.ctx, id, providertypes.ContainerStatus{
		Id: id, State: providertypes.ContainerState_CONTAINER_STATE_READY,
	}))
}

// offer is an offer at uathPerSecond with the least minimum charge.
func offer(id uint64, uathPerSecond int64) types.Offer {
	return types.Offer{ContainerId: id, Denom: athtypes.Denom, Rate: math.NewInt(uathPerSecond * 1_000_000), MinCharge: time.Minute}
}

// usdOffer is an offer at musdPerSecond.
func usdOffer(id uint64, musdPerSecond int64) types.Offer {
	o := offer(id, musdPerSecond)
	o.Denom = types.MicroUSD
	return o
}

// addOffer registers a Container with an offer.
func (w *world) addOffer(id, owner uint64, uathPerSecond int64) {
	w.tb.Helper()
	w.addContainer(id, owner)
	require.NoError(w.tb, w.k.SetOffers(w.ctx, provider(owner), []types.Offer{offer(id, uathPerSecond)}))
}

// order is a lease of named candidates that carries its own deposit.
func order(who sdk.AccAddress, deposit int64, candidates ...uint64) *types.MsgCreateLease {
	return &types.MsgCreateLease{
		Tenant: who.String(), Candidates: candidates, MaxRate: types.MaxRate, Deposit: sdk.NewInt64Coin(athtypes.Denom, deposit),
		ManifestHash: make([]byte, 32),
	}
}

// open opens a lease that is expected to succeed.
func (w *world) open(msg *types.MsgCreateLease) types.LeaseID {
	w.tb.Helper()
	res, err := w.msgs.CreateLease(w.ctx, msg)
	require.NoError(w.tb, err)
	id, err := types.ParseLeaseID(res.LeaseId)
	require.NoError(w.tb, err)
	return id
}

// indexerKey is the key of the Indexer that answers in tests.
var indexerKey = secp256k1.GenPrivKeyFromSecret([]byte("indexer"))

// quote is an Indexer's answer to a tenant: candidates at whole uath per second.
func (w *world) quote(who sdk.AccAddress, requirement types.Requirement, nonce uint64, rate int64, candidates ...uint64) *types.Quote {
	w.tb.Helper()
	q := &types.Quote{
		Indexer: sdk.AccAddress(indexerKey.PubKey().Address()).String(), Candidates: candidates, Nonce: nonce,
		ExpiresAt: w.ctx.BlockTime().Add(time.Minute), RequirementHash: requirement.Hash(), Pubkey: indexerKey.PubKey().Bytes(),
	}
	for range candidates {
		q.Rates = append(q.Rates, math.NewInt(rate*1_000_000))
	}
	var err error
	q.Signature, err = indexerKey.Sign(q.SignBytes(chainID, who.String()))
	require.NoError(w.tb, err)
	return q
}

// record is the next usage record of a lease, signed by its worker.
func (w *world) record(id types.LeaseID, from, until time.Time) types.UsageRecord {
	w.tb.Helper()
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(w.tb, err)
	return sign(types.UsageRecord{
		LeaseId: id.String(), Sequence: lease.UsageSequence + 1, From: from, Until: until, ImageDigest: make([]byte, 32),
		BlockHeight: w.ctx.BlockHeight(), BlockHash: make([]byte, 32), PrevHash: lease.UsageHash,
	}, lease.ContainerId)
}

func sign(record types.UsageRecord, container uint64) types.UsageRecord {
	record.Signature = ed25519.Sign(workerKey(container), record.SignBytes(chainID))
	return record
}

// start starts a lease now.
func (w *world) start(id types.LeaseID) {
	w.tb.Helper()
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(w.tb, err)
	now := w.ctx.BlockTime()
	owner, err := sdk.AccAddressFromBech32(lease.Provider)
	require.NoError(w.tb, err)
	require.NoError(w.tb, w.k.SubmitUsage(w.ctx, owner, []types.UsageRecord{w.record(id, now, now)}))
}

// pass lets time pass and ends a block.
func (w *world) pass(d time.Duration) {
	w.tb.Helper()
	w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(d)).WithBlockHeight(w.ctx.BlockHeight() + 1)
	require.NoError(w.tb, w.k.EndBlock(w.ctx))
}

// try runs a transaction: all or nothing.
func (w *world) try(tx func(sdk.Context) error) error {
	cached, write := w.ctx.CacheContext()
	if err := tx(cached); err != nil {
		return err
	}
	write()
	return nil
}

// create sends an order as a transaction.
func (w *world) create(msg *types.MsgCreateLease) error {
	return w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.CreateLease(ctx, msg)
		return err
	})
}

func (w *world) balance(who sdk.AccAddress) int64 {
	return w.vault.get(w.ctx, "prepaid/"+who.String()+"/"+athtypes.Denom).Int64()
}

func (w *world) earned(owner uint64) int64 {
	return w.vault.get(w.ctx, "earned/"+provider(owner).String()).Int64()
}

func (w *world) check() {
	w.tb.Helper()
	require.NoError(w.tb, w.k.CheckInvariants(w.ctx))
}

// exports says that the state, at the end of a block, is one that a chain can begin with.
func (w *world) exports() {
	w.tb.Helper()
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(w.tb, err)
	require.NoError(w.tb, g.Validate())
}

func (w *world) receipt(id types.LeaseID) types.Receipt {
	w.tb.Helper()
	receipt, err := w.k.Receipt(w.ctx, id)
	require.NoError(w.tb, err)
	return receipt
}

// countingStore notes which keys of the module's store are set or deleted.
type countingStore struct {
	store.KVStoreService
	keys map[string]bool
}

func (c *countingStore) OpenKVStore(ctx context.Context) store.KVStore {
	return countingKV{KVStore: c.KVStoreService.OpenKVStore(ctx), c: c}
}

type countingKV struct {
	store.KVStore
	c *countingStore
}

func (s countingKV) Set(key, value []byte) error {
	s.c.note(key)
	return s.KVStore.Set(key, value)
}

func (s countingKV) Delete(key []byte) error {
	s.c.note(key)
	return s.KVStore.Delete(key)
}

func (c *countingStore) note(key []byte) {
	if c.keys != nil {
		c.keys[string(key)] = true
	}
}

// count returns how many keys of the module f sets or deletes.
func (c *countingStore) count(f func()) int {
	c.keys = map[string]bool{}
	f()
	n := len(c.keys)
	c.keys = nil
	return n
}
