// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// lookAround asks the chain about every lease that concerns this machine: at the start, from time to time, and when something
// does not add up. Blocks bring the same news sooner; this makes them complete.
func (w *Worker) lookAround(ctx context.Context) error {
	for {
		err := w.lookOnce(ctx)
		wait := w.config.Resync
		if err != nil && ctx.Err() == nil {
			w.health.Set("node-unreachable", err.Error())
			w.log.Debug("the chain could not be asked about leases", "err", err)
			wait = retryPause
		} else {
			w.health.Clear("node-unreachable")
		}
		if err := w.pause(ctx, w.look, wait); err != nil {
			return err
		}
	}
}

func (w *Worker) lookOnce(ctx context.Context) error {
	net, err := w.chain.Network(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.net = net
	w.mu.Unlock()
	view, err := w.chain.Container(ctx, w.container)
	if err != nil {
		return err
	}
	w.health.Fact("container", fmt.Sprintf("%d %s", view.Container.Id, view.Status.State))
	if err := w.relist(ctx, view.Status); err != nil {
		w.log.Warn("the offer could not be listed again, trying later", "err", err)
	}
	var unsure []string
	for _, id := range w.concerning(view.Status.Lease) {
		lease, receipt, err := w.chain.Lease(ctx, id)
		intent, _ := w.book.intent(id)
		switch {
		case errors.Is(err, ErrNoLease) && !intent.ClosedAt.IsZero():
			w.learn(id, standing{forgotten: true}) // a worker that was restarted keeps logs for longer than the chain keeps receipts
		case errors.Is(err, ErrNoLease):
			unsure = append(unsure, id)
		case err != nil:
			return err
		default:
			w.learn(id, standing{lease: lease, receipt: receipt})
		}
	}
	if len(unsure) > 0 {
		w.health.Set("unverified-instance", fmt.Sprint(unsure))
	} else {
		w.health.Clear("unverified-instance")
	}
	kick(w.wake)
	return nil
}

// relist puts the Container's offer back into the chain's price index and public supply, which somebody took it out of while it could not be
// leased. A Container that was leased by name since then counts as supply again, too.
func (w *Worker) relist(ctx context.Context, status providertypes.ContainerStatus) error {
	if status.State != providertypes.ContainerState_CONTAINER_STATE_READY && status.State != providertypes.ContainerState_CONTAINER_STATE_LEASED {
		return nil
	}
	delisted, err := w.chain.Delisted(ctx, w.container)
	if err != nil || !delisted {
		return err
	}
	return w.send(ctx, &leasetypes.MsgRefreshOffers{Signer: w.operator, ContainerIds: []uint64{w.container}})
}

// concerning lists leases whose standing may have changed: the bound one, those with an intent, those with an instance.
func (w *Worker) concerning(bound string) []string {
	intents, _ := w.book.all()
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := map[string]bool{}
	if bound != "" {
		ids[bound] = true
	}
	for id := range intents {
		ids[id] = true
	}
	for _, i := range w.have {
		ids[i.Lease] = true
	}
	for id, s := range w.standings {
		if s.open() {
			ids[id] = true
		} else if !ids[id] {
			delete(w.standings, id) // closed, and nothing of it is left
		}
	}
	maps.DeleteFunc(ids, func(id string, _ bool) bool { return w.standings[id].closed() })
	return slices.Sorted(maps.Keys(ids))
}
