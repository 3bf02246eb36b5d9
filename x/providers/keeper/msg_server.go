// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// msgServer parses, authorises and calls the keeper once.
type msgServer struct{ k *Keeper }

// NewMsgServer returns the module's Msg service.
func NewMsgServer(k *Keeper) types.MsgServer { return msgServer{k: k} }

// RegisterProvider makes the signer a provider.
func (s msgServer) RegisterProvider(ctx context.Context, m *types.MsgRegisterProvider) (*types.MsgRegisterProviderResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, payout, p, err := s.profile(m.Owner, m.Payout, m.Operators)
	if err != nil {
		return nil, err
	}
	p.Tier, p.Country, p.Contact, p.Domain = m.Tier, m.Country, m.Contact, m.Domain
	return &types.MsgRegisterProviderResponse{}, s.k.RegisterProvider(sdk.UnwrapSDKContext(ctx), owner, payout, p)
}

// UpdateProvider replaces what an owner may change.
func (s msgServer) UpdateProvider(ctx context.Context, m *types.MsgUpdateProvider) (*types.MsgUpdateProviderResponse, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	owner, payout, p, err := s.profile(m.Owner, m.Payout, m.Operators)
	if err != nil {
		return nil, err
	}
	p.Country, p.Contact, p.Domain = m.Country, m.Contact, m.Domain
	return &types.MsgUpdateProviderResponse{}, s.k.UpdateProvider(sdk.UnwrapSDKContext(ctx), owner, payout, p)
}

// DeregisterProvider removes a provider that left nothing behind.
func (s msgServer) DeregisterProvider(
	ctx context.Context, m *types.MsgDeregisterProvider,
) (*types.MsgDeregisterProviderResponse, error) {
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	return &types.MsgDeregisterProviderResponse{}, s.k.DeregisterProvider(sdk.UnwrapSDKContext(ctx), owner)
}

// RegisterContainers registers Containers and bonds their stake.
func (s msgServer) RegisterContainers(
	goCtx context.Context, m *types.MsgRegisterContainers,
) (*types.MsgRegisterContainersResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	params, err := s.k.Params(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(params.MaxBatch); err != nil {
		return nil, err
	}
	made, stake, err := s.k.RegisterContainers(ctx, owner, m.Containers, m.MaxStake)
	if err != nil {
		return nil, err
	}
	return &types.MsgRegisterContainersResponse{Ids: made, Stake: stake}, nil
}

// UpdateContainer changes how a Container is reached and what was measured of it.
func (s msgServer) UpdateContainer(ctx context.Context, m *types.MsgUpdateContainer) (*types.MsgUpdateContainerResponse, error) {
	operator, err := s.address("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgUpdateContainerResponse{}, s.k.UpdateContainer(sdk.UnwrapSDKContext(ctx), operator, m)
}

// SetMaintenance takes Containers off the market or brings them back.
func (s msgServer) SetMaintenance(ctx context.Context, m *types.MsgSetMaintenance) (*types.MsgSetMaintenanceResponse, error) {
	operator, err := s.address("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgSetMaintenanceResponse{}, s.k.SetMaintenance(sdk.UnwrapSDKContext(ctx), operator, m.Ids, m.On, m.Reason)
}

// RetireContainers ends Containers; their stake unbonds.
func (s msgServer) RetireContainers(ctx context.Context, m *types.MsgRetireContainers) (*types.MsgRetireContainersResponse, error) {
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	stake, err := s.k.RetireContainers(sdk.UnwrapSDKContext(ctx), owner, m.Ids)
	if err != nil {
		return nil, err
	}
	return &types.MsgRetireContainersResponse{Stake: stake}, nil
}

// WithdrawStake pays ripe stake to its owner.
func (s msgServer) WithdrawStake(ctx context.Context, m *types.MsgWithdrawStake) (*types.MsgWithdrawStakeResponse, error) {
	owner, err := s.address("signer", m.Signer)
	if err != nil {
		return nil, err
	}
	if m.Owner != "" {
		if owner, err = s.address("owner", m.Owner); err != nil {
			return nil, err
		}
	}
	paid, err := s.k.WithdrawStake(sdk.UnwrapSDKContext(ctx), owner)
	if err != nil {
		return nil, err
	}
	return &types.MsgWithdrawStakeResponse{Amount: paid}, nil
}

// Heartbeat notes that workers live.
func (s msgServer) Heartbeat(ctx context.Context, m *types.MsgHeartbeat) (*types.MsgHeartbeatResponse, error) {
	operator, err := s.address("operator", m.Operator)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgHeartbeatResponse{}, s.k.Heartbeat(sdk.UnwrapSDKContext(ctx), operator, m.Ids, m.Faults)
}

// SetClasses adds or replaces classes of the catalogue.
func (s msgServer) SetClasses(goCtx context.Context, m *types.MsgSetClasses) (*types.MsgSetClassesResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgSetClassesResponse{}, s.k.SetClasses(ctx, m.Classes)
}

// UpdateParams replaces the parameters.
func (s msgServer) UpdateParams(goCtx context.Context, m *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	return &types.MsgUpdateParamsResponse{}, s.k.SetParams(ctx, m.Params)
}

// profile parses the addresses of a provider, and writes them in one form only: comparisons are of strings.
func (s msgServer) profile(owner, payout string, operators []string) (sdk.AccAddress, sdk.AccAddress, types.Provider, error) {
	ownerAddr, err := s.address("owner", owner)
	if err != nil {
		return nil, nil, types.Provider{}, err
	}
	payoutAddr := ownerAddr
	if payout != "" {
		if payoutAddr, err = s.address("payout", payout); err != nil {
			return nil, nil, types.Provider{}, err
		}
	}
	p := types.Provider{Owner: s.k.text(ownerAddr), Payout: s.k.text(payoutAddr)}
	seen := map[string]struct{}{p.Owner: {}}
	for _, o := range operators {
		addr, err := s.address("operators", o)
		if err != nil {
			return nil, nil, types.Provider{}, err
		}
		text := s.k.text(addr)
		if _, ok := seen[text]; ok {
			return nil, nil, types.Provider{}, types.ErrInvalidField.Wrapf("operators: %s is named twice, or the owner, who needs not be named", text)
		}
		seen[text] = struct{}{}
		p.Operators = append(p.Operators, text)
	}
	return ownerAddr, payoutAddr, p, nil
}

func (s msgServer) address(field, text string) (sdk.AccAddress, error) {
	addr, err := s.k.addresses.StringToBytes(text)
	if err != nil {
		return nil, types.ErrInvalidField.Wrapf("%s: %v", field, err)
	}
	return addr, nil
}
