// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// rate of the offers: 1,234.567891 uath per second, which divides into nothing.
const rate = 1_234_567_891

var (
	ready   = providerstypes.ContainerState_CONTAINER_STATE_READY
	leased  = providerstypes.ContainerState_CONTAINER_STATE_LEASED
	offline = providerstypes.ContainerState_CONTAINER_STATE_OFFLINE
)

// TestLeaseFlow plays the whole market on twins that must agree: a provider and Checkers join, a tenant rents, is billed to
// the nanosecond and gets the rest back, the provider, its Checkers and the stakers are paid, everybody leaves. After every
// block all invariants hold and no coin has come from nowhere.
func TestLeaseFlow(t *testing.T) {
	m := newMarket(t, shadow.All())
	m.open(2)

	lease, before := m.rent(m.tenant, gen.ATH(10), 0)
	m.billed(lease, before)
	m.rewarded()
	m.leave()
}

// open registers the provider with that many Containers and waits until Checkers have found them healthy.
func (m *market) open(containers int) {
	m.t.Helper()
	txs := [][]byte{m.Sign(m.owner, &providerstypes.MsgRegisterProvider{
		Owner: m.owner.String(), Operators: []string{m.hot.String()}, Payout: m.purse.String(),
		Tier: providerstypes.Tier_TIER_EDGE, Country: "DE", Contact: "ops@example.org", Domain: "example.org",
	})}
	for _, c := range m.checkers {
		txs = append(txs, m.Sign(c, &checkstypes.MsgBuyLicences{Owner: c.String(), Count: 1, Operator: c.String()}))
	}
	m.next(txs...)

	register := &providerstypes.MsgRegisterContainers{Owner: m.owner.String(), MaxStake: gen.ATH(1_000)}
	for i := range containers {
		fingerprint := sha256.Sum256(fmt.Append(nil, "machine ", i))
		consent := providerstypes.RegistrationSignBytes(shadow.ChainID, m.owner.String(), "cpu", fingerprint[:])
		register.Containers = append(register.Containers, providerstypes.NewContainer{
			WorkerSignature: ed25519.Sign(m.worker, consent),
			Class:           "cpu", Count: 1, WorkerPubkey: m.worker.Public().(ed25519.PublicKey), Fingerprint: fingerprint[:],
			Endpoint: "gpu7.example.org:8443", Connectivity: providerstypes.Connectivity_CONNECTIVITY_DIRECT, Region: "eu-de-fra",
			Spec: providerstypes.Spec{CpuModel: "EPYC", CpuMilli: 2_000, MemoryMib: 4_096, DiskMib: 10_240, Throughput: 2_000, Platform: "linux/amd64"},
		})
	}
	res := m.next(m.Sign(m.owner, register))
	m.ids = answer[providerstypes.MsgRegisterContainersResponse](m.t, res.TxResults[0]).Ids
	require.Len(m.t, m.ids, containers)

	offers := &leasestypes.MsgSetOffers{Operator: m.hot.String()}
	for _, id := range m.ids {
		offers.Offers = append(offers.Offers, leasestypes.Offer{ContainerId: id, Denom: athtypes.Denom, Rate: math.NewInt(rate)})
	}
	m.next(m.Sign(m.hot, offers))
	m.until("all Containers are ready", func() bool {
		for _, id := range m.ids {
			if m.status(id).State != ready {
				return false
			}
		}
		return true
	})
}

// rent opens a lease in one transaction and starts it with the worker's first usage record. It returns the lease's id and
// what the tenant had before.
func (m *market) rent(tenant gen.Account, deposit math.Int, duration time.Duration) (string, math.Int) {
	m.t.Helper()
	before := m.balance(tenant)
	manifest := sha256.Sum256([]byte("manifest"))
	res := m.next(m.Sign(tenant, &leasestypes.MsgCreateLease{
		Tenant: tenant.String(), Requirement: &leasestypes.Requirement{Class: "cpu"}, MaxRate: math.NewInt(rate),
		Deposit: sdk.NewCoin(athtypes.Denom, deposit), ManifestHash: manifest[:], Duration: duration,
	}))
	opened := answer[leasestypes.MsgCreateLeaseResponse](m.t, res.TxResults[0])
	require.Equal(m.t, leased, m.status(opened.ContainerId).State, "in the same block")
	started := m.Now()
	m.next(m.use(opened.LeaseId, started.Add(1_234_567_890), started.Add(blockTime)))
	return opened.LeaseId, before
}

