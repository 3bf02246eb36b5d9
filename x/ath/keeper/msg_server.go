// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

type msgServer struct{ k *Keeper }

// NewMsgServer serves the module's messages.
func NewMsgServer(k *Keeper) types.MsgServer { return msgServer{k} }

// Claim implements types.MsgServer; anybody may claim for a beneficiary.
func (s msgServer) Claim(goCtx context.Context, msg *types.MsgClaim) (*types.MsgClaimResponse, error) {
	if err := msg.Validate(); err != nil {
		return nil, err
	}
	beneficiary, err := s.beneficiary(msg.Signer, msg.Beneficiary)
	if err != nil {
		return nil, err
	}
	claimed, ripe, err := s.k.Claim(sdk.UnwrapSDKContext(goCtx), beneficiary, msg.Ledgers, msg.Containers)
	if err != nil {
		return nil, err
	}
	return &types.MsgClaimResponse{Claimed: claimed, Ripe: ripe}, nil
}

// Withdraw implements types.MsgServer; anybody may trigger it, the coins go to the beneficiary's payout address.
func (s msgServer) Withdraw(goCtx context.Context, msg *types.MsgWithdraw) (*types.MsgWithdrawResponse, error) {
	beneficiary, err := s.beneficiary(msg.Signer, msg.Beneficiary)
	if err != nil {
		return nil, err
	}
	coins, more, err := s.k.WithdrawIncome(sdk.UnwrapSDKContext(goCtx), beneficiary)
	if err != nil {
		return nil, err
	}
	return &types.MsgWithdrawResponse{Amount: coins, More: more}, nil
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

// beneficiary is whom a message is about: the signer where the field is empty.
func (s msgServer) beneficiary(signer, beneficiary string) (sdk.AccAddress, error) {
	from, err := s.k.addresses.StringToBytes(signer)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("signer: %s", err)
	}
	if beneficiary == "" {
		return from, nil
	}
	address, err := s.k.addresses.StringToBytes(beneficiary)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("beneficiary: %s", err)
	}
	return address, nil
}
