// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// creditChain starts a chain whose ATH is worth a dollar and falls to a third with the first hour.
func creditChain(t *testing.T) *shadow.Chain {
	t.Helper()
	return pricedChain(t, 1_000_000_000, 333_333_333)
}

// pricedChain starts a chain on which ATH has one price up to the end of the first hour, in 10^-9 dollars, and another after it: that is what
// validators say, and the index does not know it yet.
func pricedChain(t *testing.T, first, then int64) *shadow.Chain {
	t.Helper()
	owner, tenant, gateway := gen.NewAccount("owner"), gen.NewAccount("tenant"), gen.NewAccount("gateway")
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000_000), []gen.Account{owner, tenant, gateway}, func(enc app.Encoding, genesis app.GenesisState) {
		var state athtypes.GenesisState
		enc.Codec.MustUnmarshalJSON(genesis[athtypes.ModuleName], &state)
		state.Params.EpochDuration, state.Params.VerdictHorizonEpochs, state.Params.PriceStaleAfter = 24*time.Hour, 30, athtypes.MaxPriceAge
		price := func(usd int64) athtypes.Price {
			return athtypes.Price{Spot: uint64(usd), Average: math.NewInt(usd).MulRaw(1_000_000_000), ObservedAt: shadow.Start}
		}
		said, index := price(then), athtypes.NewUsdIndex(price(first), shadow.Start)
		state.Price, state.UsdIndex = &said, &index
		genesis[athtypes.ModuleName] = enc.Codec.MustMarshalJSON(&state)
		keepReceipts(enc, genesis)
	})
	register := &providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(1_000)}
	for i := range 2 {
		one, key := machine(owner.String(), i), sim.WorkerKey(owner.String())
		one.WorkerPubkey = key.Public().(ed25519.PublicKey)
		one.WorkerSignature = ed25519.Sign(key, providerstypes.RegistrationSignBytes(shadow.ChainID, owner.String(), one.Class, one.Fingerprint))
		register.Containers = append(register.Containers, one)
	}
	res := c.Block(time.Second,
		c.Sign(owner, &providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"}), c.Sign(owner, register))
	for _, r := range res.TxResults {
		require.Zero(t, r.Code, r.Log)
	}
	return c
}

const (
	// creditRate is what each Container costs, in musd per second; a musd is one uath at first, and three after an hour.
	creditRate = 10
	// covered is a float that carries one lease: 1.5 x 24 h and the minimum charge.
	covered = creditRate*36*3600 + creditRate*60
)

// banked is a world in which somebody is a gateway with a float, and the tenant its customer.
type banked struct {
	*trader
	gateway gen.Account
}

func newBanked(t require.TestingT, c *shadow.Chain, float, limit int64) *banked {
	w := branch(t, c)
	w.market()
	b := &banked{trader: &trader{world: w, denom: athtypes.Denom}, gateway: gen.NewAccount("gateway")}
	for id := uint64(1); id <= 2; id++ {
		require.NoError(t, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{{
			ContainerId: id, Denom: leasestypes.MicroUSD, Rate: math.NewInt(creditRate * 1_000_000), MinCharge: time.Minute,
		}}}))
	}
	require.NoError(t, w.send(&leasestypes.MsgRegisterGateway{
		Authority: gov(), Gateway: b.gateway.String(), Name: "Gateway", MaxCustomers: 10, MaxRate: math.NewInt(1_000_000_000),
	}))
	require.NoError(t, w.send(&leasestypes.MsgFundFloat{Depositor: b.gateway.String(), Amount: sdk.NewInt64Coin(athtypes.Denom, float)}))
	require.NoError(t, b.grant(limit))
	w.fold()
	return b
}

func (b *banked) grant(limit int64) error {
	return b.send(&leasestypes.MsgGrantCredit{Gateway: b.gateway.String(), Customer: b.tenant.String(), Limit: math.NewInt(limit)})
}

