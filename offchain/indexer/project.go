// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cosmos/gogoproto/proto"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/indexer/history"
	"github.com/athnet/ath/offchain/indexer/market"
	athtypes "github.com/athnet/ath/x/ath/types"
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// view is what an event is projected into: the market in memory, or history, or both. Either may be nil.
type view struct {
	head    chain.Head
	market  *market.Market
	history *history.Tx
}

// projector takes one event over into a view.
type projector func(v view, msg proto.Message) error

// projectors has one entry for every event of our modules (TestEveryEventHasAProjector).
var projectors = map[string]projector{}

// on registers the projector of one event.
func on[T any, P interface {
	*T
	proto.Message
}](fn func(v view, e *T) error,
) struct{} {
	projectors[proto.MessageName(P(new(T)))] = func(v view, msg proto.Message) error {
		e, ok := msg.(P)
		if !ok {
			return fmt.Errorf("projector of %s got %T", proto.MessageName(P(new(T))), msg)
		}
		return fn(v, (*T)(e))
	}
	return struct{}{}
}

// unused is for events that change nothing here; they are still streamed to whoever listens.
func unused[T any](view, *T) error { return nil }

var _ = []struct{}{
	on(containerRegistered), on(containerUpdated), on(containerStatusChanged), on(heartbeat),
	on(offerSet), on(offerRemoved),
	on(leaseOpened), on(leaseStarted), on(leaseSettled), on(slaCredited), on(proceedsPaid), on(leaseBroken), on(leaseClosed), on(usageRecorded), on(leaseUpdated), on(leaseMoved), on(leaseReclaimed),
	on(channelRedeemed), on(deposited), on(depositWithdrawn), on(depositReclaimed), on(stakeWithdrawn), on(claimed), on(withdrawn),
	on(shardJudged), on(taskJudged),
	on(epochEnded), on(feesDistributed), on(sharesClosed),

	// A provider without Containers offers nothing; its name and contact are asked of the chain.
	on(unused[providertypes.EventProviderRegistered]), on(unused[providertypes.EventProviderUpdated]),
	on(unused[providertypes.EventProviderDeregistered]),
	// The catalogue matters to whoever registers; Containers name their class.
	on(unused[providertypes.EventClassSet]),
	// Licences and rounds are asked of the chain; their results come as verdicts and tasks.
	on(unused[checktypes.EventLicenceChanged]), on(unused[checktypes.EventLicenceEnded]), on(unused[checktypes.EventRoundStarted]),
	on(unused[checktypes.EventReportSubmitted]), on(unused[checktypes.EventJudgementFailed]),
	// Capacity is a stream: what it pays shows in claims.
	on(unused[athtypes.EventCapacityConfirmed]), on(unused[athtypes.EventPayoutSet]),
	on(unused[leasetypes.EventQueueParked]),
	on(receiptsLogged), on(receiptRoot),
	// That a lease is paused shows in what is paid for it; warnings are for those who listen.
	on(unused[leasetypes.EventLeasePaused]), on(unused[leasetypes.EventLeaseResumed]), on(unused[leasetypes.EventLowFunds]),
	// What is in a channel is still its tenant's, in x/ath's vault; what leaves it is a movement.
	on(unused[leasetypes.EventChannelOpened]), on(unused[leasetypes.EventChannelUpdated]), on(unused[leasetypes.EventChannelClosed]),
	// Grants and sub-accounts are asked of the chain; what is paid under them is a deposit.
	on(unused[leasetypes.EventDepositGranted]), on(unused[leasetypes.EventDepositGrantRevoked]), on(unused[leasetypes.EventRefillSet]),
	on(unused[leasetypes.EventRefillFailed]), on(unused[leasetypes.EventSubAccountSet]),
	on(floatFunded), on(floatWithdrawn),
	// Gateways and credit lines are asked of the chain; warnings are for those who listen.
	on(unused[leasetypes.EventGatewayRegistered]), on(unused[leasetypes.EventGatewayRemoved]), on(unused[leasetypes.EventFloatLow]),
	on(unused[leasetypes.EventCreditGranted]), on(unused[leasetypes.EventCreditRevoked]), on(unused[leasetypes.EventCreditLow]),
	// What a session is free of shows in what is settled.
	on(unused[leasetypes.EventSlaFreed]),
	// The market in memory judges by itself which Containers are free.
	on(unused[leasetypes.EventOfferListed]), on(unused[leasetypes.EventOfferDelisted]),
	// What tickets do to a Container comes with its status; who risks what is asked of the chain.
	on(unused[providertypes.EventTicketOpened]), on(unused[providertypes.EventTicketContested]), on(unused[providertypes.EventTicketClosed]),
	on(unused[providertypes.EventTicketParked]), on(unused[providertypes.EventStakeToppedUp]), on(unused[providertypes.EventCoefficientSet]),
	// The DAO's stream follows from its grant, and delegators see it in x/distribution.
	on(unused[athtypes.EventDaoStreamed]),
	// What governance spends is in its proposals.
	on(unused[athtypes.EventSpent]),
	// Exits end in withdrawals. Beacon and price are the chain's own.
	on(unused[athtypes.EventExited]), on(unused[athtypes.EventBeaconKeySet]), on(unused[athtypes.EventBeaconProofRefused]),
	on(unused[athtypes.EventUsdIndexStepped]),
}

