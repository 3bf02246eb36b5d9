// SPDX-License-Identifier: Apache-2.0

package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	txv1beta1 "cosmossdk.io/api/cosmos/tx/v1beta1"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/localnet"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// jobExit is what the batch job ends with: not 0, so that a forgotten code would be seen.
const jobExit = 7

// claim moves the provider's rewards into vesting and pays what is ripe.
func (s *Story) claim(ctx context.Context) error {
	sender, err := s.net.Sender(s.net.Config.Worker.Account)
	if err != nil {
		return err
	}
	tx, err := sender.Send(ctx, &athtypes.MsgClaim{Signer: s.provider, Beneficiary: s.provider, Containers: []uint64{s.lease.ContainerID}})
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	var claimed athtypes.MsgClaimResponse
	if err := tx.Response(0, &claimed); err != nil {
		return err
	}
	if !claimed.Claimed.IsPositive() || !claimed.Ripe.IsPositive() {
		return fmt.Errorf("claimed %s uath, of it %s ripe; want more than 0", claimed.Claimed, claimed.Ripe)
	}
	s.line("claim", "block %d: %s of rewards claimed, of it %s ripe at once; the rest vests", tx.Height, deploy.FormatATH(claimed.Claimed), deploy.FormatATH(claimed.Ripe))
	before, err := s.net.Balance(ctx, s.provider)
	if err != nil {
		return err
	}
	tx, err = sender.Send(ctx, &athtypes.MsgWithdraw{Signer: s.provider, Beneficiary: s.provider})
	if err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	var paid athtypes.MsgWithdrawResponse
	if err := tx.Response(0, &paid); err != nil {
		return err
	}
	out := paid.Amount.AmountOf(athtypes.Denom)
	if out.LT(claimed.Ripe) {
		return fmt.Errorf("withdrew %s uath of at least %s that were ripe", out, claimed.Ripe)
	}
	after, err := s.net.Balance(ctx, s.provider)
	if err != nil {
		return err
	}
	s.line("withdraw", "block %d: %s paid to the provider; its account %s → %s", tx.Height, deploy.FormatATH(out), deploy.FormatATH(before), deploy.FormatATH(after))
	return nil
}

// close ends the lease and checks the bill against the clock.
func (s *Story) close(ctx context.Context) error {
	if _, err := s.net.Athd(ctx, s.net.Config.Tenant, "lease", "close", strconv.FormatUint(s.opened.Number, 10)); err != nil {
		return err
	}
	r, head, err := s.receipt(ctx, s.lease.LeaseID)
	if err != nil {
		return err
	}
	if err := CheckBill(*r); err != nil {
		return err
	}
	s.line("close", "block %d: ran %s at %s: billed %s uath, to the last nanosecond", head.Height, r.EndedAt.Sub(*r.StartedAt).Round(time.Millisecond), deploy.PriceIn(r.PricedIn(), r.Rate), r.Billed)
	return nil
}

// CheckBill recomputes a receipt: rate × time from start to end less outages, rounded down to whole uath.
func CheckBill(r leases.Receipt) error {
	if r.StartedAt == nil {
		if !r.Billed.IsZero() {
			return fmt.Errorf("lease %s never started and is billed %s", id(r.Tenant, r.Number), r.Billed)
		}
		return nil
	}
	served := r.EndedAt.Sub(*r.StartedAt) - r.Outage
	want := r.Rate.MulRaw(int64(served)).Quo(math.NewInt(1_000_000_000_000_000))
	if !r.Billed.Equal(want) {
		return fmt.Errorf("lease %s: billed %s uath; %s at %s × 10⁻⁶ uath/s are %s", id(r.Tenant, r.Number), r.Billed, served, r.Rate, want)
	}
	return nil
}

func (s *Story) receipt(ctx context.Context, lease string) (*leases.Receipt, chain.Head, error) {
	e, head, err := wait(ctx, s.journal, patience, "the receipt of lease "+lease, func(e *leases.EventLeaseClosed, _ chain.Head) bool {
		return id(e.Receipt.Tenant, e.Receipt.Number) == lease
	})
	if err != nil {
		return nil, head, err
	}
	return &e.Receipt, head, nil
}

