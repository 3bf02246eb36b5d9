// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// pair parses two address fields.
func (k *Keeper) pair(field1, bech1, field2, bech2 string) (first, second sdk.AccAddress, err error) {
	if first, err = k.address(field1, bech1); err != nil {
		return nil, nil, err
	}
	second, err = k.address(field2, bech2)
	return first, second, err
}

// depositFromGrant serves a valid MsgDeposit that names a granter.
func (s msgServer) depositFromGrant(ctx sdk.Context, tenant sdk.AccAddress, msg *types.MsgDeposit) (*types.MsgDepositResponse, error) {
	granter, err := s.k.address("granter", msg.Granter)
	if err != nil {
		return nil, err
	}
	balance, err := s.k.DepositFromGrant(ctx, granter, tenant, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgDepositResponse{Balance: balance}, nil
}

func (s msgServer) ReclaimDeposit(goCtx context.Context, msg *types.MsgReclaimDeposit) (*types.MsgReclaimDepositResponse, error) {
	signer, tenant, err := s.k.pair("signer", msg.Signer, "tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	depositor := signer
	if msg.Depositor != "" {
		if depositor, err = s.k.address("depositor", msg.Depositor); err != nil {
			return nil, err
		}
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	amount, err := s.k.ReclaimDeposit(sdk.UnwrapSDKContext(goCtx), signer, tenant, depositor, msg.Amount, msg.Source)
	if err != nil {
		return nil, err
	}
	return &types.MsgReclaimDepositResponse{Amount: amount}, nil
}

func (s msgServer) GrantDeposit(goCtx context.Context, msg *types.MsgGrantDeposit) (*types.MsgGrantDepositResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	granter, grantee, err := s.k.pair("granter", msg.Granter, "grantee", msg.Grantee)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(ctx.BlockTime()); err != nil {
		return nil, err
	}
	nonce, err := s.k.GrantDeposit(ctx, granter, grantee, msg)
	if err != nil {
		return nil, err
	}
	return &types.MsgGrantDepositResponse{Nonce: nonce}, nil
}

func (s msgServer) RevokeDepositGrant(goCtx context.Context, msg *types.MsgRevokeDepositGrant) (*types.MsgRevokeDepositGrantResponse, error) {
	signer, err := s.k.address("signer", msg.Signer)
	if err != nil {
		return nil, err
	}
	granter, grantee, err := s.k.pair("granter", msg.Granter, "grantee", msg.Grantee)
	if err != nil {
		return nil, err
	}
	return &types.MsgRevokeDepositGrantResponse{}, s.k.RevokeGrant(sdk.UnwrapSDKContext(goCtx), signer, granter, grantee)
}

func (s msgServer) SetRefill(goCtx context.Context, msg *types.MsgSetRefill) (*types.MsgSetRefillResponse, error) {
	tenant, err := s.k.address("tenant", msg.Tenant)
	if err != nil {
		return nil, err
	}
	var granter sdk.AccAddress
	if msg.Granter != "" {
		if granter, err = s.k.address("granter", msg.Granter); err != nil {
			return nil, err
		}
	}
	return &types.MsgSetRefillResponse{}, s.k.SetRefill(sdk.UnwrapSDKContext(goCtx), tenant, granter)
}

func (s msgServer) SetSubAccount(goCtx context.Context, msg *types.MsgSetSubAccount) (*types.MsgSetSubAccountResponse, error) {
	parent, sub, err := s.k.pair("parent", msg.Parent, "sub", msg.Sub)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgSetSubAccountResponse{}, s.k.SetSubAccount(sdk.UnwrapSDKContext(goCtx), parent, sub, msg.Limit)
}

func (s msgServer) FundSubAccount(goCtx context.Context, msg *types.MsgFundSubAccount) (*types.MsgFundSubAccountResponse, error) {
	parent, sub, err := s.k.pair("parent", msg.Parent, "sub", msg.Sub)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	balance, err := s.k.FundSubAccount(sdk.UnwrapSDKContext(goCtx), parent, sub, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgFundSubAccountResponse{Balance: balance}, nil
}
