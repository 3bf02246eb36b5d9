// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/ath/types"
)

const (
	// Bounds of one answer; the first two are promised in the proto comments.
	defaultScheduleCount = 30
	maxScheduleCount     = 4_000
	maxVestingBuckets    = 1_000
	maxAccruedPositions  = 1_000
	maxVaultPage         = 1_000
)

type queryServer struct{ k *Keeper }

// NewQueryServer serves the module's queries.
func NewQueryServer(k *Keeper) types.QueryServer { return queryServer{k} }

// Params implements types.QueryServer.
func (s queryServer) Params(goCtx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	params, err := s.k.params.Get(goCtx)
	if err != nil {
		return nil, err
	}
	return &types.QueryParamsResponse{Params: params}, nil
}

// Supply implements types.QueryServer.
func (s queryServer) Supply(goCtx context.Context, _ *types.QuerySupplyRequest) (*types.QuerySupplyResponse, error) {
	minted, err := s.k.minted.Get(goCtx)
	if err != nil {
		return nil, err
	}
	burnt, err := s.k.burnt.Get(goCtx)
	if err != nil {
		return nil, err
	}
	return &types.QuerySupplyResponse{
		Cap:    math.NewInt(types.Cap),
		Minted: minted,
		Burnt:  burnt,
		Total:  s.k.bank.GetSupply(goCtx, types.Denom).Amount,
		Vault:  s.k.bank.GetBalance(goCtx, s.k.account, types.Denom).Amount,
	}, nil
}

// Pools implements types.QueryServer.
func (s queryServer) Pools(goCtx context.Context, _ *types.QueryPoolsRequest) (*types.QueryPoolsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	res := &types.QueryPoolsResponse{}
	for _, pool := range types.Pools() {
		state, err := s.k.pools.Get(ctx, uint32(pool))
		if err != nil {
			return nil, err
		}
		balance, err := s.k.RowAmount(ctx, types.PoolRow(pool))
		if err != nil {
			return nil, err
		}
		earned, err := s.k.RowAmount(ctx, types.EarnedRow(pool))
		if err != nil {
			return nil, err
		}
		res.Pools = append(res.Pools, types.PoolBalance{State: state, Balance: balance, Earned: earned})
	}
	return res, nil
}

// Schedule implements types.QueryServer.
func (s queryServer) Schedule(goCtx context.Context, req *types.QueryScheduleRequest) (*types.QueryScheduleResponse, error) {
	params, err := s.k.params.Get(goCtx)
	if err != nil {
		return nil, err
	}
	from, count := max(req.From, 1), req.Count
	if count == 0 {
		count = defaultScheduleCount
	}
	if count > maxScheduleCount {
		return nil, status.Errorf(codes.InvalidArgument, "count is %d; at most %d", count, maxScheduleCount)
	}
	res := &types.QueryScheduleResponse{}
	for epoch := from; epoch < from+count && epoch <= types.LastEpoch; epoch++ {
		entry := types.ScheduleEntry{Epoch: epoch}
		for _, part := range params.Divide(types.Emission(epoch)) {
			entry.Pools = append(entry.Pools, part.Amount)
		}
		res.Entries = append(res.Entries, entry)
	}
	return res, nil
}

// Epoch implements types.QueryServer.
func (s queryServer) Epoch(goCtx context.Context, _ *types.QueryEpochRequest) (*types.QueryEpochResponse, error) {
	epoch, err := s.k.epoch.Get(goCtx)
	if err != nil {
		return nil, err
	}
	return &types.QueryEpochResponse{Epoch: epoch, EndsAt: epoch.End()}, nil
}

// Rewards implements types.QueryServer.
func (s queryServer) Rewards(goCtx context.Context, req *types.QueryRewardsRequest) (*types.QueryRewardsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	beneficiary, err := s.k.addresses.StringToBytes(req.Beneficiary)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "beneficiary: %s", err)
	}
	res := &types.QueryRewardsResponse{Ripe: math.ZeroInt()}
	for _, ledger := range types.ClaimableLedgers() {
		claimable, err := s.claimable(ctx, beneficiary, ledger)
		if err != nil {
			return nil, err
		}
		res.Ledgers = append(res.Ledgers, types.LedgerBalance{Ledger: ledger, Claimable: claimable})
	}
	for _, ledger := range types.Ledgers() {
		if err := s.ripening(ctx, beneficiary, ledger.VestingKind(), ledger, &res.Vesting, &res.Ripe); err != nil {
			return nil, err
		}
	}
	exiting := types.RowKind_ROW_KIND_EXITING
	if err := s.ripening(ctx, beneficiary, exiting, types.Ledger_LEDGER_UNSPECIFIED, &res.Exiting, &res.Ripe); err != nil {
		return nil, err
	}
	res.Bars, err = s.bars(ctx, beneficiary, req.Beneficiary)
	return res, err
}

// bars lists the pools whose returned penalties a beneficiary takes no part in yet.
func (s queryServer) bars(ctx sdk.Context, beneficiary []byte, address string) ([]types.Bar, error) {
	var bars []types.Bar
	for _, pool := range types.Pools() {
		bar, err := s.k.bar(ctx, pool, beneficiary)
		if err != nil {
			return nil, err
		}
		if bar.IsPositive() {
			bars = append(bars, types.Bar{Pool: pool, Beneficiary: address, Returned: bar})
		}
	}
	return bars, nil
}

