// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// msgServer parses, authorises and calls the keeper once.
type msgServer struct{ k *Keeper }

// NewMsgServer returns the module's Msg service.
func NewMsgServer(k *Keeper) types.MsgServer { return msgServer{k: k} }

// BuyLicences bonds new licences for the signer.
func (s msgServer) BuyLicences(ctx context.Context, m *types.MsgBuyLicences) (*types.MsgBuyLicencesResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	operator, err := s.optionalAddress("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	ids, err := s.k.BuyLicences(sdk.UnwrapSDKContext(ctx), owner, m.Count, operator)
	return &types.MsgBuyLicencesResponse{Ids: ids}, err
}

// EndLicences ends licences of the signer.
func (s msgServer) EndLicences(ctx context.Context, m *types.MsgEndLicences) (*types.MsgEndLicencesResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	return &types.MsgEndLicencesResponse{}, s.k.EndLicences(sdk.UnwrapSDKContext(ctx), owner, m.Ids)
}

// WithdrawBonds pays ripe bonds to their owner, whoever asks.
func (s msgServer) WithdrawBonds(ctx context.Context, m *types.MsgWithdrawBonds) (*types.MsgWithdrawBondsResponse, error) {
	owner, err := s.address("signer", m.Signer)
	if err != nil {
		return nil, err
	}
	if m.Owner != "" {
		if owner, err = s.address("owner", m.Owner); err != nil {
			return nil, err
		}
	}
	paid, more, err := s.k.WithdrawBonds(sdk.UnwrapSDKContext(ctx), owner)
	return &types.MsgWithdrawBondsResponse{Amount: paid, More: more}, err
}

// TransferLicences gives licences of the signer to a new owner.
func (s msgServer) TransferLicences(ctx context.Context, m *types.MsgTransferLicences) (*types.MsgTransferLicencesResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	recipient, err := s.address("recipient", m.Recipient)
	if err != nil {
		return nil, err
	}
	return &types.MsgTransferLicencesResponse{}, s.k.TransferLicences(sdk.UnwrapSDKContext(ctx), owner, recipient, m.Ids)
}

// DelegateLicences offers licences of the signer to an operator, or takes them back.
func (s msgServer) DelegateLicences(ctx context.Context, m *types.MsgDelegateLicences) (*types.MsgDelegateLicencesResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	operator, err := s.optionalAddress("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	return &types.MsgDelegateLicencesResponse{}, s.k.DelegateLicences(sdk.UnwrapSDKContext(ctx), owner, operator, m.Ids)
}

// AcceptLicences accepts what was offered to the signer.
func (s msgServer) AcceptLicences(ctx context.Context, m *types.MsgAcceptLicences) (*types.MsgAcceptLicencesResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	operator, err := s.address("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	return &types.MsgAcceptLicencesResponse{}, s.k.AcceptLicences(sdk.UnwrapSDKContext(ctx), operator, m.Ids)
}

// SubmitReport opens the signer's report on the last round and seals the one on the running round.
func (s msgServer) SubmitReport(ctx context.Context, m *types.MsgSubmitReport) (*types.MsgSubmitReportResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	operator, err := s.address("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	return &types.MsgSubmitReportResponse{}, s.k.SubmitReport(sdk.UnwrapSDKContext(ctx), operator, Submission{
		Round: m.Round, Commit: m.Commit, Reveal: m.Reveal, Salt: m.Salt,
	})
}

// UpdateParams replaces the parameters; authority only.
func (s msgServer) UpdateParams(goCtx context.Context, m *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, m.Authority); err != nil {
		return nil, types.ErrUnauthorized.Wrapf("authority: %v", err)
	}
	return &types.MsgUpdateParamsResponse{}, s.k.SetParams(ctx, m.Params)
}

func (s msgServer) address(field, text string) (sdk.AccAddress, error) {
	addr, err := s.k.addresses.StringToBytes(text)
	if err != nil {
		return nil, types.ErrInvalidAddress.Wrapf("%s: %q: %v", field, text, err)
	}
	return addr, nil
}

func (s msgServer) optionalAddress(field, text string) (sdk.AccAddress, error) {
	if text == "" {
		return nil, nil
	}
	return s.address(field, text)
}
