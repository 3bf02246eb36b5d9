// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/keeper"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Supply tells what there is to lease.
type Supply interface {
	ExportGenesis(ctx sdk.Context) (*providertypes.GenesisState, error)
	Container(ctx sdk.Context, id uint64) (providertypes.Container, error)
	Status(ctx sdk.Context, id uint64) (providertypes.ContainerStatus, error)
}

// WeightedOperationsX adds the operations of users.
func WeightedOperationsX(k *keeper.Keeper, supply Supply, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_set_offers", 20), MsgSetOffersFactory(k, supply))
	reg.Add(weights.Get("msg_remove_offers", 3), MsgRemoveOffersFactory(k, supply))
	reg.Add(weights.Get("msg_deposit", 15), MsgDepositFactory(k))
	reg.Add(weights.Get("msg_withdraw_deposit", 20), MsgWithdrawDepositFactory(k))
	reg.Add(weights.Get("msg_reclaim_deposit", 8), MsgReclaimDepositFactory(k))
	reg.Add(weights.Get("msg_grant_deposit", 8), MsgGrantDepositFactory())
	reg.Add(weights.Get("msg_revoke_deposit_grant", 2), MsgRevokeDepositGrantFactory(k))
	reg.Add(weights.Get("msg_set_refill", 5), MsgSetRefillFactory(k))
	reg.Add(weights.Get("msg_set_sub_account", 5), MsgSetSubAccountFactory())
	reg.Add(weights.Get("msg_fund_sub_account", 10), MsgFundSubAccountFactory(k))
	reg.Add(weights.Get("msg_fund_float", 5), MsgFundFloatFactory(k))
	reg.Add(weights.Get("msg_withdraw_float", 3), MsgWithdrawFloatFactory(k))
	reg.Add(weights.Get("msg_grant_credit", 8), MsgGrantCreditFactory(k))
	reg.Add(weights.Get("msg_revoke_credit", 2), MsgRevokeCreditFactory(k))
	reg.Add(weights.Get("msg_create_lease", 60), MsgCreateLeaseFactory(k, supply))
	reg.Add(weights.Get("msg_create_leases", 10), MsgCreateLeasesFactory(k, supply))
	reg.Add(weights.Get("msg_refresh_offers", 5), MsgRefreshOffersFactory(k))
	reg.Add(weights.Get("msg_close_lease", 4), MsgCloseLeaseFactory(k))
	reg.Add(weights.Get("msg_update_lease", 10), MsgUpdateLeaseFactory(k))
	reg.Add(weights.Get("msg_failover", 10), MsgFailoverFactory(k))
	reg.Add(weights.Get("msg_reclaim_lease", 5), MsgReclaimLeaseFactory(k))
	reg.Add(weights.Get("msg_resume_lease", 60), MsgResumeLeaseFactory(k))
	reg.Add(weights.Get("msg_settle", 10), MsgSettleFactory(k))
	reg.Add(weights.Get("msg_open_channels", 15), MsgOpenChannelsFactory(k))
	reg.Add(weights.Get("msg_top_up_channel", 5), MsgTopUpChannelFactory(k))
	reg.Add(weights.Get("msg_close_channels", 5), MsgCloseChannelsFactory(k))
	reg.Add(weights.Get("msg_redeem", 30), MsgRedeemFactory(k))
	reg.Add(weights.Get("msg_submit_usage", 30), MsgSubmitUsageFactory(k, supply))
}

// ProposalMsgsX adds the operations of governance.
func ProposalMsgsX(k *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_update_leases_params", 1), MsgUpdateParamsFactory())
	reg.Add(weights.Get("msg_register_gateway", 2), MsgRegisterGatewayFactory())
	reg.Add(weights.Get("msg_remove_gateway", 1), MsgRemoveGatewayFactory(k))
}

