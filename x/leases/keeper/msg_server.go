// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	errorsmod "cosmossdk.io/errors"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

type msgServer struct{ k *Keeper }

// NewMsgServer serves the messages.
func NewMsgServer(k *Keeper) types.MsgServer { return msgServer{k} }

// address parses an address field.
func (k *Keeper) address(field, bech32 string) (sdk.AccAddress, error) {
	addr, err := k.addresses.StringToBytes(bech32)
	if err != nil {
		return nil, types.ErrInvalidField.Wrapf("%s: %v", field, err)
	}
	return addr, nil
}

func (s msgServer) SetOffers(goCtx context.Context, msg *types.MsgSetOffers) (*types.MsgSetOffersResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	operator, err := s.k.address("operator", msg.Operator)
	if err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(params); err != nil {
		return nil, err
	}
	return &types.MsgSetOffersResponse{}, s.k.SetOffers(ctx, operator, msg.Offers)
}

func (s msgServer) RemoveOffers(goCtx context.Context, msg *types.MsgRemoveOffers) (*types.MsgRemoveOffersResponse, error) {
	operator, err := s.k.address("operator", msg.Operator)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgRemoveOffersResponse{}, s.k.RemoveOffers(sdk.UnwrapSDKContext(goCtx), operator, msg.ContainerIds)
}

func (s msgServer) RefreshOffers(goCtx context.Context, msg *types.MsgRefreshOffers) (*types.MsgRefreshOffersResponse, error) {
	if _, err := s.k.address("signer", msg.Signer); err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	listed, delisted, err := s.k.RefreshOffers(sdk.UnwrapSDKContext(goCtx), msg.ContainerIds)
	return &types.MsgRefreshOffersResponse{Listed: listed, Delisted: delisted}, err
}