// billed runs a lease for a while, settles and closes it, and checks that the tenant paid rate × time and nothing else.
func (m *market) billed(id string, before math.Int) {
	m.t.Helper()
	lease := m.lease(id)
	require.Equal(m.t, leasestypes.LeaseState_LEASE_STATE_RUNNING, lease.State)
	m.run(20 * time.Second)
	m.next(m.use(id, m.Now().Add(-5*time.Second), m.Now()), m.Sign(m.purse, &leasestypes.MsgSettle{Signer: m.purse.String(), LeaseIds: []string{id}}))
	owed := price(m.Now().Sub(*lease.StartedAt))
	require.Equal(m.t, owed.String(), m.lease(id).Billed.String())
	m.refused("out of sequence", m.Sign(m.hot, &leasestypes.MsgSubmitUsage{Operator: m.hot.String(), Records: []leasestypes.UsageRecord{m.usage[id]}}))

	res := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))
	receipt := answer[leasestypes.MsgCloseLeaseResponse](m.t, res.TxResults[0]).Receipt
	require.Equal(m.t, leasestypes.CloseReason_CLOSE_REASON_TENANT, receipt.Reason)
	require.Equal(m.t, price(receipt.EndedAt.Sub(*receipt.StartedAt)).String(), receipt.Billed.String())
	require.Equal(m.t, ready, m.status(receipt.ContainerId).State)
	m.refused("lease is closed", m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))

	m.next(m.Sign(m.tenant, &leasestypes.MsgWithdrawDeposit{Tenant: m.tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}))
	require.Equal(m.t, before.Sub(receipt.Billed).String(), m.balance(m.tenant).String(), "paid what was billed, to the uath")
}

// price is what a time costs, rounded down to whole uath.
func price(d time.Duration) math.Int {
	return math.NewInt(rate).MulRaw(d.Nanoseconds()).Quo(math.NewInt(1_000_000_000_000_000))
}

func (m *market) lease(id string) leasestypes.Lease {
	m.t.Helper()
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(m.t, err)
	lease, err := m.App().Leases.Lease(m.Context(), parsed)
	require.NoError(m.t, err)
	return lease
}

// rewarded waits for the epoch's verdict horizon, claims and withdraws: the provider's payout address is paid its fees and
// rewards, the Checkers their base reward, and the stakers their part of the fee.
func (m *market) rewarded() {
	m.t.Helper()
	purse, checker := m.balance(m.purse), m.balance(m.checkers[0])
	m.run(3 * time.Minute)
	claims := [][]byte{m.Sign(m.purse, &athtypes.MsgClaim{Signer: m.purse.String(), Beneficiary: m.owner.String(), Containers: m.ids})}
	for _, c := range m.checkers {
		claims = append(claims, m.Sign(c, &athtypes.MsgClaim{Signer: c.String()}))
	}
	res := m.next(claims...)
	claimed := answer[athtypes.MsgClaimResponse](m.t, res.TxResults[0])
	require.True(m.t, claimed.Claimed.IsPositive())
	require.True(m.t, claimed.Ripe.IsPositive() && claimed.Ripe.LT(claimed.Claimed))
	m.run(time.Minute)

	m.next(
		m.Sign(m.tenant, &athtypes.MsgWithdraw{Signer: m.tenant.String(), Beneficiary: m.owner.String()}), // anyone may trigger it
		m.Sign(m.checkers[0], &athtypes.MsgWithdraw{Signer: m.checkers[0].String()}),
	)
	require.True(m.t, m.balance(m.purse).GT(purse.Add(claimed.Claimed)), "rewards and fees reach the payout address")
	require.True(m.t, m.balance(m.checkers[0]).GT(checker), "Checkers earn")
	rewards, err := m.App().Distribution.GetValidatorOutstandingRewards(m.Context(), sdk.ValAddress(gen.NewValidator().Operator.Address()))
	require.NoError(m.t, err)
	require.True(m.t, rewards.Rewards.AmountOf(athtypes.Denom).IsPositive(), "stakers earn from service fees")
}

// leave retires everything and gets stake and bonds back.
func (m *market) leave() {
	m.t.Helper()
	owner, checker := m.balance(m.owner), m.balance(m.checkers[0])
	res := m.next(m.Sign(m.owner, &providerstypes.MsgRetireContainers{Owner: m.owner.String(), Ids: m.ids}))
	stake := answer[providerstypes.MsgRetireContainersResponse](m.t, res.TxResults[0]).Stake
	m.ids = nil
	m.next(m.Sign(m.checkers[0], &checkstypes.MsgEndLicences{Owner: m.checkers[0].String(), Ids: []uint64{1}}))
	m.run(40 * time.Second)
	m.next(
		m.Sign(m.owner, &providerstypes.MsgWithdrawStake{Signer: m.owner.String()}),
		m.Sign(m.checkers[0], &checkstypes.MsgWithdrawBonds{Signer: m.checkers[0].String()}),
	)
	require.Equal(m.t, owner.Add(stake).String(), m.balance(m.owner).String())
	require.Equal(m.t, checker.Add(gen.ATH(100)).String(), m.balance(m.checkers[0]).String())
	m.run(30 * time.Second)
	m.next(m.Sign(m.owner, &providerstypes.MsgDeregisterProvider{Owner: m.owner.String()}))
}
