// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Tx writes one block.
type Tx struct {
	ctx     context.Context
	tx      *sql.Tx
	chainID string
	head    chain.Head
}

func (t *Tx) exec(query string, args ...any) error {
	_, err := t.tx.ExecContext(t.ctx, query, args...)
	return err
}

func (t *Tx) meta(key, value string) error {
	return t.exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

func nanos(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixNano()
}

// LeaseOpened adds a lease.
func (t *Tx) LeaseOpened(l leasetypes.Lease) error {
	return t.exec(`INSERT INTO leases (tenant, number, container_id, provider, denom, price_denom, rate, manifest_hash, indexer, opened_at, opened_height, mode)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
		l.Tenant, l.Number, l.ContainerId, l.Provider, l.Denom, l.PriceDenom, l.Rate.String(), l.ManifestHash, l.Indexer, l.CreatedAt.UnixNano(), t.head.Height, int32(l.Mode))
}

// LeaseStarted notes the start of billing.
func (t *Tx) LeaseStarted(l leasetypes.Lease) error {
	return t.exec("UPDATE leases SET started_at = ? WHERE tenant = ? AND number = ?", nanos(l.StartedAt), l.Tenant, l.Number)
}

// LeaseChanged notes where a lease runs now, what, at which price and in which mode, and for how long yet.
func (t *Tx) LeaseChanged(l leasetypes.Lease) error {
	return t.exec("UPDATE leases SET container_id = ?, provider = ?, price_denom = ?, rate = ?, manifest_hash = ?, mode = ?, reclaim_at = ? WHERE tenant = ? AND number = ?",
		l.ContainerId, l.Provider, l.PriceDenom, l.Rate.String(), l.ManifestHash, int32(l.Mode), nanos(l.ReclaimAt), l.Tenant, l.Number)
}

// LeaseSettled adds a payment. A lease from before this history's first block is not there and stays so.
func (t *Tx) LeaseSettled(leaseID, paid, fee string) error {
	tenant, number, err := splitLease(leaseID)
	if err != nil {
		return err
	}
	var billed, fees string
	err = t.tx.QueryRowContext(t.ctx, "SELECT billed, fee FROM leases WHERE tenant = ? AND number = ?", tenant, number).Scan(&billed, &fees)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if billed, err = addCoin(billed, paid); err != nil {
		return err
	}
	if fees, err = addCoin(fees, fee); err != nil {
		return err
	}
	return t.exec("UPDATE leases SET billed = ?, fee = ? WHERE tenant = ? AND number = ?", billed, fees, tenant, number)
}

// LeaseClosed takes over the receipt, which has the last word on what was billed.
func (t *Tx) LeaseClosed(r leasetypes.Receipt) error {
	if err := t.keepReceipt(r); err != nil {
		return err
	}
	codes := make([]string, len(r.ExitCodes))
	for i, c := range r.ExitCodes {
		codes[i] = strconv.Itoa(int(c))
	}
	return t.exec(`INSERT INTO leases (tenant, number, container_id, provider, denom, price_denom, rate, manifest_hash, opened_at, opened_height,
			started_at, closed_at, closed_height, reason, closed_by, billed, exit_codes, mode) VALUES (?,?,?,?,?,?,?,?,?,0,?,?,?,?,?,?,?,?)
		ON CONFLICT (tenant, number) DO UPDATE SET started_at = excluded.started_at, closed_at = excluded.closed_at,
			closed_height = excluded.closed_height, reason = excluded.reason, closed_by = excluded.closed_by,
			billed = excluded.billed, exit_codes = excluded.exit_codes, mode = excluded.mode`,
		r.Tenant, r.Number, r.ContainerId, r.Provider, r.Denom, r.PriceDenom, r.Rate.String(), r.ManifestHash, r.CreatedAt.UnixNano(),
		nanos(r.StartedAt), r.EndedAt.UnixNano(), t.head.Height, int32(r.Reason), r.ClosedBy, r.Billed.String(), strings.Join(codes, ","), int32(r.Mode))
}

// UsageRecorded adds a usage record.
func (t *Tx) UsageRecorded(u leasetypes.UsageRecord) error {
	tenant, number, err := splitLease(u.LeaseId)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE leases SET usage_records = ? WHERE tenant = ? AND number = ?", u.Sequence, tenant, number); err != nil {
		return err
	}
	return t.exec(`INSERT INTO usage (tenant, number, sequence, from_at, until_at, cpu_ms, memory_mib, gpu_ms, network_rx, network_tx, height)
		VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`, tenant, number, u.Sequence, u.From.UnixNano(), u.Until.UnixNano(),
		signed(u.CpuMs), signed(u.MemoryMib), signed(u.GpuMs), signed(u.NetworkRx), signed(u.NetworkTx), t.head.Height)
}

// signed clamps what a worker may have said to what SQL holds.
func signed(v uint64) int64 { return int64(min(v, 1<<63-1)) }

// ContainerState adds a change of a Container's status.
func (t *Tx) ContainerState(s providertypes.ContainerStatus) error {
	return t.exec("INSERT INTO container_states (container_id, height, at, state, lease, reason, fault_at) VALUES (?,?,?,?,?,?,?)",
		s.Id, t.head.Height, t.head.Time.UnixNano(), int32(s.State), s.Lease, s.Reason, nanos(s.FaultAt))
}

// Verdict adds a verdict on a shard.
func (t *Tx) Verdict(round, shard uint64, committee, revealed, healthy, faulty, inconclusive uint32) error {
	return t.exec("INSERT OR REPLACE INTO verdicts VALUES (?,?,?,?,?,?,?,?)",
		round, shard, committee, revealed, healthy, faulty, inconclusive, t.head.Height)
}

// Task adds a verdict on a Checker's task.
func (t *Tx) Task(round, shard, licence uint64, correct bool, reason string) error {
	return t.exec("INSERT OR REPLACE INTO tasks VALUES (?,?,?,?,?)", round, shard, licence, correct, reason)
}

// Epoch adds the end of an epoch.
func (t *Tx) Epoch(epoch uint64, emitted math.Int) error {
	return t.exec("INSERT OR REPLACE INTO epochs VALUES (?,?,?,?)", epoch, emitted.String(), t.head.Time.UnixNano(), t.head.Height)
}

// Fees adds where the fees of an epoch went.
func (t *Tx) Fees(epoch uint64, denom string, stakers, slaFund, treasury, burnt math.Int) error {
	return t.exec("INSERT OR REPLACE INTO fees VALUES (?,?,?,?,?,?)",
		epoch, denom, stakers.String(), slaFund.String(), treasury.String(), burnt.String())
}

// Shares adds what a pool pays for an epoch.
func (t *Tx) Shares(pool int32, epoch uint64, amount, weight math.Int) error {
	return t.exec("INSERT OR REPLACE INTO shares VALUES (?,?,?,?)", pool, epoch, amount.String(), weight.String())
}

// Movement adds coins that came in or went out. party is the other side, or the ledger.
func (t *Tx) Movement(kind, owner, party, amount string) error {
	return t.exec("INSERT INTO movements VALUES (?,?,?,?,?,?)", t.head.Height, t.head.Time.UnixNano(), kind, owner, party, amount)
}

func splitLease(id string) (tenant string, number uint64, err error) {
	tenant, n, ok := strings.Cut(id, "/")
	if ok {
		number, err = strconv.ParseUint(n, 10, 63)
	}
	if !ok || err != nil {
		return "", 0, fmt.Errorf("lease id %q: want tenant/number", id)
	}
	return tenant, number, nil
}

// addCoin adds the amount of a coin such as 5uath to a decimal.
func addCoin(sum, coin string) (string, error) {
	have, ok := math.NewIntFromString(sum)
	if !ok {
		return "", fmt.Errorf("amount %q is not a number", sum)
	}
	c, err := sdk.ParseCoinNormalized(coin)
	if err != nil {
		return "", fmt.Errorf("coin %q: %w", coin, err)
	}
	return have.Add(c.Amount).String(), nil
}
