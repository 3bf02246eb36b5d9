// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// openStack loads an account and counts whose money it holds.
func (s queryServer) openStack(ctx sdk.Context, tenant sdk.AccAddress, denom string) (*purse, types.Depositors, error) {
	if denom == "" {
		denom = athtypes.Denom
	}
	if err := sdk.ValidateDenom(denom); err != nil {
		return nil, types.Depositors{}, types.ErrForeignDenom.Wrapf("denom: %v", err)
	}
	p, err := s.k.openPurse(ctx, tenant, denom)
	if err != nil {
		return nil, types.Depositors{}, err
	}
	d, err := s.k.stack(ctx, p)
	return p, d, err
}

func (s queryServer) Depositors(goCtx context.Context, req *types.QueryDepositorsRequest) (*types.QueryDepositorsResponse, error) {
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	p, d, err := s.openStack(sdk.UnwrapSDKContext(goCtx), tenant, req.Denom)
	if err != nil {
		return nil, err
	}
	claims, own := d.Claims(p.account.Free(p.balance))
	res := &types.QueryDepositorsResponse{Own: p.coin(d.Own()), Withdrawable: p.coin(own)}
	for i := len(d.Places) - 1; i >= 0; i-- {
		res.Places = append(res.Places, types.PlaceView{Place: d.Places[i], Reclaimable: p.coin(claims[i])})
	}
	return res, nil
}

func (s queryServer) DepositGrants(goCtx context.Context, req *types.QueryDepositGrantsRequest) (*types.QueryDepositGrantsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if req.Granter == "" && req.Grantee == "" {
		return nil, types.ErrInvalidField.Wrap("granter, grantee: both are empty: name at least one")
	}
	var granter, grantee sdk.AccAddress
	var err error
	if req.Granter != "" {
		if granter, err = s.k.address("granter", req.Granter); err != nil {
			return nil, err
		}
	}
	if req.Grantee == "" {
		grants, page, err := query.CollectionPaginate(ctx, s.k.granters, bounded(req.Pagination),
			func(key pairKey, _ collections.NoValue) (types.DepositGrant, error) {
				return s.k.Grant(ctx, key.K1(), key.K2())
			},
			query.WithCollectionPaginationPairPrefix[sdk.AccAddress, sdk.AccAddress](granter))
		return &types.QueryDepositGrantsResponse{Grants: grants, Pagination: page}, err
	}
	if grantee, err = s.k.address("grantee", req.Grantee); err != nil {
		return nil, err
	}
	if granter != nil {
		grant, err := s.k.Grant(ctx, granter, grantee)
		if err != nil {
			return nil, grpcError(err)
		}
		return &types.QueryDepositGrantsResponse{Grants: []types.DepositGrant{grant}}, nil
	}
	grants, page, err := query.CollectionPaginate(ctx, s.k.grants, bounded(req.Pagination),
		func(_ pairKey, grant types.DepositGrant) (types.DepositGrant, error) { return grant, nil },
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, sdk.AccAddress](grantee))
	return &types.QueryDepositGrantsResponse{Grants: grants, Pagination: page}, err
}

func (s queryServer) SubAccounts(goCtx context.Context, req *types.QuerySubAccountsRequest) (*types.QuerySubAccountsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	parent, err := s.k.address("parent", req.Parent)
	if err != nil {
		return nil, err
	}
	views, page, err := query.CollectionPaginate(ctx, s.k.subAccounts, bounded(req.Pagination),
		func(key pairKey, sub types.SubAccount) (types.SubAccountView, error) {
			return s.viewSubAccount(ctx, key.K2(), sub)
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, sdk.AccAddress](parent))
	return &types.QuerySubAccountsResponse{SubAccounts: views, Pagination: page}, err
}

func (s queryServer) viewSubAccount(ctx sdk.Context, sub sdk.AccAddress, account types.SubAccount) (types.SubAccountView, error) {
	p, d, err := s.openStack(ctx, sub, account.Limit.Denom)
	if err != nil {
		return types.SubAccountView{}, err
	}
	who, free := parentOf(account), p.account.Free(p.balance)
	view := types.SubAccountView{SubAccount: account, Outstanding: p.coin(d.Outstanding(who)), Free: p.coin(free), Reclaimable: p.coin(d.Claim(who, free))}
	return view, nil
}
