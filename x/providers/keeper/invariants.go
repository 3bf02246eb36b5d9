// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// CheckInvariants reads the whole state and returns the first contradiction; tests and debug commands call it, never a block.
// What P1 to P17 are is in the README.
func (k *Keeper) CheckInvariants(ctx sdk.Context) error {
	g, err := k.ExportGenesis(ctx)
	if err != nil {
		return err
	}
	// P1 to P5, P11: each record is valid, and they fit each other.
	if err := g.Validate(); err != nil {
		return err
	}
	for _, c := range g.Containers {
		if err := k.checkContainer(ctx, c); err != nil {
			return err
		}
	}
	if err := k.checkTickets(ctx, *g); err != nil {
		return err
	}
	if err := k.checkFigures(ctx, g.Containers); err != nil {
		return err
	}
	return k.checkProviders(ctx, g.Providers)
}

// checkContainer: P6, a living Container has the stake that it must bond, or its status says that it has not; P5, indexes
// lead to it.
func (k *Keeper) checkContainer(ctx sdk.Context, c types.Container) error {
	stake, bonded, err := k.stakeOf(ctx, c)
	if err != nil {
		return err
	}
	status, err := k.Status(ctx, c.Id)
	if err != nil {
		return err
	}
	if status.UnderStaked != bonded.LT(stake.Required) || bonded.GT(stake.Required) {
		return fmt.Errorf("container %d: must bond %s, has %s, under-staked: %t", c.Id, stake.Required, bonded, status.UnderStaked)
	}
	id, err := k.containers.Indexes.fingerprint.MatchExact(ctx, c.Fingerprint)
	if err != nil {
		return fmt.Errorf("container %d: fingerprint index: %w", c.Id, err)
	}
	if id != c.Id {
		return fmt.Errorf("container %d: its fingerprint leads to %d", c.Id, id)
	}
	return nil
}

// checkTickets: P11, the vault holds for each ticket what it is over, and the queue has each of them once; so has the index by beneficiary
// what owes somebody something.
func (k *Keeper) checkTickets(ctx sdk.Context, g types.GenesisState) error {
	for i, row := range g.HeldRows() {
		held, err := k.vault.RowAmount(ctx, row.Row)
		if err != nil {
			return err
		}
		if !held.Equal(row.Amount) {
			return fmt.Errorf("ticket %d: is over %s, %s are held", g.Tickets[i].Id, row.Amount, held)
		}
		queued, err := k.ticketQueue.Has(ctx, collections.Join(g.Tickets[i].Deadline.UnixNano(), g.Tickets[i].Id))
		if err != nil || !queued {
			return fmt.Errorf("ticket %d: not in the queue (%w)", g.Tickets[i].Id, err)
		}
	}
	claims := 0
	for _, t := range g.Tickets {
		err := k.eachClaim(t, func(claim claimKey) error {
			claims++
			has, err := k.claims.Has(ctx, claim)
			if err == nil && !has {
				err = fmt.Errorf("ticket %d: owes %s something and is not found by that", t.Id, t.Beneficiary)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	count := 0
	err := k.claims.Walk(ctx, nil, func(claimKey) (bool, error) {
		claims--
		return false, nil
	})
	if err == nil && claims != 0 {
		err = fmt.Errorf("claims: %d more in tickets than in the index", claims)
	}
	if err != nil {
		return err
	}
	err = k.ticketQueue.Walk(ctx, nil, func(ticketKey) (bool, error) {
		count++
		return false, nil
	})
	if err == nil && count != len(g.Tickets) {
		err = fmt.Errorf("%d tickets, %d in the queue", len(g.Tickets), count)
	}
	return err
}

// checkProviders: P4, counts are those of the index.
func (k *Keeper) checkProviders(ctx sdk.Context, providers []types.Provider) error {
	for _, p := range providers {
		owner, err := k.addresses.StringToBytes(p.Owner)
		if err != nil {
			return err
		}
		iter, err := k.containers.Indexes.provider.MatchExact(ctx, owner)
		if err != nil {
			return err
		}
		ids, err := iter.PrimaryKeys()
		if err != nil {
			return err
		}
		if uint64(len(ids)) != p.Containers {
			return fmt.Errorf("provider %s: counts %d containers, index has %d", p.Owner, p.Containers, len(ids))
		}
	}
	return nil
}
