// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cosmossdk.io/math"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/localnet"
	"github.com/athnet/ath/offchain/localnet/story"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// unit is a uath in what accrues: 10⁻⁶ uath/s × ns.
var unit = math.NewInt(1_000_000_000_000_000)

// finer is how much finer a lease's remainder is kept than that.
var finer = math.NewInt(1_000_000_000_000)

// minCharge of the network's offers.
const minCharge = 5 * time.Second

// recovered waits until everybody serves again, and returns when that was seen.
func (w *world) recovered(ctx context.Context) time.Time {
	w.Helper()
	w.await(ctx, "the node to make blocks", func(ctx context.Context) error {
		head, err := w.net.Chain().Latest(ctx)
		if err == nil && time.Since(head.Time) > 5*time.Second {
			err = fmt.Errorf("block %d is of %s", head.Height, head.Time)
		}
		return err
	})
	for machine := range 1 + len(w.net.Config.Worker.Machines) {
		w.await(ctx, w.net.WorkerName(machine)+" to be well", func(ctx context.Context) error {
			var report daemon.Report
			if err := getJSON(ctx, w.net.WorkerHealth(machine)+"/healthz", &report); err != nil {
				return err
			}
			for _, warning := range report.Warnings {
				if !strings.HasSuffix(warning.Code, "-open") { // what the test machine does not enforce
					return fmt.Errorf("%s: %s", warning.Code, warning.Detail)
				}
			}
			return nil
		})
	}
	at := time.Now()
	w.await(ctx, "the logs to go on", func(context.Context) error {
		for _, l := range w.leases {
			for i, r := range l.readers {
				if _, err := r.upTo(at); err != nil {
					return fmt.Errorf("service %s of lease %s: %w", services[i], l.id, err)
				}
			}
		}
		return nil
	})
	return at
}

// check holds every lease against the engine, the kernel, the chain and the Indexer.
func (w *world) check(ctx context.Context, since time.Time) {
	w.Helper()
	for _, l := range w.leases {
		now, err := w.processesOf(ctx, l.id)
		require.NoError(w, err)
		require.Equal(w, l.processes, now, "the same containers and processes serve lease %s", l.id)
		w.await(ctx, "the ports of "+l.id+" to answer", func(context.Context) error {
			for address, want := range l.ports {
				if said, err := hello(address); err != nil || said != want {
					return errors.Join(err, fmt.Errorf("%s says %q, want %q", address, said, want))
				}
			}
			return nil
		})
	}
	w.onlyOurs(ctx)
	for _, l := range w.leases {
		w.await(ctx, "usage records to go on", func(context.Context) error {
			a, err := w.ledger.of(l.id)
			if err == nil && a.head.Until.Before(since) {
				err = fmt.Errorf("the last record of lease %s, %d, is until %s, before everybody was up at %s", l.id, a.head.Sequence, a.head.Until, since)
			}
			return err
		})
	}
	w.checkBills(ctx)
}

// checkBills settles all leases in one block and checks what was paid in it.
func (w *world) checkBills(ctx context.Context) {
	w.Helper()
	msg := &leases.MsgSettle{Signer: w.anyone.Address()}
	for _, l := range w.leases {
		msg.LeaseIds = append(msg.LeaseIds, l.id)
	}
	var settled chain.TxResult
	w.await(ctx, "a settlement", func(ctx context.Context) (err error) {
		settled, err = w.anyone.Send(ctx, msg) // out of gas where a worker settled between the estimate and the block
		return err
	})
	w.await(ctx, "the block of the settlement", func(context.Context) error {
		if ok, err := w.ledger.reached(settled.Height); !ok {
			return errors.Join(err, fmt.Errorf("block %d was not read yet", settled.Height))
		}
		return nil
	})
	at := atHeight(ctx, settled.Height)
	for _, of := range w.leases {
		l, err := w.onChain(at, of.id)
		require.NoError(w, err)
		require.Equal(w, leases.LeaseState_LEASE_STATE_RUNNING, l.State)
		require.Equal(w, settled.Time.UTC(), l.SettledUntil.UTC(), "settled in this block")
		require.Zero(w, l.Lost, "no outage")
		// To the last 10⁻²⁷ uath.
		billed := l.SettledUntil.Sub(*l.StartedAt)
		require.Equal(w, l.Rate.MulRaw(int64(billed)).Mul(finer).String(), l.Billed.Mul(unit).Mul(finer).Add(l.Remainder).String(), "lease %s: rate × time", of.id)
		require.Equal(w, l.Billed.String(), w.ledger.sum(settled.Height, of.id).Neg().String(), "what was paid for lease %s", of.id)
		// To the second of what was served: since the last service started, by the engine; its processes still run, they were looked at
		// after the block's time.
		served := l.SettledUntil.Sub(of.ready())
		require.Less(w, (billed - served).Abs(), time.Second, "lease %s is billed for %s and was served %s", of.id, billed, served)
	}
	account, err := leases.NewQueryClient(w.net.Chain().Conn()).Account(at, &leases.QueryAccountRequest{Tenant: w.ledger.tenant, Denom: athtypes.Denom})
	require.NoError(w, err)
	require.Equal(w, w.ledger.sum(settled.Height, "").String(), account.Balance.Amount.String(), "deposits less payments")
	for _, of := range w.leases {
		now, err := w.processesOf(ctx, of.id)
		require.NoError(w, err)
		require.Equal(w, of.processes, now)
	}
	w.checkIndexer(ctx, settled.Height)
}

// ready is when the last of the services had started.
func (l *lease) ready() time.Time {
	return slices.MaxFunc(l.processes, func(a, b process) int { return a.since.Compare(b.since) }).since
}