// lease leases a Container on credit and starts it where asked; its number is the account's next.
func (b *banked) lease(container uint64, start bool) error {
	hash := sha256.Sum256([]byte("manifest"))
	err := b.send(&leasestypes.MsgCreateLease{
		Tenant: b.tenant.String(), Candidates: []uint64{container}, PriceDenom: leasestypes.MicroUSD, MaxRate: leasestypes.MaxRate, ManifestHash: hash[:],
		Gateway: b.gateway.String(),
	})
	if err != nil {
		return err
	}
	account, err := b.account()
	if err == nil && start {
		b.start(leasestypes.LeaseID{Tenant: b.tenant.Address(), Number: account.NextNumber - 1}.String())
	}
	return err
}

func (b *banked) account() (leasestypes.Account, error) {
	state, err := b.Leases.ExportGenesis(b.ctx)
	if err != nil {
		return leasestypes.Account{}, err
	}
	for _, a := range state.Accounts {
		if a.Tenant == b.tenant.String() {
			return a, nil
		}
	}
	return leasestypes.Account{NextNumber: 1}, nil
}

func (b *banked) float() math.Int {
	return b.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_FLOAT, Owner: b.gateway.String(), Denom: athtypes.Denom})
}

func (b *banked) receipt(number uint64) leasestypes.Receipt {
	r, err := b.Leases.Receipt(b.ctx, leasestypes.LeaseID{Tenant: b.tenant.Address(), Number: number})
	require.NoError(b.t, err)
	return r
}

func (b *banked) line() leasestypes.CreditLine {
	state, err := b.Leases.ExportGenesis(b.ctx)
	require.NoError(b.t, err)
	require.Len(b.t, state.CreditLines, 1)
	return state.CreditLines[0]
}

// TestAGatewayCantPullItsFloat: right after a lease has opened on it nothing can be taken out; who revokes the credit instead pays for having come,
// and can't make the provider serve for nothing.
func TestAGatewayCantPullItsFloat(t *testing.T) {
	b := newBanked(t, creditChain(t), covered+100, 1_000_000_000)
	require.NoError(t, b.lease(1, false))
	require.Error(t, b.send(&leasestypes.MsgWithdrawFloat{Gateway: b.gateway.String(), Amount: sdk.NewInt64Coin(athtypes.Denom, 101)}))
	require.NoError(t, b.send(&leasestypes.MsgWithdrawFloat{Gateway: b.gateway.String(), Amount: sdk.NewInt64Coin(athtypes.Denom, 0)}))
	require.Equal(t, int64(covered), b.float().Int64())
	require.NoError(t, b.send(&leasestypes.MsgRevokeCredit{Gateway: b.gateway.String(), Customer: b.tenant.String()}))
	b.wait(5 * time.Second)
	r := b.receipt(1)
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_CREDIT_ENDED, r.Reason)
	require.Equal(t, int64(creditRate*60), r.Billed.Int64(), "the minimum charge")
	require.Equal(t, r.Billed.String(), b.income().String())
	require.NoError(t, b.CheckInvariants(b.ctx))
}

// TestACustomerAtTheEdgeOfItsCredit: with a musd less than a lease needs there is none; with just enough it runs to its last nanosecond, and opening and
// closing does not stretch it.
func TestACustomerAtTheEdgeOfItsCredit(t *testing.T) {
	const enough = creditRate*60 + creditRate*300 // the minimum charge, and min_runway
	b := newBanked(t, creditChain(t), 10*covered, enough-1)
	require.ErrorIs(t, b.lease(1, true), leasestypes.ErrCreditLimit)
	require.NoError(t, b.grant(enough))
	require.NoError(t, b.lease(1, true))
	require.ErrorIs(t, b.lease(2, true), leasestypes.ErrCreditLimit)
	begun := b.ctx.BlockTime()
	for range 10 {
		b.wait(time.Minute)
	}
	r := b.receipt(1)
	require.Equal(t, begun.Add(enough/creditRate*time.Second), r.EndedAt)
	require.Equal(t, int64(enough), r.Credit.Billed.Int64())
	require.Equal(t, int64(enough), b.line().Spent.Int64())
	require.Equal(t, r.Billed.String(), b.income().String())
	require.ErrorIs(t, b.lease(1, true), leasestypes.ErrCreditLimit)
	require.NoError(t, b.CheckInvariants(b.ctx))
}