// MsgSetOffersFactory prices a Container, mostly below its class's ceiling and for all.
func MsgSetOffersFactory(k *keeper.Keeper, supply Supply) simsx.SimMsgFactoryFn[*types.MsgSetOffers] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetOffers) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := supply.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgSetOffers](reporter, err)
		}
		own, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgSetOffers](reporter, err)
		}
		c, ok := sim.Pick(data, reporter, state.Containers, sim.Any)
		if !ok {
			return nil, nil
		}
		offer := types.Offer{
			ContainerId: c.Id, Denom: athtypes.Denom, Rate: math.NewInt(int64(1 + data.Rand().Intn(2_500_000_000))), MinCharge: own.Params.MinCharge,
		}
		if data.Rand().Intn(4) != 0 {
			offer.StorageRate, offer.StandbyRate = offer.Rate.QuoRaw(10), offer.Rate.QuoRaw(5)
		}
		switch data.Rand().Intn(4) {
		case 0:
			offer.Reserved = &types.ReservedTerms{Rate: offer.Rate, MinTerm: types.MinReservedTerm}
			offer.Rate, offer.ReservedOnly = math.ZeroInt(), true
			offer.StorageRate, offer.StandbyRate = math.ZeroInt(), math.ZeroInt()
		case 1:
			offer.Reserved = &types.ReservedTerms{Rate: offer.Rate.QuoRaw(2).AddRaw(1), MinTerm: types.MinReservedTerm, MaxTerm: types.MaxTerm}
		}
		if !offer.ReservedOnly && data.Rand().Intn(5) == 0 {
			offer.MaxTerm = types.MaxTerm
			offer.Denied = []string{sim.Other(data, reporter, c.Provider)}
		}
		return sim.Signed(data, reporter, c.Provider, &types.MsgSetOffers{Operator: c.Provider, Offers: []types.Offer{offer}})
	}
}

// MsgRemoveOffersFactory takes a price back.
func MsgRemoveOffersFactory(k *keeper.Keeper, supply Supply) simsx.SimMsgFactoryFn[*types.MsgRemoveOffers] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRemoveOffers) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgRemoveOffers](reporter, err)
		}
		offer, ok := sim.Pick(data, reporter, state.Offers, sim.Any)
		if !ok {
			return nil, nil
		}
		signer := data.AnyAccount(reporter).AddressBech32 // may remove what a Container left behind
		if c, err := supply.Container(sdkCtx, offer.ContainerId); err == nil {
			signer = c.Provider
		}
		return sim.Signed(data, reporter, signer, &types.MsgRemoveOffers{Operator: signer, ContainerIds: []uint64{offer.ContainerId}})
	}
}

// MsgWithdrawDepositFactory takes back all that is free, or a part.
func MsgWithdrawDepositFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgWithdrawDeposit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgWithdrawDeposit) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgWithdrawDeposit](reporter, err)
		}
		account, ok := sim.Pick(data, reporter, state.Accounts, sim.Any)
		if !ok {
			return nil, nil
		}
		amount := sdk.NewCoin(athtypes.Denom, math.ZeroInt())
		if data.Rand().Bool() {
			amount = uath(data, 1_000)
		}
		return sim.Signed(data, reporter, account.Tenant, &types.MsgWithdrawDeposit{Tenant: account.Tenant, Amount: amount})
	}
}

// MsgCreateLeaseFactory leases a Container that is free: by name, by requirement, or with an Indexer's quote.
func MsgCreateLeaseFactory(k *keeper.Keeper, supply Supply) simsx.SimMsgFactoryFn[*types.MsgCreateLease] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgCreateLease) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgCreateLease](reporter, err)
		}
		offer, ok := sim.Pick(data, reporter, state.Offers, func(o types.Offer) bool {
			status, err := supply.Status(sdkCtx, o.ContainerId)
			return err == nil && status.State == providertypes.ContainerState_CONTAINER_STATE_READY
		})
		if !ok {
			return nil, nil
		}
		tenant := sim.Other(data, reporter, offer.Denied...)
		msg := &types.MsgCreateLease{
			Tenant: tenant, MaxRate: offer.Rate, ManifestHash: sim.Bytes(data),
			// Often enough for a minute only, so that accounts run dry.
			Deposit: sdk.NewCoin(athtypes.Denom, offer.Rate.MulRaw(int64(60+data.Rand().Intn(300))).QuoRaw(1_000_000).AddRaw(1)),
		}
		if data.Rand().Bool() {
			msg.Duration = offer.MinCharge + time.Duration(30+data.Rand().Intn(200))*time.Second
		}
		if data.Rand().Intn(3) == 0 {
			msg.Requirement = &types.Requirement{Class: offer.Class}
		} else {
			msg.Candidates = []uint64{offer.ContainerId}
		}
		msg.Priority = uint32(data.Rand().Intn(3))
		switch data.Rand().Intn(4) {
		case 0, 1:
			if offer.StorageRate.IsPositive() { // with its reserve on top and no end, so that the lease pauses when the rest is used up
				msg.Duration = 0
				msg.Grace = time.Duration(60+data.Rand().Intn(3_600)) * time.Second
				runway := state.Params.MinRunway + time.Duration(data.Rand().Intn(30))*time.Second
				msg.Deposit.Amount = types.UnitsRoundedUp(types.Accrued(offer.Rate, runway).Add(types.Accrued(offer.StorageRate, msg.Grace)))
			}
		case 2:
			msg.Standbys, msg.Requirement = 1, &types.Requirement{Class: offer.Class}
			msg.MaxRate, msg.Deposit.Amount = types.MaxRate, msg.Deposit.Amount.MulRaw(100)
		}
		if terms := offer.Reserved; terms != nil && (offer.ReservedOnly || data.Rand().Bool()) {
			msg.Mode, msg.MaxRate, msg.Grace = types.LeaseMode_LEASE_MODE_RESERVED, terms.Rate, 0
			msg.Duration = terms.MinTerm + time.Duration(data.Rand().Intn(200))*time.Second
			ahead := int64(msg.Duration/time.Second) + 300
			msg.Deposit.Amount, msg.Standbys = types.UnitsRoundedUp(types.Accrued(terms.Rate, time.Duration(ahead)*time.Second)), 0
		}
		msg.Completes = msg.Mode != types.LeaseMode_LEASE_MODE_RESERVED && data.Rand().Bool()
		if !offer.ReservedOnly && data.Rand().Bool() {
			msg.Quote = quote(sdkCtx, data, reporter, msg, offer)
		}
		return sim.Signed(data, reporter, tenant, msg)
	}
}