// project takes a block over into a view. Events that are not ours are passed by; one of ours that cannot be read is an error,
// because everything after it would be built on a hole.
func project(v view, b chain.Block, each func(proto.Message)) error {
	v.head = b.Head
	for _, ev := range b.Events {
		fn, ours := projectors[ev.Type]
		if !ours {
			continue
		}
		msg, err := chain.TypedEvent(ev)
		if err != nil {
			return fmt.Errorf("block %d: %w", b.Height, err)
		}
		if err := fn(v, msg); err != nil {
			return fmt.Errorf("block %d: %s: %w", b.Height, ev.Type, err)
		}
		if each != nil {
			each(msg)
		}
	}
	if v.market != nil {
		v.market.SetHead(b.Height, b.Time)
	}
	return nil
}

func containerRegistered(v view, e *providertypes.EventContainerRegistered) error {
	status := providertypes.ContainerStatus{Id: e.Container.Id, State: e.State}
	if v.market != nil {
		v.market.PutContainer(e.Container)
		v.market.PutStatus(status)
	}
	if v.history != nil {
		return v.history.ContainerState(status)
	}
	return nil
}

func containerUpdated(v view, e *providertypes.EventContainerUpdated) error {
	if v.market != nil {
		v.market.PutContainer(e.Container)
	}
	return nil
}

func containerStatusChanged(v view, e *providertypes.EventContainerStatusChanged) error {
	if v.market != nil {
		v.market.PutStatus(e.Status)
	}
	if v.history != nil {
		return v.history.ContainerState(e.Status)
	}
	return nil
}

func heartbeat(v view, e *providertypes.EventHeartbeat) error {
	if v.market != nil {
		v.market.Heard(v.head.Time, e.Ids...)
	}
	return nil
}

func offerSet(v view, e *leasetypes.EventOfferSet) error {
	if v.market != nil {
		if e.Offer.Rate.IsNil() {
			return errors.New("offer.rate: missing")
		}
		v.market.PutOffer(e.Offer)
	}
	return nil
}

func offerRemoved(v view, e *leasetypes.EventOfferRemoved) error {
	if v.market != nil {
		v.market.RemoveOffer(e.ContainerId)
	}
	return nil
}

func leaseOpened(v view, e *leasetypes.EventLeaseOpened) error {
	if v.history != nil {
		return v.history.LeaseOpened(e.Lease)
	}
	return nil
}

func leaseStarted(v view, e *leasetypes.EventLeaseStarted) error {
	if v.history != nil {
		return v.history.LeaseStarted(e.Lease)
	}
	return nil
}

func leaseUpdated(v view, e *leasetypes.EventLeaseUpdated) error { return leaseChanged(v, e.Lease) }

func leaseMoved(v view, e *leasetypes.EventLeaseMoved) error { return leaseChanged(v, e.Lease) }

func leaseReclaimed(v view, e *leasetypes.EventLeaseReclaimed) error { return leaseChanged(v, e.Lease) }

func leaseChanged(v view, lease leasetypes.Lease) error {
	if v.history != nil {
		return v.history.LeaseChanged(lease)
	}
	return nil
}

func leaseSettled(v view, e *leasetypes.EventLeaseSettled) error {
	if v.history != nil {
		return v.history.LeaseSettled(e.LeaseId, e.Paid, e.Fee)
	}
	return nil
}

func receiptsLogged(v view, e *leasetypes.EventReceiptsLogged) error {
	if v.history != nil {
		return v.history.ReceiptsLogged(e.First, e.LeaseIds)
	}
	return nil
}

func receiptRoot(v view, e *leasetypes.EventReceiptRoot) error {
	if v.history != nil {
		return v.history.ReceiptRoot(e.Root)
	}
	return nil
}

// slaCredited keeps what came back as movements of the tenant, by where it came from.
func slaCredited(v view, e *leasetypes.EventSlaCredited) error {
	if v.history == nil {
		return nil
	}
	tenant, _, _ := strings.Cut(e.LeaseId, "/")
	if e.Gateway != "" { // whose float paid, and gets it
		tenant = e.Gateway
	}
	if err := v.history.Movement("sla_fees", tenant, e.Provider, e.FromFees); err != nil {
		return err
	}
	return v.history.Movement("sla_fund", tenant, e.Provider, e.FromFund)
}