// batch runs a job that ends by itself.
func (s *Story) batch(ctx context.Context) error {
	if err := s.net.AwaitFree(ctx); err != nil {
		return err
	}
	file, err := s.net.WriteManifest("batch", "batch.yaml", "EXIT_CODE=0", fmt.Sprintf("EXIT_CODE=%d", jobExit))
	if err != nil {
		return err
	}
	result, err := s.deploy(ctx, file)
	if err != nil {
		return err
	}
	s.line("batch job", "lease %s on Container %d", short(s.tenant)+result.LeaseID[len(s.tenant):], result.ContainerID)
	r, head, err := s.receipt(ctx, result.LeaseID)
	if err != nil {
		return err
	}
	if r.Reason != leases.CloseReason_CLOSE_REASON_COMPLETED || !slices.Equal(r.ExitCodes, []int32{jobExit}) {
		return fmt.Errorf("the job's receipt says %s with exit codes %v, want COMPLETED with [%d]", r.Reason, r.ExitCodes, jobExit)
	}
	s.line("job ended", "block %d: exit code %v in its receipt, billed %s uath", head.Height, r.ExitCodes, r.Billed)
	return nil
}

// addUp takes the tenant's free balance back and accounts for every uath: what it had is what it has, what it was billed,
// and the fees of its transactions.
func (s *Story) addUp(ctx context.Context) error {
	sender, err := s.net.Sender(s.net.Config.Tenant)
	if err != nil {
		return err
	}
	tx, err := sender.Send(ctx, &leases.MsgWithdrawDeposit{Tenant: s.tenant, Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())})
	if err != nil {
		return fmt.Errorf("withdraw the deposit: %w", err)
	}
	account, err := leases.NewQueryClient(s.net.Chain().Conn()).Account(ctx, &leases.QueryAccountRequest{Tenant: s.tenant, Denom: athtypes.Denom})
	if err != nil {
		return fmt.Errorf("account of the tenant: %w", err)
	}
	if !account.Balance.IsZero() {
		return fmt.Errorf("the prepaid account still holds %s though every lease is closed", account.Balance)
	}
	after, err := s.net.Balance(ctx, s.tenant)
	if err != nil {
		return err
	}
	billed := math.ZeroInt()
	for _, e := range all[*leases.EventLeaseClosed](s.journal) {
		if e.Receipt.Tenant == s.tenant {
			billed = billed.Add(e.Receipt.Billed)
		}
	}
	fees, count, err := Fees(ctx, s.net, s.tenant, tx.Height)
	if err != nil {
		return err
	}
	if !s.before.Equal(after.Add(billed).Add(fees)) {
		return fmt.Errorf("the tenant had %s uath; it has %s, was billed %s and paid %s in fees: off by %s", s.before, after, billed, fees, s.before.Sub(after).Sub(billed).Sub(fees))
	}
	s.line("tenant", "%s = %s left + %s billed + %s fees of %d transactions, to the uath", deploy.FormatATH(s.before), deploy.FormatATH(after), deploy.FormatATH(billed), deploy.FormatATH(fees), count)
	return s.books(ctx)
}

// Fees sums what an account's transactions paid, from the chain's own index of transactions, once that has reached a height.
func Fees(ctx context.Context, net *localnet.Network, address string, last int64) (math.Int, int, error) {
	sum := math.ZeroInt()
	client := txv1beta1.NewServiceClient(net.Chain().Conn())
	var count int
	err := net.Poll(ctx, 10*time.Second, "the transaction index", func(ctx context.Context) (bool, error) {
		resp, err := client.GetTxsEvent(ctx, &txv1beta1.GetTxsEventRequest{Query: "tx.fee_payer='" + address + "'", Limit: 100})
		if err != nil {
			return false, err
		}
		sum, count = math.ZeroInt(), len(resp.TxResponses)
		newest := int64(0)
		for i, tx := range resp.Txs {
			newest = max(newest, resp.TxResponses[i].Height)
			for _, coin := range tx.AuthInfo.Fee.Amount {
				fee, ok := math.NewIntFromString(coin.Amount)
				if !ok || coin.Denom != athtypes.Denom {
					return false, fmt.Errorf("fee %s%s", coin.Amount, coin.Denom)
				}
				sum = sum.Add(fee)
			}
		}
		if newest < last {
			return false, errors.New("the last transaction is not indexed yet")
		}
		return true, nil
	})
	return sum, count, err
}