// ripening lists the rows of a kind in which uath ripen, and adds up what is ripe.
func (s queryServer) ripening(
	ctx sdk.Context, beneficiary []byte, kind types.RowKind, ledger types.Ledger, buckets *[]types.VestingBucket, ripe *math.Int,
) error {
	rows := 0
	return s.k.rows.Walk(ctx, ownerRange(kind, beneficiary), func(key rowKey, amount math.Int) (bool, error) {
		if key.K4() != types.Denom {
			return false, nil
		}
		if key.K3() <= ripeSecond(ctx) {
			*ripe = ripe.Add(amount)
		}
		bucket := types.VestingBucket{RipeAt: time.Unix(int64(key.K3()), 0).UTC(), Amount: amount, Ledger: ledger}
		*buckets = append(*buckets, bucket)
		rows++
		return rows == maxVestingBuckets, nil
	})
}

// claimable is what MsgClaim would move for a ledger if it listed all of the beneficiary's containers.
func (s queryServer) claimable(ctx sdk.Context, beneficiary []byte, ledger types.Ledger) (math.Int, error) {
	sum, err := s.k.rowAmount(ctx, newRowKey(types.RowKind_ROW_KIND_OWED, beneficiary, uint64(ledger), types.Denom))
	if err != nil {
		return sum, err
	}
	for _, pool := range ledger.Pools() {
		bar, err := s.k.bar(ctx, pool, beneficiary)
		if err != nil {
			return sum, err
		}
		_, pay, err := s.k.closedShares(ctx, pool, beneficiary, bar)
		if err != nil {
			return sum, err
		}
		sum = sum.Add(pay)
	}
	if ledger != types.Ledger_LEDGER_CAPACITY {
		return sum, nil
	}
	positions := 0
	err = s.k.holders.Walk(ctx, collections.NewPrefixedPairRange[[]byte, uint64](beneficiary), func(key ownerKey) (bool, error) {
		_, pay, err := s.k.accrued(ctx, key.K2())
		sum = sum.Add(pay)
		positions++
		return positions == maxAccruedPositions, err
	})
	return sum, err
}

// Vault implements types.QueryServer.
func (s queryServer) Vault(goCtx context.Context, req *types.QueryVaultRequest) (*types.QueryVaultResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if req.Owner != "" {
		return s.vaultOf(ctx, req)
	}
	if req.Pagination != nil && req.Pagination.Limit > maxVaultPage {
		return nil, status.Errorf(codes.InvalidArgument, "pagination.limit is %d; at most %d", req.Pagination.Limit, maxVaultPage)
	}
	rows, page, err := query.CollectionPaginate(ctx, s.k.rows, req.Pagination, s.k.rowBalance)
	return &types.QueryVaultResponse{Rows: rows, Pagination: page}, err
}

// vaultOf pages through the rows of one owner. The key starts with the kind, so it visits the owner's rows kind by kind;
// a page goes on at the key of its first row.
func (s queryServer) vaultOf(ctx sdk.Context, req *types.QueryVaultRequest) (*types.QueryVaultResponse, error) {
	owner, err := s.k.addresses.StringToBytes(req.Owner)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "owner: %s", err)
	}
	limit, first, err := vaultPage(req.Pagination)
	if err != nil {
		return nil, err
	}
	res := &types.QueryVaultResponse{Pagination: &query.PageResponse{}}
	for _, kind := range ownedKinds() {
		if uint32(kind) < first.K1() {
			continue
		}
		err := s.k.rows.Walk(ctx, ownerRange(kind, owner), func(key rowKey, amount math.Int) (bool, error) {
			if key.K1() == first.K1() && (key.K3() < first.K3() || key.K3() == first.K3() && key.K4() < first.K4()) {
				return false, nil
			}
			if len(res.Rows) == limit {
				next, err := collections.EncodeKeyWithPrefix(nil, rowKeyCodec, key)
				res.Pagination.NextKey = next
				return true, err
			}
			balance, err := s.k.rowBalance(key, amount)
			res.Rows = append(res.Rows, balance)
			return false, err
		})
		if err != nil || res.Pagination.NextKey != nil {
			return res, err
		}
	}
	return res, nil
}

func vaultPage(page *query.PageRequest) (limit int, first rowKey, err error) {
	limit, first = query.DefaultLimit, newRowKey(0, nil, 0, "")
	if page == nil {
		return limit, first, nil
	}
	if page.Limit > maxVaultPage {
		return 0, first, status.Errorf(codes.InvalidArgument, "pagination.limit is %d; at most %d", page.Limit, maxVaultPage)
	}
	if page.Limit > 0 {
		limit = int(page.Limit)
	}
	if page.Offset > 0 || page.Reverse || page.CountTotal {
		return 0, first, status.Error(codes.InvalidArgument, "pagination: rows of one owner page by key and limit only")
	}
	if len(page.Key) > 0 {
		if _, first, err = rowKeyCodec.Decode(page.Key); err != nil {
			return 0, first, status.Errorf(codes.InvalidArgument, "pagination.key: %s", err)
		}
	}
	return limit, first, nil
}

// ownedKinds lists the kinds of rows that belong to accounts, in order of number.
func ownedKinds() []types.RowKind {
	var kinds []types.RowKind
	for _, number := range slices.Sorted(maps.Keys(types.RowKind_name)) {
		if kind := types.RowKind(number); kind.Valid() && kind.Owned() {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// rowBalance is a row as queries and exports show it.
func (k *Keeper) rowBalance(key rowKey, amount math.Int) (types.RowBalance, error) {
	row, err := k.row(key)
	return types.RowBalance{Row: row, Amount: amount}, err
}
