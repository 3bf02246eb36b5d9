// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/checker/probe"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// refuteTime bounds how long a report waits for what the chain says of leases, however many a liar denies: a part of the time to hand it in.
const refuteTime = 15 * time.Second

// refute holds what workers said of their leases against the chain. It is asked now, at the end, and only about leases that were there at
// the round's beginning and that a worker has denied since: one that was closed, paused or moved meanwhile accuses nobody. Neither does
// one that the node can't be asked about: a report must not wait for it.
func (c *Checker) refute(ctx context.Context, head int64) {
	ctx, cancel := context.WithTimeout(ctx, refuteTime)
	defer cancel()
	for _, t := range c.targets {
		samples := c.samples[t.ContainerID]
		if t.Lease == "" || !slices.ContainsFunc(samples, func(s probe.Sample) bool { return s.Kind == probe.OK && s.LeaseID != t.Lease }) {
			continue
		}
		lease, err := c.lease(ctx, t.Lease)
		if err != nil {
			c.Log.Warn("what workers say of their leases can't be compared", "container", t.ContainerID, "err", err)
			return
		}
		for i, s := range samples {
			// The answer about the lease may be one block old; it must not be older than what the worker has seen.
			if lease == nil || s.Height >= head {
				continue
			}
			if samples[i] = s.Refute(*lease, c.blocks.Time(s.Height)); samples[i].Kind != s.Kind {
				c.Log.Info("a worker denies the lease that it is paid for", "container", t.ContainerID, "lease_id", t.Lease, "detail", samples[i].Detail)
			}
		}
	}
}

// lease returns an open lease, or nil where it is closed.
func (c *Checker) lease(ctx context.Context, id string) (*leasetypes.Lease, error) {
	parsed, err := leasetypes.ParseLeaseID(id)
	if err != nil {
		return nil, err
	}
	resp, err := c.leases.Lease(ctx, &leasetypes.QueryLeaseRequest{Tenant: parsed.Tenant.String(), Number: parsed.Number})
	if status.Code(err) == codes.NotFound { // closed, and its receipt is forgotten
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("query lease %s: %w", id, err)
	}
	return resp.Lease, nil
}
