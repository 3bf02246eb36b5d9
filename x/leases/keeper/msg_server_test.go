// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"testing"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

var huge = math.NewIntWithDecimal(1, 76)

func uath(amount int64) sdk.Coin { return sdk.NewInt64Coin(athtypes.Denom, amount) }

// badMsgs is every way to send a wrong message that we could think of, with the error and the field that it must name.
func badMsgs(w *world, id types.LeaseID) []badMsg {
	me, op, stranger := tenant(1).String(), operator(1).String(), tenant(7).String()
	now := w.ctx.BlockTime()
	offers := func(change func(*types.Offer)) *types.MsgSetOffers {
		o := offer(2, 10)
		change(&o)
		return &types.MsgSetOffers{Operator: op, Offers: []types.Offer{o}}
	}
	create := func(change func(*types.MsgCreateLease)) *types.MsgCreateLease {
		m := order(tenant(1), 0, 2)
		change(m)
		return m
	}
	usage := func(change func(*types.UsageRecord)) *types.MsgSubmitUsage {
		r := w.record(id, now, now)
		change(&r)
		return &types.MsgSubmitUsage{Operator: op, Records: []types.UsageRecord{r}}
	}
	grant := func(change func(*types.MsgGrantDeposit)) *types.MsgGrantDeposit {
		refill := autoRefill(1, 10, 100, time.Hour)
		m := &types.MsgGrantDeposit{Granter: me, Grantee: stranger, Limit: uath(100), Refill: &refill}
		change(m)
		return m
	}
	closing := func(signer string, reason types.CloseReason, codes int) *types.MsgCloseLease {
		return &types.MsgCloseLease{Signer: signer, LeaseId: id.String(), Reason: reason, ExitCodes: make([]int32, codes)}
	}
	long := make([]string, types.MaxTenantList+1)
	for i := range long {
		long[i] = someone(uint64(5_000 + i)).String()
	}
	return []badMsg{
		{"offers: none", &types.MsgSetOffers{Operator: op}, types.ErrInvalidField, "offers"},
		{"offers: too many", &types.MsgSetOffers{Operator: op, Offers: make([]types.Offer, types.MaxOffers+1)}, types.ErrInvalidField, "offers"},
		{"offers: twice", &types.MsgSetOffers{Operator: op, Offers: []types.Offer{offer(2, 1), offer(2, 2)}}, types.ErrInvalidField, "container 2"},
		{"offers: bad signer", &types.MsgSetOffers{Operator: "x", Offers: []types.Offer{offer(2, 1)}}, types.ErrInvalidField, "operator"},
		{"offers: wrong signer", &types.MsgSetOffers{Operator: stranger, Offers: []types.Offer{offer(2, 1)}}, providertypes.ErrUnauthorized, "offers[0]"},
		{"offers: no container", offers(func(o *types.Offer) { o.ContainerId = 0 }), types.ErrInvalidOffer, "container_id"},
		{"offers: unknown container", offers(func(o *types.Offer) { o.ContainerId = 99 }), providertypes.ErrContainerNotFound, "offers[0]"},
		{"offers: denom", offers(func(o *types.Offer) { o.Denom = "ibc/27" }), types.ErrForeignDenom, "denom"},
		{"offers: rate 0", offers(func(o *types.Offer) { o.Rate = math.ZeroInt() }), types.ErrInvalidOffer, "rate"},
		{"offers: rate negative", offers(func(o *types.Offer) { o.Rate = math.NewInt(-1) }), types.ErrInvalidOffer, "rate"},
		{"offers: rate missing", offers(func(o *types.Offer) { o.Rate = math.Int{} }), types.ErrInvalidOffer, "rate"},
		{"offers: rate huge", offers(func(o *types.Offer) { o.Rate = huge }), types.ErrInvalidOffer, "rate"},
		{"offers: min charge low", offers(func(o *types.Offer) { o.MinCharge = 59 * time.Second }), types.ErrInvalidOffer, "min_charge"},
		{"offers: min charge high", offers(func(o *types.Offer) { o.MinCharge = 1 << 62 }), types.ErrInvalidOffer, "min_charge"},
		{"offers: max term", offers(func(o *types.Offer) { o.MaxTerm = time.Second }), types.ErrInvalidOffer, "max_term"},
		{"offers: max term negative", offers(func(o *types.Offer) { o.MaxTerm = -1 }), types.ErrInvalidOffer, "max_term"},
		{"offers: class", offers(func(o *types.Offer) { o.Class = "gpu" }), types.ErrInvalidOffer, "class"},
		{"offers: long list", offers(func(o *types.Offer) { o.Allowed = long }), types.ErrInvalidOffer, "allowed"},
		{"offers: bad tenant", offers(func(o *types.Offer) { o.Denied = []string{"me"} }), types.ErrInvalidOffer, "denied[0]"},
		{"offers: tenant twice", offers(func(o *types.Offer) { o.Denied = []string{me, me} }), types.ErrInvalidOffer, "denied[1]"},

		{"remove: none", &types.MsgRemoveOffers{Operator: op}, types.ErrInvalidField, "container_ids"},
		{"remove: twice", &types.MsgRemoveOffers{Operator: op, ContainerIds: []uint64{1, 1}}, types.ErrInvalidField, "container_ids"},
		{"remove: unknown", &types.MsgRemoveOffers{Operator: op, ContainerIds: []uint64{1, 99}}, types.ErrOfferNotFound, "container_ids[1]"},
		{"remove: wrong signer", &types.MsgRemoveOffers{Operator: stranger, ContainerIds: []uint64{1}}, providertypes.ErrUnauthorized, "container_ids[0]"},

		{"deposit: bad signer", &types.MsgDeposit{Depositor: "", Amount: uath(1)}, types.ErrInvalidField, "depositor"},
		{"deposit: bad tenant", &types.MsgDeposit{Depositor: me, Tenant: "x", Amount: uath(1)}, types.ErrInvalidField, "tenant"},
		{"deposit: foreign", &types.MsgDeposit{Depositor: me, Amount: sdk.NewInt64Coin("uosmo", 1)}, types.ErrForeignDenom, "amount"},
		{"deposit: zero", &types.MsgDeposit{Depositor: me, Amount: uath(0)}, types.ErrInvalidAmount, "amount"},
		{"deposit: negative", &types.MsgDeposit{Depositor: me, Amount: sdk.Coin{Denom: "uath", Amount: math.NewInt(-5)}}, types.ErrInvalidAmount, "amount"},
		{"deposit: missing", &types.MsgDeposit{Depositor: me, Amount: sdk.Coin{Denom: "uath"}}, types.ErrInvalidAmount, "amount"},
		{"deposit: huge", &types.MsgDeposit{Depositor: me, Amount: sdk.Coin{Denom: "uath", Amount: huge}}, types.ErrInvalidAmount, "amount"},
		{"deposit: not owned", &types.MsgDeposit{Depositor: me, Amount: uath(1 << 60)}, nil, ""},

		{"withdraw: foreign", &types.MsgWithdrawDeposit{Tenant: me, Amount: sdk.NewInt64Coin("uosmo", 1)}, types.ErrForeignDenom, "amount"},
		{"withdraw: negative", &types.MsgWithdrawDeposit{Tenant: me, Amount: sdk.Coin{Denom: "uath", Amount: math.NewInt(-5)}}, types.ErrInvalidAmount, "amount"},
		{"withdraw: reserved", &types.MsgWithdrawDeposit{Tenant: me, Amount: uath(9_401)}, types.ErrInsufficientFree, "amount"},
		{"withdraw: huge", &types.MsgWithdrawDeposit{Tenant: me, Amount: sdk.Coin{Denom: "uath", Amount: huge}}, types.ErrInvalidAmount, "amount"},
		{"withdraw: nothing there", &types.MsgWithdrawDeposit{Tenant: stranger, Amount: uath(0)}, types.ErrInsufficientFree, "amount"},

		{"deposit: grant for another", &types.MsgDeposit{Depositor: me, Tenant: stranger, Granter: op, Amount: uath(1)}, types.ErrInvalidField, "tenant"},
		{"deposit: bad granter", &types.MsgDeposit{Depositor: me, Granter: "x", Amount: uath(1)}, types.ErrInvalidField, "granter"},
		{"deposit: no grant", &types.MsgDeposit{Depositor: me, Granter: op, Amount: uath(1)}, types.ErrGrantNotFound, "granter"},
		{"deposit: dust for another", &types.MsgDeposit{Depositor: me, Tenant: stranger, Amount: uath(1)}, types.ErrDepositTooSmall, "at least 1 ATH"},

		{"reclaim: bad signer", &types.MsgReclaimDeposit{Signer: "x", Tenant: me, Amount: uath(1)}, types.ErrInvalidField, "signer"},
		{"reclaim: bad tenant", &types.MsgReclaimDeposit{Signer: me, Tenant: "x", Amount: uath(1)}, types.ErrInvalidField, "tenant"},
		{"reclaim: bad depositor", &types.MsgReclaimDeposit{Signer: me, Tenant: me, Depositor: "x", Amount: uath(1)}, types.ErrInvalidField, "depositor"},
		{"reclaim: foreign", &types.MsgReclaimDeposit{Signer: me, Tenant: me, Amount: sdk.NewInt64Coin("uosmo", 1)}, types.ErrForeignDenom, "amount"},
		{"reclaim: source", &types.MsgReclaimDeposit{Signer: me, Tenant: me, Amount: uath(1), Source: 9}, types.ErrInvalidField, "source"},
		{"reclaim: own", &types.MsgReclaimDeposit{Signer: me, Tenant: me, Amount: uath(1)}, types.ErrDepositorNotFound, "depositor"},

		{"grant: bad signer", grant(func(m *types.MsgGrantDeposit) { m.Granter = "x" }), types.ErrInvalidField, "granter"},
		{"grant: bad grantee", grant(func(m *types.MsgGrantDeposit) { m.Grantee = "x" }), types.ErrInvalidField, "grantee"},
		{"grant: to oneself", grant(func(m *types.MsgGrantDeposit) { m.Grantee = me }), types.ErrInvalidGrant, "grantee"},
		{"grant: nothing", grant(func(m *types.MsgGrantDeposit) { m.Limit = uath(0) }), types.ErrInvalidAmount, "limit"},
		{"grant: foreign", grant(func(m *types.MsgGrantDeposit) { m.Limit = sdk.NewInt64Coin("uosmo", 1) }), types.ErrForeignDenom, "limit"},
		{"grant: expired", grant(func(m *types.MsgGrantDeposit) { m.ExpiresAt = &now }), types.ErrInvalidGrant, "expires_at"},
		{"grant: keep 0", grant(func(m *types.MsgGrantDeposit) { m.Refill.Keep = math.ZeroInt() }), types.ErrInvalidGrant, "refill.keep"},
		{"grant: amount missing", grant(func(m *types.MsgGrantDeposit) { m.Refill.Amount = math.Int{} }), types.ErrInvalidGrant, "refill.amount"},
		{"grant: cap huge", grant(func(m *types.MsgGrantDeposit) { m.Refill.Cap = huge }), types.ErrInvalidGrant, "refill.cap"},
		{"grant: cap low", grant(func(m *types.MsgGrantDeposit) { m.Refill.Cap = math.OneInt() }), types.ErrInvalidGrant, "refill.cap"},
		{"grant: period", grant(func(m *types.MsgGrantDeposit) { m.Refill.Period = time.Minute }), types.ErrInvalidGrant, "refill.period"},
		{"revoke: none", &types.MsgRevokeDepositGrant{Signer: me, Granter: me, Grantee: stranger}, types.ErrGrantNotFound, "granter"},
		{"revoke: bad signer", &types.MsgRevokeDepositGrant{Signer: "x", Granter: me, Grantee: stranger}, types.ErrInvalidField, "signer"},
		{"refill: bad signer", &types.MsgSetRefill{Tenant: "x"}, types.ErrInvalidField, "tenant"},
		{"refill: bad granter", &types.MsgSetRefill{Tenant: me, Granter: "x"}, types.ErrInvalidField, "granter"},
		{"sub-account: bad signer", &types.MsgSetSubAccount{Parent: "x", Sub: stranger, Limit: uath(1)}, types.ErrInvalidField, "parent"},
		{"sub-account: oneself", &types.MsgSetSubAccount{Parent: me, Sub: me, Limit: uath(1)}, types.ErrInvalidField, "sub"},
		{"sub-account: foreign", &types.MsgSetSubAccount{Parent: me, Sub: stranger, Limit: sdk.NewInt64Coin("uosmo", 1)}, types.ErrForeignDenom, "limit"},
		{"fund: nothing", &types.MsgFundSubAccount{Parent: me, Sub: stranger, Amount: uath(0)}, types.ErrInvalidAmount, "amount"},
		{"fund: no sub-account", &types.MsgFundSubAccount{Parent: me, Sub: stranger, Amount: uath(1)}, types.ErrSubAccountNotFound, "sub"},

		{"create: bad signer", create(func(m *types.MsgCreateLease) { m.Tenant = "x" }), types.ErrInvalidField, "tenant"},
		{"create: nothing wanted", create(func(m *types.MsgCreateLease) { m.Candidates = nil }), types.ErrInvalidField, "requirement.class"},
		{"create: too many", create(func(m *types.MsgCreateLease) { m.Candidates = make([]uint64, 65) }), types.ErrInvalidField, "candidates"},
		{"create: twice", create(func(m *types.MsgCreateLease) { m.Candidates = []uint64{2, 2} }), types.ErrInvalidField, "candidates"},
		{"create: unknown", create(func(m *types.MsgCreateLease) { m.Candidates = []uint64{99} }), types.ErrNoMatch, "candidates"},
		{"create: taken", create(func(m *types.MsgCreateLease) { m.Candidates = []uint64{1} }), types.ErrNoMatch, "not free"},
		{"create: long class", create(func(m *types.MsgCreateLease) { m.Requirement = &types.Requirement{Class: string(make([]byte, 33))} }), types.ErrInvalidField, "requirement.class"},
		{"create: long region", create(func(m *types.MsgCreateLease) { m.Requirement = &types.Requirement{Region: string(make([]byte, 33))} }), types.ErrInvalidField, "requirement.region"},
		{"create: rate 0", create(func(m *types.MsgCreateLease) { m.MaxRate = math.ZeroInt() }), types.ErrInvalidField, "max_rate"},
		{"create: rate missing", create(func(m *types.MsgCreateLease) { m.MaxRate = math.Int{} }), types.ErrInvalidField, "max_rate"},
		{"create: rate huge", create(func(m *types.MsgCreateLease) { m.MaxRate = huge }), types.ErrInvalidField, "max_rate"},
		{"create: foreign deposit", create(func(m *types.MsgCreateLease) { m.Deposit = sdk.NewInt64Coin("uosmo", 1) }), types.ErrForeignDenom, "deposit"},
		{"create: negative deposit", create(func(m *types.MsgCreateLease) { m.Deposit.Amount = math.NewInt(-1) }), types.ErrInvalidAmount, "deposit"},
		{"create: huge deposit", create(func(m *types.MsgCreateLease) { m.Deposit.Amount = huge }), types.ErrInvalidAmount, "deposit"},
		{"create: short manifest hash", create(func(m *types.MsgCreateLease) { m.ManifestHash = []byte{1} }), types.ErrInvalidField, "manifest_hash"},
		{"create: long manifest hash", create(func(m *types.MsgCreateLease) { m.ManifestHash = make([]byte, 1<<16) }), types.ErrInvalidField, "manifest_hash"},
		{"create: negative duration", create(func(m *types.MsgCreateLease) { m.Duration = -1 }), types.ErrInvalidField, "duration"},
		{"create: absurd duration", create(func(m *types.MsgCreateLease) { m.Duration = types.MaxTerm + 1 }), types.ErrInvalidField, "duration"},
		{"create: short duration", create(func(m *types.MsgCreateLease) { m.Duration = 1 }), types.ErrNoMatch, "duration"},
		{"create: empty quote", create(func(m *types.MsgCreateLease) { m.Quote = &types.Quote{} }), types.ErrInvalidQuote, "quote.candidates"},
		{"create: no money", &types.MsgCreateLease{Tenant: stranger, Candidates: []uint64{2}, MaxRate: types.MaxRate, ManifestHash: make([]byte, 32)},
			types.ErrInsufficientDeposit, "deposit: 0.0036 ATH (3600uath) short"},

		{"close: bad signer", closing("x", 0, 0), types.ErrInvalidField, "signer"},
		{"close: stranger", closing(stranger, 0, 0), types.ErrUnauthorized, "signer"},
		{"close: bad id", &types.MsgCloseLease{Signer: me, LeaseId: "1"}, types.ErrInvalidLeaseID, "tenant/number"},
		{"close: unknown", &types.MsgCloseLease{Signer: me, LeaseId: me + "/99"}, types.ErrLeaseNotFound, "lease_id"},
		{"close: unknown reason", closing(me, 99, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: chain's reason", closing(me, types.CloseReason_CLOSE_REASON_EXHAUSTED, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: provider's reason", closing(me, types.CloseReason_CLOSE_REASON_PROVIDER, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: no fault", closing(me, types.CloseReason_CLOSE_REASON_FAULT, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: image after start", closing(op, types.CloseReason_CLOSE_REASON_TENANT_IMAGE, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: completed without codes", closing(op, types.CloseReason_CLOSE_REASON_COMPLETED, 0), types.ErrReasonNotAllowed, "reason"},
		{"close: codes of a tenant", closing(me, types.CloseReason_CLOSE_REASON_TENANT, 1), types.ErrInvalidField, "exit_codes"},
		{"close: too many codes", closing(op, types.CloseReason_CLOSE_REASON_COMPLETED, 17), types.ErrInvalidField, "exit_codes"},

		{"settle: bad signer", &types.MsgSettle{Signer: "x", LeaseIds: []string{id.String()}}, types.ErrInvalidField, "signer"},
		{"settle: none", &types.MsgSettle{Signer: stranger}, types.ErrInvalidField, "lease_ids"},
		{"settle: too many", &types.MsgSettle{Signer: stranger, LeaseIds: make([]string, 101)}, types.ErrInvalidField, "lease_ids"},
		{"settle: bad id", &types.MsgSettle{Signer: stranger, LeaseIds: []string{id.String(), "x/y"}}, types.ErrInvalidLeaseID, "lease_ids[1]"},
		{"settle: unknown", &types.MsgSettle{Signer: stranger, LeaseIds: []string{id.String(), me + "/99"}}, types.ErrLeaseNotFound, "lease_ids[1]"},

		{"usage: none", &types.MsgSubmitUsage{Operator: op}, types.ErrInvalidField, "records"},
		{"usage: too many", &types.MsgSubmitUsage{Operator: op, Records: make([]types.UsageRecord, 101)}, types.ErrInvalidField, "records"},
		{"usage: wrong signer", func() *types.MsgSubmitUsage { m := usage(func(*types.UsageRecord) {}); m.Operator = stranger; return m }(), providertypes.ErrUnauthorized, "records[0:1]"},
		{"usage: bad id", usage(func(r *types.UsageRecord) { r.LeaseId = "x" }), types.ErrInvalidLeaseID, "records[0]"},
		{"usage: unknown", usage(func(r *types.UsageRecord) { r.LeaseId = me + "/99" }), types.ErrLeaseNotFound, "lease_id"},
		{"usage: sequence 0", usage(func(r *types.UsageRecord) { r.Sequence = 0 }), types.ErrInvalidUsage, "sequence"},
		{"usage: ancient", usage(func(r *types.UsageRecord) { r.From = time.Time{} }), types.ErrInvalidUsage, "from"},
		{"usage: backwards", usage(func(r *types.UsageRecord) { r.Until = now.Add(-1) }), types.ErrInvalidUsage, "until"},
		{"usage: far future", usage(func(r *types.UsageRecord) { r.Until = now.AddDate(500, 0, 0) }), types.ErrInvalidUsage, "until"},
		{"usage: image", usage(func(r *types.UsageRecord) { r.ImageDigest = nil }), types.ErrInvalidUsage, "image_digest"},
		{"usage: height", usage(func(r *types.UsageRecord) { r.BlockHeight = -1 }), types.ErrInvalidUsage, "block_height"},
		{"usage: block hash", usage(func(r *types.UsageRecord) { r.BlockHash = make([]byte, 99) }), types.ErrInvalidUsage, "block_hash"},
		{"usage: prev hash", usage(func(r *types.UsageRecord) { r.PrevHash = nil }), types.ErrInvalidUsage, "prev_hash"},
		{"usage: wrong prev hash", usage(func(r *types.UsageRecord) { r.PrevHash = make([]byte, 32) }), types.ErrUsageSequence, "prev_hash"},
		{"usage: short signature", usage(func(r *types.UsageRecord) { r.Signature = nil }), types.ErrInvalidUsage, "signature"},
		{"usage: wrong signature", usage(func(r *types.UsageRecord) { r.Signature = bytes.Repeat([]byte{1}, 64) }), types.ErrUsageSignature, "signature"},
		{"usage: replay", &types.MsgSubmitUsage{Operator: op, Records: []types.UsageRecord{sign(types.UsageRecord{
			LeaseId: id.String(), Sequence: 1, From: now, Until: now, ImageDigest: make([]byte, 32), BlockHeight: w.ctx.BlockHeight(),
			BlockHash: make([]byte, 32),
		}, 1)}}, types.ErrUsageSequence, "sequence"},

		{"params: wrong signer", &types.MsgUpdateParams{Authority: me, Params: types.DefaultParams()}, types.ErrUnauthorized, "authority"},
		{"params: empty", &types.MsgUpdateParams{Authority: w.authority.String()}, types.ErrInvalidParams, "max_closes_per_block"},
	}
}

type badMsg struct {
	name  string
	msg   any
	want  error // nil: whatever another module says
	field string
}

// send routes a message as the application does, panics included.
func (w *world) send(ctx sdk.Context, msg any) (err error) {
	switch m := msg.(type) {
	case *types.MsgSetOffers:
		_, err = w.msgs.SetOffers(ctx, m)
	case *types.MsgRemoveOffers:
		_, err = w.msgs.RemoveOffers(ctx, m)
	case *types.MsgDeposit:
		_, err = w.msgs.Deposit(ctx, m)
	case *types.MsgWithdrawDeposit:
		_, err = w.msgs.WithdrawDeposit(ctx, m)
	case *types.MsgReclaimDeposit:
		_, err = w.msgs.ReclaimDeposit(ctx, m)
	case *types.MsgGrantDeposit:
		_, err = w.msgs.GrantDeposit(ctx, m)
	case *types.MsgRevokeDepositGrant:
		_, err = w.msgs.RevokeDepositGrant(ctx, m)
	case *types.MsgSetRefill:
		_, err = w.msgs.SetRefill(ctx, m)
	case *types.MsgSetSubAccount:
		_, err = w.msgs.SetSubAccount(ctx, m)
	case *types.MsgFundSubAccount:
		_, err = w.msgs.FundSubAccount(ctx, m)
	case *types.MsgCreateLease:
		_, err = w.msgs.CreateLease(ctx, m)
	case *types.MsgCloseLease:
		_, err = w.msgs.CloseLease(ctx, m)
	case *types.MsgSettle:
		_, err = w.msgs.Settle(ctx, m)
	case *types.MsgSubmitUsage:
		_, err = w.msgs.SubmitUsage(ctx, m)
	case *types.MsgUpdateParams:
		_, err = w.msgs.UpdateParams(ctx, m)
	}
	return err
}

// TestBadMessages: each is refused with a typed error that names the field, and leaves the state as it was.
func TestBadMessages(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 10_000, 1))
	w.start(id)
	for _, tc := range badMsgs(w, id) {
		t.Run("error - "+tc.name, func(t *testing.T) {
			before, err := w.k.ExportGenesis(w.ctx)
			require.NoError(t, err)
			total := w.vault.total(w.ctx)
			err = w.try(func(ctx sdk.Context) error { return w.send(ctx, tc.msg) })
			require.Error(t, err)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
				require.ErrorContains(t, err, tc.field)
			}
			after, err := w.k.ExportGenesis(w.ctx)
			require.NoError(t, err)
			require.Equal(t, before, after)
			require.Equal(t, total, w.vault.total(w.ctx))
		})
	}
	w.check()
}

// TestLimits: a tenant can neither hoard supply without starting it nor open without bound.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxUnstarted, params.MaxOpenLeases = 1, 2
	_, err := w.msgs.UpdateParams(w.ctx, &types.MsgUpdateParams{Authority: w.authority.String(), Params: params})
	require.NoError(t, err)
	for id := uint64(1); id <= 3; id++ {
		w.addOffer(id, 1, 1)
	}
	first := w.open(orderFunded(w, tenant(1), 100_000, 1))
	require.ErrorIs(t, w.create(order(tenant(1), 0, 2)), types.ErrTooManyLeases)
	w.start(first)
	w.start(w.open(order(tenant(1), 0, 2)))
	require.ErrorIs(t, w.create(order(tenant(1), 0, 3)), types.ErrTooManyLeases)
	receipt, err := w.k.CloseLease(w.ctx, w.authority, first, 0, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_GOVERNANCE, receipt.Reason)
	w.check()
}