// MsgCreateLeasesFactory opens a batch of orders by class, among them gangs; some can't be served.
func MsgCreateLeasesFactory(k *keeper.Keeper, supply Supply) simsx.SimMsgFactoryFn[*types.MsgCreateLeases] {
	single := MsgCreateLeaseFactory(k, supply)
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgCreateLeases) {
		signers, first := single(ctx, data, reporter)
		if first == nil {
			return nil, nil
		}
		first.Quote = nil
		if first.Requirement != nil && first.Standbys == 0 && data.Rand().Bool() {
			first.Count = 2
		}
		msg := &types.MsgCreateLeases{Tenant: first.Tenant, Deposit: first.Deposit, Partial: true}
		msg.Deposit.Amount = msg.Deposit.Amount.MulRaw(2)
		first.Deposit = sdk.Coin{}
		for range 1 + data.Rand().Intn(3) {
			msg.Orders = append(msg.Orders, *first)
		}
		return signers, msg
	}
}

// MsgRefreshOffersFactory looks whether offers can be leased.
func MsgRefreshOffersFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRefreshOffers] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRefreshOffers) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgRefreshOffers](reporter, err)
		}
		offer, ok := sim.Pick(data, reporter, state.Offers, sim.Any)
		if !ok {
			return nil, nil
		}
		signer := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, signer, &types.MsgRefreshOffers{Signer: signer, ContainerIds: []uint64{offer.ContainerId}})
	}
}

// quote is an Indexer's answer for this lease.
func quote(ctx sdk.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, msg *types.MsgCreateLease, offer types.Offer) *types.Quote {
	indexer := data.AnyAccount(reporter)
	q := &types.Quote{
		Indexer: indexer.AddressBech32, Candidates: []uint64{offer.ContainerId}, Rates: []math.Int{offer.Rate}, Nonce: data.Rand().Uint64(),
		ExpiresAt: ctx.BlockTime().Add(30 * time.Second), RequirementHash: msg.Wanted().Hash(), Pubkey: indexer.PubKey.Bytes(),
	}
	signature, err := indexer.PrivKey.Sign(q.SignBytes(ctx.ChainID(), msg.Tenant))
	if err != nil {
		reporter.Skip(err.Error())
	}
	q.Signature = signature
	return q
}

// MsgCloseLeaseFactory ends a lease for its tenant or its provider.
func MsgCloseLeaseFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgCloseLease] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgCloseLease) {
		lease, ok := anyLease(ctx, k, data, reporter)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgCloseLease{Signer: lease.Tenant, LeaseId: lease.ID()}
		if data.Rand().Bool() {
			msg.Signer = lease.Provider
			if lease.State == types.LeaseState_LEASE_STATE_RUNNING && lease.Completes && lease.Tenant != lease.Provider {
				msg.ExitCodes = []int32{int32(data.Rand().Intn(3))}
			}
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgUpdateLeaseFactory gives a lease another manifest or priority, and one with an agreed end some more time.
func MsgUpdateLeaseFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgUpdateLease] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateLease) {
		lease, ok := anyLease(ctx, k, data, reporter)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgUpdateLease{Tenant: lease.Tenant, LeaseId: lease.ID(), ManifestHash: sim.Bytes(data), PriorityPlusOne: uint32(data.Rand().Intn(4))}
		msg.Completes = !lease.Prepaid() && data.Rand().Bool()
		if lease.EndsAt != nil && lease.ReclaimAt == nil {
			msg.ExtendBy = time.Duration(data.Rand().Intn(60)) * time.Second
		}
		return sim.Signed(data, reporter, lease.Tenant, msg)
	}
}