// TestATHFallsByTwoThirds: the float pays three times as much for what runs, the customer the same; nothing new opens, and when the float is used up the
// provider has all that was served, to the uath.
func TestATHFallsByTwoThirds(t *testing.T) {
	b := newBanked(t, creditChain(t), covered+creditRate*60, 1_000_000_000)
	require.NoError(t, b.lease(1, true))
	begun := b.ctx.BlockTime()
	for b.ctx.BlockTime().Before(shadow.Start.Add(2 * time.Hour)) {
		b.wait(10 * time.Minute)
	}
	require.ErrorIs(t, b.lease(2, true), leasestypes.ErrFloatTooSmall)
	for range 80 {
		b.wait(10 * time.Minute)
		require.NoError(t, b.CheckInvariants(b.ctx))
	}
	r := b.receipt(1)
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_GATEWAY_DRY, r.Reason)
	require.True(t, r.EndedAt.Before(begun.Add(14*time.Hour)), "36 hours at a dollar are some 13 at a third")
	require.Equal(t, int64(creditRate*r.EndedAt.Sub(begun)/time.Second), r.Credit.Billed.Int64())
	require.True(t, b.float().LT(math.NewInt(creditRate*4)), "all but less than a second")
	require.Equal(t, int64(covered+creditRate*60), b.float().Add(b.income()).Int64())
	require.True(t, b.line().Spent.Equal(r.Credit.Billed))
}

// TestNobodyGetsMoreOnCredit: whatever a gateway and its customer do, the provider earns what the float has lost, the line was charged no more than its limit,
// and the gateway never takes out what its leases need.
func TestNobodyGetsMoreOnCredit(t *testing.T) {
	c := creditChain(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := newBanked(rt, c, 3*covered, 100_000)
		funded := math.NewInt(3 * covered)
		for range rapid.IntRange(5, 30).Draw(rt, "messages") {
			uath := func(most int64) sdk.Coin {
				return sdk.NewInt64Coin(athtypes.Denom, rapid.Int64Range(0, most).Draw(rt, "amount"))
			}
			switch rapid.IntRange(0, 7).Draw(rt, "message") {
			case 0, 1:
				_ = b.lease(rapid.Uint64Range(1, 2).Draw(rt, "container"), rapid.Bool().Draw(rt, "started"))
			case 2:
				amount := uath(covered)
				if b.send(&leasestypes.MsgFundFloat{Depositor: b.gateway.String(), Amount: amount}) == nil {
					funded = funded.Add(amount.Amount)
				}
			case 3:
				before := b.float()
				_ = b.send(&leasestypes.MsgWithdrawFloat{Gateway: b.gateway.String(), Amount: uath(3 * covered)})
				funded = funded.Sub(before.Sub(b.float()))
			case 4:
				_ = b.grant(rapid.Int64Range(1, 200_000).Draw(rt, "limit"))
			case 5:
				_ = b.send(&leasestypes.MsgRevokeCredit{Gateway: b.gateway.String(), Customer: b.tenant.String()})
			case 6:
				_ = b.send(&leasestypes.MsgCloseLease{Signer: b.tenant.String(), LeaseId: leasestypes.LeaseID{
					Tenant: b.tenant.Address(), Number: rapid.Uint64Range(1, 6).Draw(rt, "number"),
				}.String()})
			case 7:
				b.wait(time.Duration(rapid.Int64Range(1, int64(6*time.Hour)).Draw(rt, "wait")))
			}
			b.fold()
			require.NoError(rt, b.CheckInvariants(b.ctx))
			require.Equal(rt, funded.String(), b.float().Add(b.income()).String(), "the provider earns what the float pays")
			state, err := b.Leases.ExportGenesis(b.ctx)
			require.NoError(rt, err)
			for _, line := range state.CreditLines {
				require.True(rt, line.Spent.LTE(line.Limit))
			}
		}
	})
}
