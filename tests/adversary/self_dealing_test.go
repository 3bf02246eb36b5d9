// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// dealerRate is what the party pays itself per second, in 10^-6 uath: large enough that rounding is nothing.
const dealerRate = 900_000_000_000

// dealerChain is a chain with short epochs and one party: the provider's owner is its Indexer too, and the tenant is it as well.
func dealerChain(t testing.TB, edit ...func(*athtypes.Params)) *shadow.Chain {
	t.Helper()
	owner, tenant := gen.NewAccount("owner"), gen.NewAccount("tenant")
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000_000), []gen.Account{owner, tenant},
		func(enc app.Encoding, genesis app.GenesisState) {
			var state athtypes.GenesisState
			enc.Codec.MustUnmarshalJSON(genesis[athtypes.ModuleName], &state)
			state.Params.EpochDuration = time.Minute
			for _, change := range edit {
				change(&state.Params)
			}
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
		c.Sign(owner, &providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"}),
		c.Sign(owner, register))
	for _, r := range res.TxResults {
		require.Zero(t, r.Code, r.Log)
	}
	return c
}

// allowedParams are any that validate, with vesting that ends within the test.
func allowedParams(t *rapid.T, label string) athtypes.Params {
	ppm := func(name string, most uint32) uint32 { return rapid.Uint32Range(0, most).Draw(t, label+name) }
	p := athtypes.DefaultParams()
	p.EpochDuration = time.Duration(rapid.IntRange(1, 120).Draw(t, label+"epoch")) * time.Second
	p.VerdictHorizonEpochs = rapid.Uint64Range(1, 5).Draw(t, label+"horizon")
	p.ServiceFeePpm = ppm("fee", athtypes.MaxServiceFeePPM)
	stakers := ppm("stakers", athtypes.PPM-athtypes.MinSelfDealingLossPPM)
	fund := ppm("fund", athtypes.PPM-stakers)
	treasury := ppm("treasury", athtypes.PPM-stakers-fund)
	p.FeeSplit = athtypes.FeeSplit{StakersPpm: stakers, SlaFundPpm: fund, TreasuryPpm: treasury, BurnPpm: athtypes.PPM - stakers - fund - treasury}
	back := uint32(athtypes.PPM-athtypes.MinSelfDealingLossPPM) - stakers
	p.KappaDeliveryPpm = ppm("delivery", back)
	p.KappaIndexerPpm = back - p.KappaDeliveryPpm // whatever is allowed: the worst case
	p.CapacityPpm, p.IndexerGrantsPpm, p.IndexerPpm = ppm("capacity", athtypes.PPM), ppm("grants", athtypes.PPM), ppm("indexer", athtypes.PPM)
	p.FeeVesting = 10 * time.Second
	p.RewardVesting = []athtypes.Tranche{{Delay: 0, Ppm: 300_000}, {Delay: 10 * time.Second, Ppm: 700_000}}
	p.CheckerVesting, p.MinExitDelay = p.RewardVesting, time.Second
	require.NoError(t, p.Validate())
	return p
}

// govern sets parameters as governance does.
func (w *world) govern(p athtypes.Params) {
	require.NoError(w.t, w.send(&athtypes.MsgUpdateParams{Authority: gov(), Params: p}))
}

// wealth is all that the party has in accounts, and what went to stakers: all stake is its own.
func (w *world) wealth() math.Int {
	sum := math.ZeroInt()
	for _, address := range []sdk.AccAddress{w.owner.Address(), w.tenant.Address(), authtypes.NewModuleAddress(authtypes.FeeCollectorName)} {
		sum = sum.Add(w.Bank.GetBalance(w.ctx, address, athtypes.Denom).Amount)
	}
	return sum
}

// rent leases the party's own Container with a quote of its own, and starts it.
func (w *world) rent() string {
	require.NoError(w.t, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{
		{ContainerId: 1, Denom: athtypes.Denom, Rate: math.NewInt(dealerRate), MinCharge: time.Minute},
	}}))
	manifest := sha256.Sum256([]byte("manifest"))
	msg := &leasestypes.MsgCreateLease{
		Tenant: w.tenant.String(), Candidates: []uint64{1}, MaxRate: math.NewInt(dealerRate), ManifestHash: manifest[:],
		Deposit: sdk.NewCoin(athtypes.Denom, gen.ATH(10_000)),
	}
	msg.Quote = &leasestypes.Quote{
		Indexer: w.owner.String(), Candidates: msg.Candidates, Rates: []math.Int{msg.MaxRate}, Nonce: 1,
		ExpiresAt: w.ctx.BlockTime().Add(time.Minute), RequirementHash: msg.Wanted().Hash(), Pubkey: w.owner.Key.PubKey().Bytes(),
	}
	var err error
	msg.Quote.Signature, err = w.owner.Key.Sign(msg.Quote.SignBytes(shadow.ChainID, msg.Tenant))
	require.NoError(w.t, err)
	require.NoError(w.t, w.send(msg))
	id := w.tenant.String() + "/1"
	image := sha256.Sum256([]byte("image"))
	record := leasestypes.UsageRecord{
		LeaseId: id, Sequence: 1, From: w.ctx.BlockTime(), Until: w.ctx.BlockTime(), ImageDigest: image[:],
		BlockHeight: w.height - 1, BlockHash: image[:],
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(w.owner.String()), record.SignBytes(shadow.ChainID))
	require.NoError(w.t, w.send(&leasestypes.MsgSubmitUsage{Operator: w.owner.String(), Records: []leasestypes.UsageRecord{record}}))
	return id
}

