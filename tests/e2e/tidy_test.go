// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// closingFee is what a tenant gets to close its lease with, in uath: it may have spent all that it had.
const closingFee = 1_000_000

// order is what the network was like before the first script.
type order struct {
	mu    sync.Mutex
	offer *leases.Offer
	after string // the script that ran before
}

var inOrder order

// restore has every script find the network as the first one did, whatever the one before it has left: processes that have ended, a lease,
// another offer. What can't be put in order is no fault of the script that would run next, and the error says so.
func (o *order) restore(ctx context.Context, script string, say func(format string, args ...any)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	after := o.after
	o.after = script
	if err := o.put(ctx, say); err != nil {
		return fmt.Errorf("%s did not run: the network can't be put in order after %s: %w", script, after, err)
	}
	return nil
}

func (o *order) put(ctx context.Context, say func(format string, args ...any)) error {
	ended, err := net.Revive(ctx)
	if len(ended) > 0 {
		say("started again what had ended: %s", strings.Join(ended, ", "))
	}
	if err == nil {
		err = closeLeft(ctx, say)
	}
	if err == nil {
		err = o.putOffer(ctx, say)
	}
	if err != nil {
		return err
	}
	for range orderTime / time.Minute { // a Container whose worker was down is checked again first
		if err = net.AwaitFree(ctx); err == nil {
			return nil
		}
	}
	return err
}

// putOffer remembers the Container's offer, or puts it back.
func (o *order) putOffer(ctx context.Context, say func(format string, args ...any)) error {
	now, err := onlyOffer(ctx)
	if err != nil {
		return err
	}
	now.Delisted = false
	if o.offer == nil {
		o.offer = &now
	}
	if now.String() == o.offer.String() {
		return nil
	}
	say("the Container gets its offer back: %s × 10⁻⁶ %s/s", o.offer.Rate, o.offer.Denom)
	return setOffer(ctx, *o.offer)
}

// closeLeft closes the lease that is left on the Container: as its tenant, whom that costs nothing and gives no ticket to anybody, else as the provider.
func closeLeft(ctx context.Context, say func(format string, args ...any)) error {
	all, err := net.Containers(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Status.Lease == "" {
			continue
		}
		say("closing %s, which another script left open", c.Status.Lease)
		if err := closeAsTenant(ctx, c.Status.Lease); err == nil {
			continue
		} else if sender, serr := net.Sender(net.Config.Worker.Account); serr != nil {
			return errors.Join(err, serr)
		} else if _, serr = sender.Send(ctx, &leases.MsgCloseLease{Signer: sender.Address(), LeaseId: c.Status.Lease}); serr != nil {
			return errors.Join(err, serr)
		}
	}
	return nil
}

func closeAsTenant(ctx context.Context, lease string) error {
	tenant, _, _ := strings.Cut(lease, "/")
	faucet, err := net.Sender("faucet")
	if err != nil {
		return err
	}
	fee := sdk.NewCoins(sdk.NewCoin(athtypes.Denom, math.NewInt(closingFee)))
	if _, err := faucet.Send(ctx, &banktypes.MsgSend{FromAddress: faucet.Address(), ToAddress: tenant, Amount: fee}); err != nil {
		return err
	}
	_, err = net.Athd(ctx, tenant, "lease", "close", lease, "--unsigned")
	return err
}

// onlyOffer is that of the network's one Container.
func onlyOffer(ctx context.Context) (leases.Offer, error) {
	offers, err := leases.NewQueryClient(net.Chain().Conn()).Offers(ctx, &leases.QueryOffersRequest{})
	if err != nil {
		return leases.Offer{}, err
	}
	if len(offers.Offers) != 1 {
		return leases.Offer{}, fmt.Errorf("%d Containers are offered, want 1", len(offers.Offers))
	}
	return offers.Offers[0], nil
}

func setOffer(ctx context.Context, offer leases.Offer) error {
	offer.Delisted = false
	provider, err := net.Sender(net.Config.Worker.Account)
	if err != nil {
		return err
	}
	_, err = provider.Send(ctx, &leases.MsgSetOffers{Operator: provider.Address(), Offers: []leases.Offer{offer}})
	return err
}

// orderTime is how long it may take: Checkers may have to find a Container healthy again whose worker was down.
const orderTime = 4 * time.Minute
