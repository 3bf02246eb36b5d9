// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

func (s msgServer) RegisterGateway(goCtx context.Context, msg *types.MsgRegisterGateway) (*types.MsgRegisterGatewayResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, msg.Authority); err != nil {
		return nil, types.ErrUnauthorized.Wrapf("authority: %v", err)
	}
	gateway, err := s.k.address("gateway", msg.Gateway)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgRegisterGatewayResponse{}, s.k.RegisterGateway(ctx, gateway, msg)
}

func (s msgServer) RemoveGateway(goCtx context.Context, msg *types.MsgRemoveGateway) (*types.MsgRemoveGatewayResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, msg.Authority); err != nil {
		return nil, types.ErrUnauthorized.Wrapf("authority: %v", err)
	}
	gateway, err := s.k.address("gateway", msg.Gateway)
	if err != nil {
		return nil, err
	}
	return &types.MsgRemoveGatewayResponse{}, s.k.RemoveGateway(ctx, gateway)
}

func (s msgServer) FundFloat(goCtx context.Context, msg *types.MsgFundFloat) (*types.MsgFundFloatResponse, error) {
	depositor, err := s.k.address("depositor", msg.Depositor)
	if err != nil {
		return nil, err
	}
	gateway := depositor
	if msg.Gateway != "" {
		if gateway, err = s.k.address("gateway", msg.Gateway); err != nil {
			return nil, err
		}
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	balance, err := s.k.FundFloat(sdk.UnwrapSDKContext(goCtx), depositor, gateway, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgFundFloatResponse{Balance: balance}, nil
}

func (s msgServer) WithdrawFloat(goCtx context.Context, msg *types.MsgWithdrawFloat) (*types.MsgWithdrawFloatResponse, error) {
	gateway, err := s.k.address("gateway", msg.Gateway)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	paid, err := s.k.WithdrawFloat(sdk.UnwrapSDKContext(goCtx), gateway, msg.Amount)
	if err != nil {
		return nil, err
	}
	return &types.MsgWithdrawFloatResponse{Amount: paid}, nil
}

func (s msgServer) GrantCredit(goCtx context.Context, msg *types.MsgGrantCredit) (*types.MsgGrantCreditResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	gateway, customer, err := s.k.pair("gateway", msg.Gateway, "customer", msg.Customer)
	if err != nil {
		return nil, err
	}
	if err := msg.Validate(ctx.BlockTime()); err != nil {
		return nil, err
	}
	line, err := s.k.GrantCredit(ctx, gateway, customer, msg)
	if err != nil {
		return nil, err
	}
	return &types.MsgGrantCreditResponse{Line: line}, nil
}

func (s msgServer) RevokeCredit(goCtx context.Context, msg *types.MsgRevokeCredit) (*types.MsgRevokeCreditResponse, error) {
	gateway, customer, err := s.k.pair("gateway", msg.Gateway, "customer", msg.Customer)
	if err != nil {
		return nil, err
	}
	return &types.MsgRevokeCreditResponse{}, s.k.RevokeCredit(sdk.UnwrapSDKContext(goCtx), gateway, customer)
}