// cashIn lets everything come due, and takes it: epochs to the horizon, claims, vesting, withdrawals. Capacity stays where it
// is: an idle Container would have it as well.
func (w *world) cashIn() {
	for range 8 { // more epochs than any horizon that is drawn
		w.block(2 * time.Minute)
	}
	for _, who := range []gen.Account{w.owner, w.tenant} {
		require.NoError(w.t, w.send(&athtypes.MsgClaim{
			Signer: who.String(), Ledgers: []athtypes.Ledger{athtypes.Ledger_LEDGER_DELIVERY, athtypes.Ledger_LEDGER_INDEXER},
		}))
	}
	w.block(time.Minute)
	for _, who := range []gen.Account{w.owner, w.tenant} {
		_ = w.send(&athtypes.MsgWithdraw{Signer: who.String()}) // somebody without income is refused
	}
	require.NoError(w.t, w.send(&leasestypes.MsgWithdrawDeposit{Tenant: w.tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}))
	w.block(time.Second)
	require.Empty(w.t, w.vesting(), "all of it was paid out")
}

// vesting are the party's rows that still vest.
func (w *world) vesting() (rows []athtypes.RowBalance) {
	for _, row := range w.rows() {
		for _, kind := range athtypes.VestingKinds() {
			if row.Row.Kind == kind {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (w *world) receipt(id string) leasestypes.Receipt {
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(w.t, err)
	receipt, err := w.Leases.Receipt(w.ctx, parsed)
	require.NoError(w.t, err)
	return receipt
}

// TestOnePartyLosesAtEverySetting: somebody who is tenant, provider, Indexer and the only staker leases from itself, and
// takes all that it can get: at least 5% of every service fee is gone.
func TestOnePartyLosesAtEverySetting(t *testing.T) {
	c := dealerChain(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		p := allowedParams(rt, "")
		w.govern(p)
		w.block(time.Second)
		before := w.wealth()
		id, settlements := w.rent(), int64(0)
		for range rapid.IntRange(1, 4).Draw(rt, "settlements") {
			w.block(time.Duration(rapid.IntRange(1, 300).Draw(rt, "seconds")) * time.Second)
			require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
			settlements++
		}
		require.NoError(rt, w.send(&leasestypes.MsgCloseLease{Signer: w.tenant.String(), LeaseId: id}))
		paid := w.receipt(id).Billed
		require.True(rt, paid.IsPositive())
		w.cashIn()
		lost := before.Sub(w.wealth())
		fee := p.ServiceFeeRoundedDown(paid).SubRaw(settlements + 1) // each settlement rounds for itself
		least := athtypes.PartRoundedDown(math.MaxInt(fee, math.ZeroInt()), athtypes.MinSelfDealingLossPPM)
		require.True(rt, lost.GTE(least), "paid %s, fee %s, lost %s, at least %s: %+v", paid, fee, lost, least, p)
	})
}

// TestNobodyGainsFromChangedParameters: governance changes fee, split, kappas, horizon and the length of epochs at any
// moment, in mid-epoch too. All invariants hold after every block, and the party still gains nothing.
func TestNobodyGainsFromChangedParameters(t *testing.T) {
	c := dealerChain(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		w.govern(allowedParams(rt, "first "))
		w.block(time.Second)
		before := w.wealth()
		id := w.rent()
		steps := rapid.IntRange(1, 8).Draw(rt, "steps")
		for i := range steps {
			w.block(time.Duration(rapid.IntRange(1, 200).Draw(rt, "seconds")) * time.Second)
			if rapid.Bool().Draw(rt, "change") {
				w.govern(allowedParams(rt, "then "))
			}
			if rapid.Bool().Draw(rt, "settle") && i < steps-1 {
				require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
			}
		}
		require.NoError(rt, w.send(&leasestypes.MsgCloseLease{Signer: w.tenant.String(), LeaseId: id}))
		for range rapid.IntRange(0, 6).Draw(rt, "changes after") {
			w.block(time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds after")) * time.Second)
			w.govern(allowedParams(rt, "after "))
		}
		w.cashIn()
		require.True(rt, w.wealth().LTE(before), "had %s, has %s", before, w.wealth())
	})
}