// leaseBroken keeps what a tenant got back of a lease that its provider has broken.
func leaseBroken(v view, e *leasetypes.EventLeaseBroken) error {
	if v.history == nil {
		return nil
	}
	tenant, _, _ := strings.Cut(e.Breach.LeaseId, "/")
	return v.history.Movement("breach_fees", tenant, e.Breach.Provider, e.FromFees)
}

// proceedsPaid keeps what a provider's ticket brought in for a tenant.
func proceedsPaid(v view, e *leasetypes.EventProceedsPaid) error {
	if v.history == nil {
		return nil
	}
	return v.history.Movement("sla_ticket", e.Tenant, "", e.Amount)
}

func leaseClosed(v view, e *leasetypes.EventLeaseClosed) error {
	if v.history != nil {
		return v.history.LeaseClosed(e.Receipt)
	}
	return nil
}

func usageRecorded(v view, e *leasetypes.EventUsageRecorded) error {
	if v.history != nil {
		return v.history.UsageRecorded(e.Record)
	}
	return nil
}

func deposited(v view, e *leasetypes.EventDeposited) error {
	if v.history == nil {
		return nil
	}
	kind := "deposit"
	if e.Source == leasetypes.DepositSource_DEPOSIT_SOURCE_PARENT {
		kind = "sub_account_funded"
	}
	return v.history.Movement(kind, e.Tenant, e.Depositor, e.Amount)
}

func depositReclaimed(v view, e *leasetypes.EventDepositReclaimed) error {
	if v.history == nil {
		return nil
	}
	kind := "deposit_reclaimed"
	if e.Source == leasetypes.DepositSource_DEPOSIT_SOURCE_PARENT {
		kind = "sub_account_defunded"
	}
	return v.history.Movement(kind, e.Tenant, e.Depositor, e.Amount)
}

func depositWithdrawn(v view, e *leasetypes.EventDepositWithdrawn) error {
	if v.history != nil {
		return v.history.Movement("deposit_withdrawn", e.Tenant, e.Tenant, e.Amount)
	}
	return nil
}

func floatFunded(v view, e *leasetypes.EventFloatFunded) error {
	if v.history != nil {
		return v.history.Movement("float_funded", e.Gateway, e.Depositor, e.Amount)
	}
	return nil
}

func floatWithdrawn(v view, e *leasetypes.EventFloatWithdrawn) error {
	if v.history != nil {
		return v.history.Movement("float_withdrawn", e.Gateway, e.Gateway, e.Amount)
	}
	return nil
}

func channelRedeemed(v view, e *leasetypes.EventChannelRedeemed) error {
	if v.history != nil {
		return v.history.Movement("channel_redeemed", e.Tenant, e.Provider, strconv.FormatUint(e.Paid, 10)+athtypes.Denom)
	}
	return nil
}

func stakeWithdrawn(v view, e *providertypes.EventStakeWithdrawn) error {
	if v.history != nil {
		return v.history.Movement("stake_withdrawn", e.Owner, e.Owner, e.Amount.String()+athtypes.Denom)
	}
	return nil
}

func claimed(v view, e *athtypes.EventClaimed) error {
	if v.history != nil {
		return v.history.Movement("claim", e.Beneficiary, e.Ledger.String(), e.Amount.String()+athtypes.Denom)
	}
	return nil
}

func withdrawn(v view, e *athtypes.EventWithdrawn) error {
	if v.history != nil {
		return v.history.Movement("withdrawal", e.Beneficiary, e.Beneficiary, e.Amount)
	}
	return nil
}

func shardJudged(v view, e *checktypes.EventShardJudged) error {
	if v.history != nil {
		return v.history.Verdict(e.Round, e.Shard, e.Committee, e.Revealed, e.Healthy, e.Faulty, e.Inconclusive)
	}
	return nil
}

func taskJudged(v view, e *checktypes.EventTaskJudged) error {
	if v.history != nil {
		return v.history.Task(e.Round, e.Shard, e.Licence, e.Correct, e.Reason)
	}
	return nil
}

func epochEnded(v view, e *athtypes.EventEpochEnded) error {
	if v.history != nil {
		return v.history.Epoch(e.Epoch, e.Emitted)
	}
	return nil
}

func feesDistributed(v view, e *athtypes.EventFeesDistributed) error {
	if v.history != nil {
		return v.history.Fees(e.Epoch, e.Denom, e.Stakers, e.SlaFund, e.Treasury, e.Burnt)
	}
	return nil
}

func sharesClosed(v view, e *athtypes.EventSharesClosed) error {
	if v.history != nil {
		return v.history.Shares(int32(e.Pool), e.Epoch, e.Amount, e.Weight)
	}
	return nil
}
