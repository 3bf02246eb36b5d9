// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// InitGenesis loads a state and rebuilds queues and price index. x/ath and x/providers are loaded before.
func (k *Keeper) InitGenesis(ctx sdk.Context, g types.GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if err := k.params.Set(ctx, g.Params); err != nil {
		return err
	}
	leased := make(map[uint64]bool, len(g.Leases))
	for _, lease := range g.Leases {
		leased[lease.ContainerId] = true
		if err := k.initLease(ctx, lease); err != nil {
			return err
		}
	}
	for _, offer := range g.Offers {
		if err := k.offers.Set(ctx, offer.ContainerId, offer); err != nil {
			return err
		}
		if leased[offer.ContainerId] {
			continue
		}
		if err := k.indexPrice(ctx, offer); err != nil {
			return err
		}
	}
	for _, account := range g.Accounts {
		if err := k.initAccount(ctx, account); err != nil {
			return err
		}
	}
	for _, receipt := range g.Receipts {
		tenant, err := k.addresses.StringToBytes(receipt.Tenant)
		if err != nil {
			return err
		}
		if err := k.receipts.Set(ctx, collections.Join(sdk.AccAddress(tenant), receipt.Number), receipt); err != nil {
			return err
		}
	}
	if err := k.initBreaches(ctx, g); err != nil {
		return err
	}
	if err := k.initGateways(ctx, g); err != nil {
		return err
	}
	if err := k.initServed(ctx, g); err != nil {
		return err
	}
	if err := k.initChannels(ctx, g); err != nil {
		return err
	}
	if err := k.initDeposits(ctx, g); err != nil {
		return err
	}
	if err := k.initLog(ctx, g); err != nil {
		return err
	}
	for _, nonce := range g.Nonces {
		indexer, err := k.addresses.StringToBytes(nonce.Indexer)
		if err != nil {
			return err
		}
		if err := k.nonces.Set(ctx, collections.Join3(nonce.ExpiresAt.UnixNano(), sdk.AccAddress(indexer), nonce.Nonce)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) initLease(ctx sdk.Context, lease types.Lease) error {
	tenant, err := k.addresses.StringToBytes(lease.Tenant)
	if err != nil {
		return err
	}
	if err := k.saveLease(ctx, tenant, lease); err != nil {
		return err
	}
	return k.queueEnd(ctx, tenant, lease)
}

func (k *Keeper) initAccount(ctx sdk.Context, account types.Account) error {
	tenant, err := k.addresses.StringToBytes(account.Tenant)
	if err != nil {
		return err
	}
	if err := k.accounts.Set(ctx, collections.Join(sdk.AccAddress(tenant), account.Denom), account); err != nil {
		return err
	}
	if account.QueuedAt == 0 {
		return nil
	}
	return k.exhaustion.Set(ctx, collections.Join3(account.QueuedAt, sdk.AccAddress(tenant), account.Denom))
}

// ExportGenesis returns the whole state; a part that can't be read is an error.
func (k *Keeper) ExportGenesis(ctx sdk.Context) (*types.GenesisState, error) {
	g := &types.GenesisState{}
	var err error
	if g.Params, err = k.params.Get(ctx); err != nil {
		return nil, err
	}
	if g.Offers, err = values(ctx, k.offers); err != nil {
		return nil, err
	}
	if g.Accounts, err = values(ctx, k.accounts); err != nil {
		return nil, err
	}
	if g.Leases, err = values(ctx, k.leases); err != nil {
		return nil, err
	}
	if g.Receipts, err = values(ctx, k.receipts); err != nil {
		return nil, err
	}
	if g.Breaches, err = values(ctx, k.breaches); err != nil {
		return nil, err
	}
	if err := k.exportGateways(ctx, g); err != nil {
		return nil, err
	}
	if err := k.exportServed(ctx, g); err != nil {
		return nil, err
	}
	if err := k.exportChannels(ctx, g); err != nil {
		return nil, err
	}
	if err := k.exportDeposits(ctx, g); err != nil {
		return nil, err
	}
	if err := k.exportLog(ctx, g); err != nil {
		return nil, err
	}
	err = k.nonces.Walk(ctx, nil, func(key nonceKey) (bool, error) {
		indexer, err := k.addresses.BytesToString(key.K2())
		g.Nonces = append(g.Nonces, types.UsedNonce{Indexer: indexer, Nonce: key.K3(), ExpiresAt: time.Unix(0, key.K1()).UTC()})
		return false, err
	})
	return g, err
}

func values[K, V any](ctx sdk.Context, from collections.Map[K, V]) ([]V, error) {
	var all []V
	err := from.Walk(ctx, nil, func(_ K, value V) (bool, error) {
		all = append(all, value)
		return false, nil
	})
	return all, err
}
