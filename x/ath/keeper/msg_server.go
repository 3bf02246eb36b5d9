// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

type msgServer struct{ k *Keeper }

// NewMsgServer serves the module's messages.
func NewMsgServer(k *Keeper) types.MsgServer { return msgServer{k} }

// Claim implements types.MsgServer; anybody may claim for a beneficiary, who alone may choose early exits.
func (s msgServer) Claim(goCtx context.Context, msg *types.MsgClaim) (*types.MsgClaimResponse, error) {
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	beneficiary, own, err := s.beneficiary(msg.Signer, msg.Beneficiary)
	if err != nil {
		return nil, err
	}
	if len(msg.Exits) > 0 && !own {
		return nil, types.ErrExitByOther.Wrapf("exits: %s must sign for them itself", msg.Beneficiary)
	}
	res, err := s.k.Claim(sdk.UnwrapSDKContext(goCtx), beneficiary, msg.Ledgers, msg.Containers, msg.Exits)
	if err != nil {
		return nil, err
	}
	return &res, nil
}

// Exit implements types.MsgServer.
func (s msgServer) Exit(goCtx context.Context, msg *types.MsgExit) (*types.MsgExitResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	beneficiary, err := s.k.addresses.StringToBytes(msg.Beneficiary)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("beneficiary: %s", err)
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	option, err := params.Exit(msg.Ledger, msg.Delay, msg.PenaltyPpm)
	if err != nil {
		return nil, err
	}
	exit, more, err := s.k.Exit(ctx, beneficiary, msg.Ledger, option, msg.ExitDenom(), msg.Limit())
	if err != nil {
		return nil, err
	}
	return &types.MsgExitResponse{Amount: exit.Amount, Penalty: exit.Penalty, More: more}, nil
}

// Withdraw implements types.MsgServer; anybody may trigger it, the coins go to the beneficiary's payout address. Only the
// beneficiary may stake them.
func (s msgServer) Withdraw(goCtx context.Context, msg *types.MsgWithdraw) (*types.MsgWithdrawResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	beneficiary, own, err := s.beneficiary(msg.Signer, msg.Beneficiary)
	if err != nil {
		return nil, err
	}
	res := &types.MsgWithdrawResponse{Staked: math.ZeroInt()}
	switch {
	case msg.Stake == "":
		res.Amount, res.More, err = s.k.WithdrawIncome(ctx, beneficiary)
	case !own:
		err = types.ErrStake.Wrapf("stake: %s must sign for it itself", msg.Beneficiary)
	default:
		res.Amount, res.Staked, res.More, err = s.k.WithdrawAndStake(ctx, beneficiary, msg.Stake)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// SetBeaconKey implements types.MsgServer.
func (s msgServer) SetBeaconKey(goCtx context.Context, msg *types.MsgSetBeaconKey) (*types.MsgSetBeaconKeyResponse, error) {
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	operator, err := s.k.validators.ValidatorAddressCodec().StringToBytes(msg.Operator)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("operator: %s", err)
	}
	from, err := s.k.SetBeaconKey(sdk.UnwrapSDKContext(goCtx), operator, msg.Pubkey, msg.Possession)
	if err != nil {
		return nil, err
	}
	return &types.MsgSetBeaconKeyResponse{FromEpoch: from}, nil
}

// Spend implements types.MsgServer.
func (s msgServer) Spend(goCtx context.Context, msg *types.MsgSpend) (*types.MsgSpendResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, msg.Authority); err != nil {
		return nil, err
	}
	recipient, err := s.k.addresses.StringToBytes(msg.Recipient)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("recipient: %s", err)
	}
	if err := s.k.Spend(ctx, msg.Source, recipient, msg.Amount); err != nil {
		return nil, err
	}
	return &types.MsgSpendResponse{}, nil
}

// UpdateParams implements types.MsgServer.
func (s msgServer) UpdateParams(goCtx context.Context, msg *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, msg.Authority); err != nil {
		return nil, err
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgUpdateParamsResponse{}, s.k.params.Set(ctx, msg.Params)
}

// beneficiary is whom a message is about, the signer where the field is empty, and whether that is who signed.
func (s msgServer) beneficiary(signer, beneficiary string) (sdk.AccAddress, bool, error) {
	from, err := s.k.addresses.StringToBytes(signer)
	if err != nil {
		return nil, false, types.ErrInvalidAddress.Wrapf("signer: %s", err)
	}
	if beneficiary == "" {
		return from, true, nil
	}
	address, err := s.k.addresses.StringToBytes(beneficiary)
	if err != nil {
		return nil, false, types.ErrInvalidAddress.Wrapf("beneficiary: %s", err)
	}
	return address, bytes.Equal(from, address), nil
}