// MsgReclaimLeaseFactory gives notice to a lease that has started.
func MsgReclaimLeaseFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgReclaimLease] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgReclaimLease) {
		lease, ok := someLease(ctx, k, data, reporter, func(l types.Lease) bool {
			return l.ReclaimAt == nil && l.State != types.LeaseState_LEASE_STATE_ACTIVE
		})
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, lease.Provider, &types.MsgReclaimLease{Operator: lease.Provider, LeaseId: lease.ID()})
	}
}

// MsgFailoverFactory moves a lease to its standby.
func MsgFailoverFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgFailover] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgFailover) {
		lease, ok := someLease(ctx, k, data, reporter, func(l types.Lease) bool { return len(l.Standbys) > 0 })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, lease.Tenant, &types.MsgFailover{Signer: lease.Tenant, LeaseId: lease.ID()})
	}
}

// MsgResumeLeaseFactory ends a pause with a new deposit.
func MsgResumeLeaseFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgResumeLease] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgResumeLease) {
		lease, ok := someLease(ctx, k, data, reporter, func(l types.Lease) bool { return l.PausedAt != nil })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, lease.Tenant, &types.MsgResumeLease{Tenant: lease.Tenant, LeaseId: lease.ID(), Deposit: uath(data, 200_000)})
	}
}

// MsgSettleFactory settles somebody's lease.
func MsgSettleFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSettle] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSettle) {
		lease, ok := anyLease(ctx, k, data, reporter)
		if !ok {
			return nil, nil
		}
		signer := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, signer, &types.MsgSettle{Signer: signer, LeaseIds: []string{lease.ID()}})
	}
}

// MsgSubmitUsageFactory signs the next record of a lease, up to now.
func MsgSubmitUsageFactory(k *keeper.Keeper, supply Supply) simsx.SimMsgFactoryFn[*types.MsgSubmitUsage] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSubmitUsage) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		fits := sim.Any[types.Lease]
		if data.Rand().Bool() { // what never starts is soon broken: nothing would pause
			fits = func(l types.Lease) bool { return l.StartedAt == nil && l.StandbyOf == 0 }
		}
		lease, ok := someLease(ctx, k, data, reporter, fits)
		if !ok {
			return nil, nil
		}
		if status, err := supply.Status(sdkCtx, lease.ContainerId); err != nil || status.FaultAt != nil {
			return sim.Skip[*types.MsgSubmitUsage](reporter, "its Container is faulty")
		}
		until := sdkCtx.BlockTime()
		if end := lease.AgreedEnd(); end != nil && end.Before(until) {
			until = *end
		}
		from := lease.BoundAt
		if lease.UsageUntil != nil {
			from = *lease.UsageUntil
		}
		if lease.PausedAt != nil || lease.StandbyOf != 0 || until.Before(from) {
			return sim.Skip[*types.MsgSubmitUsage](reporter, "nothing new")
		}
		image, block := sha256.Sum256([]byte("image")), sha256.Sum256([]byte("block"))
		record := types.UsageRecord{
			LeaseId: lease.ID(), Sequence: lease.UsageSequence + 1, From: from, Until: until, ImageDigest: image[:], CpuMs: 1, MemoryMib: 1,
			BlockHeight: sdkCtx.BlockHeight() - 1, BlockHash: block[:], PrevHash: lease.UsageHash,
		}
		record.Signature = ed25519.Sign(sim.WorkerKey(lease.Provider), record.SignBytes(sdkCtx.ChainID()))
		return sim.Signed(data, reporter, lease.Provider, &types.MsgSubmitUsage{Operator: lease.Provider, Records: []types.UsageRecord{record}})
	}
}

// MsgUpdateParamsFactory proposes others.
func MsgUpdateParamsFactory() simsx.SimMsgFactoryFn[*types.MsgUpdateParams] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateParams) {
		return nil, &types.MsgUpdateParams{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Params: RandomParams(data.Rand().Rand),
		}
	}
}

func anyLease(ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) (types.Lease, bool) {
	return someLease(ctx, k, data, reporter, sim.Any)
}

func someLease(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, fits func(types.Lease) bool,
) (types.Lease, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Lease{}, false
	}
	return sim.Pick(data, reporter, state.Leases, fits)
}

// uath returns some coins, up to a bound.
func uath(data *simsx.ChainDataSource, most int) sdk.Coin {
	return sdk.NewCoin(athtypes.Denom, math.NewInt(int64(1+data.Rand().Intn(most))))
}