// remembered is a lease as the Indexer answers it.
type remembered struct {
	ID      string   `json:"lease_id"`
	State   string   `json:"state"`
	Billed  math.Int `json:"billed"`
	Records uint64   `json:"usage_records"`
}

// checkIndexer compares what the Indexer remembers with what the blocks have said.
func (w *world) checkIndexer(ctx context.Context, height int64) {
	w.Helper()
	w.await(ctx, "the Indexer to agree", func(ctx context.Context) error {
		var said struct {
			Height int64        `json:"height"`
			Leases []remembered `json:"leases"`
		}
		if err := getJSON(ctx, w.net.IndexerURL()+"/v1/leases/"+w.ledger.tenant, &said); err != nil {
			return err
		}
		if said.Height < height {
			return fmt.Errorf("it is at block %d, want %d", said.Height, height)
		}
		if ok, err := w.ledger.reached(said.Height); !ok {
			return errors.Join(err, fmt.Errorf("it is ahead, at block %d", said.Height))
		}
		for _, l := range w.leases {
			i := slices.IndexFunc(said.Leases, func(v remembered) bool { return v.ID == l.id })
			if i < 0 {
				return fmt.Errorf("it does not know lease %s", l.id)
			}
			a, err := w.ledger.of(l.id)
			if err != nil {
				return err
			}
			paid := w.ledger.sum(said.Height, l.id).Neg()
			if v := said.Leases[i]; v.State != "running" || !v.Billed.Equal(paid) || v.Records != a.records {
				return fmt.Errorf("it says %+v, blocks up to %d said %s paid and %d records", v, said.Height, paid, a.records)
			}
		}
		return nil
	})
}

// onlyOurs: no container is there but those of the leases.
func (w *world) onlyOurs(ctx context.Context) {
	w.Helper()
	found, err := w.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	require.NoError(w, err)
	require.Len(w, found.Items, len(w.leases)*len(services))
}

// checkEnded: the receipt is right, the logs are whole up to the end, and nothing is left on the engine.
func (w *world) checkEnded(ctx context.Context, l *lease) {
	w.Helper()
	var receipt *leases.Receipt
	w.await(ctx, "the receipt of "+l.id, func(context.Context) error {
		a, err := w.ledger.of(l.id)
		if receipt = a.receipt; err == nil && receipt == nil {
			err = errors.New("there is none yet")
		}
		return err
	})
	require.Equal(w, leases.CloseReason_CLOSE_REASON_TENANT, receipt.Reason)
	require.Zero(w, receipt.Outage)
	bill := *receipt
	if bill.Minimum.IsPositive() { // it ended before what its offer charges at least
		require.Equal(w, bill.Rate.MulRaw(int64(minCharge)).Quo(unit).String(), bill.Billed.String())
		bill.Billed = bill.Billed.Sub(bill.Minimum)
	}
	require.NoError(w, story.CheckBill(bill))
	billed, served := receipt.EndedAt.Sub(*receipt.StartedAt), receipt.EndedAt.Sub(l.ready())
	require.Less(w, (billed - served).Abs(), time.Second)
	for i, r := range l.readers {
		select {
		case <-r.finished:
		case <-time.After(patience):
			require.Fail(w, "the logs have no end", "service %s of lease %s: line %d, of %s, is the last", services[i], l.id, r.number, r.last)
		}
		require.NoError(w, r.wrong)
		require.False(w, r.last.Before(receipt.EndedAt.Add(-time.Second)), "service %s of lease %s was paid until %s, its last line is of %s", services[i], l.id, receipt.EndedAt, r.last)
	}
	label := client.Filters{}.Add("label", "ath.lease="+l.id)
	w.await(ctx, "nothing of "+l.id+" to be left", func(ctx context.Context) error {
		containers, err1 := w.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: label})
		volumes, err2 := w.engine.VolumeList(ctx, client.VolumeListOptions{Filters: label})
		networks, err3 := w.engine.NetworkList(ctx, client.NetworkListOptions{Filters: label})
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		if n := len(containers.Items) + len(volumes.Items) + len(networks.Items); n > 0 {
			return fmt.Errorf("%d containers, volumes and networks", n)
		}
		return nil
	})
	w.ended++
}

// nothingLeft: after all leases, no mount, no network, no process of a workload.
func (w *world) nothingLeft(ctx context.Context) {
	w.Helper()
	w.await(ctx, "no disk and no network to be left", func(ctx context.Context) error {
		networks, err := w.engine.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("label", "ath.chain="+w.net.Config.ChainID)})
		if err != nil {
			return err
		}
		mounts, err := os.ReadFile("/proc/mounts")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(mounts)) {
			if fields := strings.Fields(line); strings.HasPrefix(fields[0], "/dev/loop") && strings.HasPrefix(fields[1], w.net.Config.Home) {
				return fmt.Errorf("mounted: %s", line)
			}
		}
		if len(networks.Items) > 0 {
			return fmt.Errorf("networks: %v", networks.Items)
		}
		return nil
	})
	found, err := w.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	require.NoError(w, err)
	require.Empty(w, found.Items)
	books, err := w.net.ReadBooks(ctx)
	require.NoError(w, err)
	require.NoError(w, books.Check())
}

// targets are all that may be killed.
func (w *world) targets() []string {
	out := []string{localnet.Node, localnet.IndexP, localnet.Dockerd, localnet.Containerd}
	for machine := range 1 + len(w.net.Config.Worker.Machines) {
		out = append(out, w.net.WorkerName(machine))
	}
	return out
}