func (s msgServer) Deposit(goCtx context.Context, msg *types.MsgDeposit) (*types.MsgDepositResponse, error) {
	depositor, err := s.k.address("depositor", msg.Depositor)
	if err != nil {
		return nil, err
	}
	tenant := depositor
	if msg.Tenant != "" {
		if tenant, err = s.k.address("tenant", msg.Tenant); err != nil {
			return nil, err
		}
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	if msg.Granter != "" {
		return s.depositFromGrant(sdk.UnwrapSDKContext(goCtx), depositor, msg)
	}
	balance, err := s.k.Deposit(sdk.UnwrapSDKContext(goCtx), depositor, tenant, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgDepositResponse{Balance: balance}, nil
}

func (s msgServer) WithdrawDeposit(goCtx context.Context, msg *types.MsgWithdrawDeposit) (*types.MsgWithdrawDepositResponse, error) {
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	paid, err := s.k.Withdraw(sdk.UnwrapSDKContext(goCtx), tenant, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgWithdrawDepositResponse{Amount: paid}, nil
}

func (s msgServer) CreateLease(goCtx context.Context, msg *types.MsgCreateLease) (*types.MsgCreateLeaseResponse, error) {
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	leases, err := s.k.CreateLease(sdk.UnwrapSDKContext(goCtx), tenant, msg)
	if err != nil {
		return nil, err
	}
	first := leases[0].Opening()
	res := &types.MsgCreateLeaseResponse{LeaseId: first.LeaseId, ContainerId: first.ContainerId, Rate: first.Rate}
	switch {
	case msg.Standbys > 0:
		res.Standbys = openings(leases[1:])
	case len(leases) > 1:
		res.Gang = openings(leases)
	}
	return res, nil
}

func openings(leases []types.Lease) []types.OpenedLease {
	opened := make([]types.OpenedLease, len(leases))
	for i, lease := range leases {
		opened[i] = lease.Opening()
	}
	return opened
}

func (s msgServer) CreateLeases(goCtx context.Context, msg *types.MsgCreateLeases) (*types.MsgCreateLeasesResponse, error) {
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	served, err := s.k.CreateLeases(sdk.UnwrapSDKContext(goCtx), tenant, msg.Deposit, msg.Orders, msg.Partial)
	if err != nil {
		return nil, err
	}
	res := &types.MsgCreateLeasesResponse{Results: make([]types.OrderResult, len(served))}
	for i, order := range served {
		res.Results[i].Leases = openings(order.Leases)
		if order.Err != nil {
			res.Results[i].Error = order.Err.Error()
		}
	}
	return res, nil
}

func (s msgServer) CloseLease(goCtx context.Context, msg *types.MsgCloseLease) (*types.MsgCloseLeaseResponse, error) {
	signer, err := s.k.address("signer", msg.Signer)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	id, err := types.ParseLeaseID(msg.LeaseId)
	if err != nil {
		return nil, err
	}
	receipt, err := s.k.CloseLease(sdk.UnwrapSDKContext(goCtx), signer, id, msg.Reason,
		&types.Said{ExitCodes: msg.ExitCodes, Statement: msg.Statement})
	if err != nil {
		return nil, err
	}
	return &types.MsgCloseLeaseResponse{Receipt: receipt}, nil
}

func (s msgServer) UpdateLease(goCtx context.Context, msg *types.MsgUpdateLease) (*types.MsgUpdateLeaseResponse, error) {
	id, err := s.tenants(msg.Tenant, msg.LeaseId)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	lease, err := s.k.UpdateLease(sdk.UnwrapSDKContext(goCtx), id, msg)
	if err != nil {
		return nil, err
	}
	return &types.MsgUpdateLeaseResponse{Lease: lease}, nil
}

// tenants parses a lease id that must be the signing tenant's own.
func (s msgServer) tenants(signer, leaseID string) (types.LeaseID, error) {
	tenant, err := s.k.address("tenant", signer)
	if err != nil {
		return types.LeaseID{}, err
	}
	id, err := types.ParseLeaseID(leaseID)
	if err == nil && !id.Tenant.Equals(tenant) {
		err = types.ErrUnauthorized.Wrapf("tenant: %s is not the tenant of %s", signer, leaseID)
	}
	return id, err
}

func (s msgServer) ReclaimLease(goCtx context.Context, msg *types.MsgReclaimLease) (*types.MsgReclaimLeaseResponse, error) {
	operator, err := s.k.address("operator", msg.Operator)
	if err != nil {
		return nil, err
	}
	id, err := types.ParseLeaseID(msg.LeaseId)
	if err != nil {
		return nil, err
	}
	at, err := s.k.ReclaimLease(sdk.UnwrapSDKContext(goCtx), operator, id)
	return &types.MsgReclaimLeaseResponse{ReclaimAt: at}, err
}

func (s msgServer) Failover(goCtx context.Context, msg *types.MsgFailover) (*types.MsgFailoverResponse, error) {
	signer, err := s.k.address("signer", msg.Signer)
	if err != nil {
		return nil, err
	}
	id, err := types.ParseLeaseID(msg.LeaseId)
	if err != nil {
		return nil, err
	}
	lease, err := s.k.Failover(sdk.UnwrapSDKContext(goCtx), signer, id, msg.Standby)
	if err != nil {
		return nil, err
	}
	return &types.MsgFailoverResponse{ContainerId: lease.ContainerId}, nil
}

func (s msgServer) ResumeLease(goCtx context.Context, msg *types.MsgResumeLease) (*types.MsgResumeLeaseResponse, error) {
	id, err := s.tenants(msg.Tenant, msg.LeaseId)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	paid, err := s.k.ResumeLease(sdk.UnwrapSDKContext(goCtx), id, msg.Deposit)
	if err != nil {
		return nil, err
	}
	return &types.MsgResumeLeaseResponse{Paid: paid}, nil
}

func (s msgServer) Settle(goCtx context.Context, msg *types.MsgSettle) (*types.MsgSettleResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if _, err := s.k.address("signer", msg.Signer); err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	paid := make([]sdk.Coin, len(msg.LeaseIds))
	for i, text := range msg.LeaseIds {
		id, err := types.ParseLeaseID(text)
		if err != nil {
			return nil, errorsmod.Wrapf(err, "lease_ids[%d]", i)
		}
		if paid[i], err = s.k.Settle(ctx, id); err != nil {
			return nil, errorsmod.Wrapf(err, "lease_ids[%d]", i)
		}
	}
	return &types.MsgSettleResponse{Paid: paid}, nil
}

func (s msgServer) SubmitUsage(goCtx context.Context, msg *types.MsgSubmitUsage) (*types.MsgSubmitUsageResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	operator, err := s.k.address("operator", msg.Operator)
	if err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(params); err != nil {
		return nil, err
	}
	return &types.MsgSubmitUsageResponse{}, s.k.SubmitUsage(ctx, operator, msg.Records)
}

func (s msgServer) OpenChannels(goCtx context.Context, msg *types.MsgOpenChannels) (*types.MsgOpenChannelsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(ctx.BlockTime(), params); err != nil {
		return nil, err
	}
	first, err := s.k.OpenChannels(ctx, tenant, msg, params)
	return &types.MsgOpenChannelsResponse{First: first}, err
}

func (s msgServer) TopUpChannel(goCtx context.Context, msg *types.MsgTopUpChannel) (*types.MsgTopUpChannelResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(params); err != nil {
		return nil, err
	}
	channel, err := s.k.TopUpChannel(ctx, tenant, msg, params)
	return &types.MsgTopUpChannelResponse{Channel: channel}, err
}

func (s msgServer) CloseChannels(goCtx context.Context, msg *types.MsgCloseChannels) (*types.MsgCloseChannelsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	signer, err := s.k.address("signer", msg.Signer)
	if err != nil {
		return nil, err
	}
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.MsgCloseChannelsResponse{}
	for i, number := range msg.Numbers {
		refunded, err := s.k.CloseChannel(ctx, signer, tenant, number, params)
		if err != nil {
			return nil, errorsmod.Wrapf(err, "numbers[%d]", i)
		}
		res.Refunded += refunded
	}
	return res, nil
}

func (s msgServer) Redeem(goCtx context.Context, msg *types.MsgRedeem) (*types.MsgRedeemResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if _, err := s.k.address("signer", msg.Signer); err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(params); err != nil {
		return nil, err
	}
	paid, channels, err := s.k.Redeem(ctx, msg.Vouchers, params)
	return &types.MsgRedeemResponse{Paid: paid, Channels: channels}, err
}

func (s msgServer) UpdateParams(goCtx context.Context, msg *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, msg.Authority); err != nil {
		return nil, types.ErrUnauthorized.Wrapf("authority: %v", err)
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgUpdateParamsResponse{}, s.k.params.Set(ctx, msg.Params)
}
