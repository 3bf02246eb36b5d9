// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/providers/types"
)

// riskTickets bounds the tickets in an answer about a provider's risk.
const riskTickets = 100

// TopUpStake adds what Containers lack of their stake.
func (s msgServer) TopUpStake(ctx context.Context, m *types.MsgTopUpStake) (*types.MsgTopUpStakeResponse, error) {
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	added, err := s.k.TopUpStake(sdk.UnwrapSDKContext(ctx), owner, m.Ids, m.MaxStake)
	if err != nil {
		return nil, err
	}
	return &types.MsgTopUpStakeResponse{Stake: added}, nil
}

// OpenTicket claims damage of a provider.
func (s msgServer) OpenTicket(goCtx context.Context, m *types.MsgOpenTicket) (*types.MsgOpenTicketResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := sdk.ValidateAuthority(ctx, s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	t, err := s.k.OpenTicket(ctx, m.Damage())
	if err != nil {
		return nil, err
	}
	return &types.MsgOpenTicketResponse{Id: t.Id, Amount: t.Amount}, nil
}

// PayTicket pays an open ticket.
func (s msgServer) PayTicket(ctx context.Context, m *types.MsgPayTicket) (*types.MsgPayTicketResponse, error) {
	owner, err := s.address("owner", m.Owner)
	if err != nil {
		return nil, err
	}
	paid, err := s.k.PayTicket(sdk.UnwrapSDKContext(ctx), owner, m.Id)
	if err != nil {
		return nil, err
	}
	return &types.MsgPayTicketResponse{Amount: paid}, nil
}

// SettleTickets lets tickets run out whose deadline has passed.
func (s msgServer) SettleTickets(ctx context.Context, m *types.MsgSettleTickets) (*types.MsgSettleTicketsResponse, error) {
	if _, err := s.address("signer", m.Signer); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	taken, err := s.k.SettleTickets(sdk.UnwrapSDKContext(ctx), m.Ids)
	if err != nil {
		return nil, err
	}
	return &types.MsgSettleTicketsResponse{Amount: taken}, nil
}

// Ticket returns a ticket that has not ended.
func (s queryServer) Ticket(ctx context.Context, r *types.QueryTicketRequest) (*types.QueryTicketResponse, error) {
	t, err := s.k.Ticket(sdk.UnwrapSDKContext(ctx), r.Id)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryTicketResponse{Ticket: t}, nil
}

// Tickets pages through tickets of one provider, of those that owe an account something, or of all.
func (s queryServer) Tickets(ctx context.Context, r *types.QueryTicketsRequest) (*types.QueryTicketsResponse, error) {
	switch {
	case r.Beneficiary != "" && r.Provider != "":
		return nil, status.Error(codes.InvalidArgument, "beneficiary: not together with provider: leave one out")
	case r.Beneficiary != "":
		return s.ticketsFor(ctx, r)
	case r.Provider == "":
		out, page, err := query.CollectionPaginate(ctx, s.k.tickets, bounded(r.Pagination),
			func(_ uint64, t types.Ticket) (types.Ticket, error) { return t, nil })
		if err != nil {
			return nil, err
		}
		return &types.QueryTicketsResponse{Tickets: out, Pagination: page}, nil
	}
	owner, err := s.k.addresses.StringToBytes(r.Provider)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "provider: %v", err)
	}
	out, page, err := s.ticketsOf(sdk.UnwrapSDKContext(ctx), owner, bounded(r.Pagination))
	if err != nil {
		return nil, err
	}
	return &types.QueryTicketsResponse{Tickets: out, Pagination: page}, nil
}

// ticketsFor are the tickets that owe an account something.
func (s queryServer) ticketsFor(ctx context.Context, r *types.QueryTicketsRequest) (*types.QueryTicketsResponse, error) {
	beneficiary, err := s.k.addresses.StringToBytes(r.Beneficiary)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "beneficiary: %v", err)
	}
	out, page, err := query.CollectionPaginate(ctx, s.k.claims, bounded(r.Pagination),
		func(key claimKey, _ collections.NoValue) (types.Ticket, error) {
			return s.k.Ticket(sdk.UnwrapSDKContext(ctx), key.K2())
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](beneficiary))
	if err != nil {
		return nil, err
	}
	return &types.QueryTicketsResponse{Tickets: out, Pagination: page}, nil
}

func (s queryServer) ticketsOf(ctx sdk.Context, owner sdk.AccAddress, p *query.PageRequest) ([]types.Ticket, *query.PageResponse, error) {
	return query.CollectionPaginate(ctx, s.k.tickets.Indexes.provider, p,
		func(key collections.Pair[sdk.AccAddress, uint64], _ collections.NoValue) (types.Ticket, error) {
			return s.k.Ticket(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](owner))
}

// Risk says what a provider may lose.
func (s queryServer) Risk(goCtx context.Context, r *types.QueryRiskRequest) (*types.QueryRiskResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	owner, err := s.k.addresses.StringToBytes(r.Owner)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "owner: %v", err)
	}
	if _, err := s.k.Provider(ctx, owner); err != nil {
		return nil, grpcError(err)
	}
	res := &types.QueryRiskResponse{Stake: math.ZeroInt(), Held: math.ZeroInt()}
	if res.Income, res.Unbonding, err = s.k.vault.Slashable(ctx, owner); err != nil {
		return nil, err
	}
	if res.Tickets, _, err = s.ticketsOf(ctx, owner, &query.PageRequest{Limit: riskTickets}); err != nil {
		return nil, err
	}
	for _, t := range res.Tickets {
		res.Held = res.Held.Add(t.Amount)
		if deadline := t.Deadline; res.NextDeadline == nil || deadline.Before(*res.NextDeadline) {
			res.NextDeadline = &deadline
		}
	}
	res.Containers, res.Pagination, err = query.CollectionPaginate(ctx, s.k.containers.Indexes.provider, bounded(r.Pagination),
		func(key collections.Pair[sdk.AccAddress, uint64], _ collections.NoValue) (types.ContainerRisk, error) {
			return s.containerRisk(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](owner))
	if err != nil {
		return nil, err
	}
	for _, c := range res.Containers {
		res.Stake = res.Stake.Add(c.Bonded)
	}
	return res, nil
}

func (s queryServer) containerRisk(ctx sdk.Context, id uint64) (types.ContainerRisk, error) {
	c, err := s.k.Container(ctx, id)
	if err != nil {
		return types.ContainerRisk{}, err
	}
	st, err := s.k.Status(ctx, id)
	if err != nil {
		return types.ContainerRisk{}, err
	}
	stake, bonded, err := s.k.stakeOf(ctx, c)
	return types.ContainerRisk{
		Container: id, Required: stake.Required, Bonded: bonded, Held: stake.Held, UnderStaked: st.UnderStaked, Weight: st.Weight,
	}, err
}
