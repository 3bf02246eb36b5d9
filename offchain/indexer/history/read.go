// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	sdkmath "cosmossdk.io/math"

	"github.com/athnet/ath/offchain/indexer/api"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// Leases returns leases of a tenant, newest first, with numbers below before (0: from the newest), at most limit.
func (s *Store) Leases(ctx context.Context, tenant string, before uint64, limit int) ([]api.LeaseRecord, error) {
	if before == 0 || before > math.MaxInt64 {
		before = math.MaxInt64
	}
	rows, err := s.db.QueryContext(ctx, `SELECT number, container_id, provider, denom, price_denom, rate, opened_at, started_at, closed_at, reason,
		closed_by, billed, fee, usage_records, exit_codes, mode, reclaim_at FROM leases WHERE tenant = ? AND number < ? ORDER BY number DESC LIMIT ?`,
		tenant, before, limit)
	if err != nil {
		return nil, fmt.Errorf("history: leases of %s: %w", tenant, err)
	}
	defer rows.Close()
	var out []api.LeaseRecord
	for rows.Next() {
		var (
			r                       api.LeaseRecord
			number                  uint64
			opened                  int64
			started, closed         sql.NullInt64
			reclaimed               sql.NullInt64
			reason, mode            int32
			rate, billed, fee, exit string
		)
		if err := rows.Scan(&number, &r.ContainerId, &r.Provider, &r.Denom, &r.PriceDenom, &rate, &opened, &started, &closed, &reason,
			&r.ClosedBy, &billed, &fee, &r.UsageRecords, &exit, &mode, &reclaimed); err != nil {
			return nil, fmt.Errorf("history: leases of %s: %w", tenant, err)
		}
		r.LeaseId, r.Reason = tenant+"/"+strconv.FormatUint(number, 10), leasetypes.CloseReason(reason)
		r.Mode, r.ReclaimAt = leasetypes.LeaseMode(mode), instant(reclaimed)
		r.OpenedAt, r.StartedAt, r.ClosedAt = time.Unix(0, opened).UTC(), instant(started), instant(closed)
		for _, amount := range []struct {
			text string
			to   *sdkmath.Int
		}{{rate, &r.Rate}, {billed, &r.Billed}, {fee, &r.Fee}} {
			v, ok := sdkmath.NewIntFromString(amount.text)
			if !ok {
				return nil, fmt.Errorf("history: lease %s: amount %q", r.LeaseId, amount.text)
			}
			*amount.to = v
		}
		for code := range strings.SplitSeq(exit, ",") {
			if v, err := strconv.ParseInt(code, 10, 32); err == nil {
				r.ExitCodes = append(r.ExitCodes, int32(v))
			}
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func instant(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	t := time.Unix(0, n.Int64).UTC()
	return &t
}
