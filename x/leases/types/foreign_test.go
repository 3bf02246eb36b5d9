// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
)

var someTenant = sdk.AccAddress(bytes.Repeat([]byte{7}, 20)).String()

func FuzzParseLeaseID(f *testing.F) {
	f.Add(someTenant + "/7")
	f.Add("/")
	f.Add(someTenant + "/007")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseLeaseID(text)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalidLeaseID)
			return
		}
		again, err := ParseLeaseID(id.String())
		require.NoError(t, err)
		require.Equal(t, id, again)
	})
}

func FuzzUsageRecord(f *testing.F) {
	good := signedRecord(ed25519.NewKeyFromSeed(make([]byte, 32)))
	bz, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bz)
	f.Fuzz(func(t *testing.T, bz []byte) {
		var record UsageRecord
		if record.Unmarshal(bz) != nil || record.Validate() != nil {
			return
		}
		sign := record.SignBytes("ath-1")
		require.Len(t, sign, 32)
		require.NotEqual(t, sign, record.SignBytes("ath-2"))
		again, err := record.Marshal()
		require.NoError(t, err)
		var copied UsageRecord
		require.NoError(t, copied.Unmarshal(again))
		require.Equal(t, sign, copied.SignBytes("ath-1"))
		lease := Lease{CreatedAt: epoch}
		_, _ = lease.Follow(record, "ath-1", epoch, 10, time.Second)
		require.Error(t, record.Verify("ath-1", nil))
	})
}

func FuzzQuote(f *testing.F) {
	good, _ := signedQuote("ath-1", someTenant, Requirement{Class: "cpu"}, epoch.Add(time.Minute))
	bz, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bz)
	f.Fuzz(func(t *testing.T, bz []byte) {
		var quote Quote
		if quote.Unmarshal(bz) != nil || quote.Validate() != nil {
			return
		}
		require.Len(t, quote.SignBytes("ath-1", someTenant), 32)
		_, _ = quote.Verify("ath-1", someTenant, Requirement{}, epoch)
		quote.Counts(Offer{ContainerId: 1, Rate: math.OneInt()})
	})
}

func FuzzMsgCreateLease(f *testing.F) {
	good := MsgCreateLease{
		Tenant: someTenant, Candidates: []uint64{1, 2}, Requirement: &Requirement{Class: "cpu"}, MaxRate: math.NewInt(5),
		Deposit: sdk.NewInt64Coin("uath", 5), ManifestHash: make([]byte, 32),
	}
	bz, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bz)
	f.Fuzz(func(t *testing.T, bz []byte) {
		var msg MsgCreateLease
		if msg.Unmarshal(bz) != nil || msg.Validate() != nil {
			return
		}
		require.True(t, msg.MaxRate.IsPositive())
		require.Len(t, msg.ManifestHash, 32)
	})
}

func signedRecord(key ed25519.PrivateKey) UsageRecord {
	record := UsageRecord{
		LeaseId: someTenant + "/1", Sequence: 1, From: epoch, Until: epoch.Add(time.Second), ImageDigest: make([]byte, 32),
		BlockHeight: 5, BlockHash: make([]byte, 32),
	}
	record.Signature = ed25519.Sign(key, record.SignBytes("ath-1"))
	return record
}

func signedQuote(chainID, tenant string, requirement Requirement, expires time.Time) (Quote, sdk.AccAddress) {
	key := secp256k1.GenPrivKeyFromSecret([]byte("indexer"))
	indexer := sdk.AccAddress(key.PubKey().Address())
	quote := Quote{
		Indexer: indexer.String(), Candidates: []uint64{3, 4}, Rates: []math.Int{math.NewInt(10), math.NewInt(20)}, Nonce: 9,
		ExpiresAt: expires, RequirementHash: requirement.Hash(), Pubkey: key.PubKey().Bytes(),
	}
	var err error
	if quote.Signature, err = key.Sign(quote.SignBytes(chainID, tenant)); err != nil {
		panic(err)
	}
	return quote, indexer
}

// TestUsageRecordVerify: no field of a record can change after it was signed, nor its chain.
func TestUsageRecordVerify(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := []byte(key.Public().(ed25519.PublicKey))
	require.NoError(t, signedRecord(key).Validate())
	require.NoError(t, signedRecord(key).Verify("ath-1", public))
	require.ErrorIs(t, signedRecord(key).Verify("ath-2", public), ErrUsageSignature)
	require.ErrorIs(t, signedRecord(key).Verify("ath-1", public[:31]), ErrUsageSignature)
	for name, change := range map[string]func(*UsageRecord){
		"lease": func(r *UsageRecord) { r.LeaseId = someTenant + "/2" }, "sequence": func(r *UsageRecord) { r.Sequence++ },
		"from": func(r *UsageRecord) { r.From = r.From.Add(1) }, "until": func(r *UsageRecord) { r.Until = r.Until.Add(1) },
		"image": func(r *UsageRecord) { r.ImageDigest[0]++ }, "cpu": func(r *UsageRecord) { r.CpuMs++ },
		"memory": func(r *UsageRecord) { r.MemoryMib++ }, "gpu": func(r *UsageRecord) { r.GpuMs++ },
		"rx": func(r *UsageRecord) { r.NetworkRx++ }, "tx": func(r *UsageRecord) { r.NetworkTx++ },
		"height": func(r *UsageRecord) { r.BlockHeight++ }, "block": func(r *UsageRecord) { r.BlockHash[0]++ },
		"prev": func(r *UsageRecord) { r.PrevHash = make([]byte, 32) },
	} {
		record := signedRecord(key)
		change(&record)
		require.ErrorIs(t, record.Verify("ath-1", public), ErrUsageSignature, name)
	}
}

// TestQuoteVerify: a quote counts for one tenant, chain, requirement and minute.
func TestQuoteVerify(t *testing.T) {
	requirement := Requirement{Class: "cpu", MemoryMib: 512}
	quote, indexer := signedQuote("ath-1", someTenant, requirement, epoch.Add(time.Minute))
	require.NoError(t, quote.Validate())
	got, err := quote.Verify("ath-1", someTenant, requirement, epoch)
	require.NoError(t, err)
	require.Equal(t, indexer, got)
	require.True(t, quote.Counts(Offer{ContainerId: 3, Denom: "uath", Rate: math.NewInt(10)}))
	require.False(t, quote.Counts(Offer{ContainerId: 3, Denom: "uath", Rate: math.NewInt(11)}), "dearer than quoted")
	require.False(t, quote.Counts(Offer{ContainerId: 3, Denom: MicroUSD, Rate: math.NewInt(10)}), "quoted in uath")
	require.False(t, quote.Counts(Offer{ContainerId: 5, Denom: "uath", Rate: math.NewInt(1)}), "not a candidate")

	other := sdk.AccAddress(make([]byte, 20)).String()
	for name, tc := range map[string]struct {
		chain, tenant string
		requirement   Requirement
		now           time.Time
		change        func(*Quote)
		want          error
	}{
		"chain":       {chain: "ath-2", want: ErrInvalidQuote},
		"tenant":      {tenant: other, want: ErrInvalidQuote},
		"requirement": {requirement: Requirement{Class: "gpu"}, want: ErrInvalidQuote},
		"expired":     {now: epoch.Add(time.Minute), want: ErrQuoteExpired},
		"too early":   {now: epoch.Add(-1), want: ErrQuoteExpired},
		"indexer":     {change: func(q *Quote) { q.Indexer = other }, want: ErrInvalidQuote},
		"key":         {change: func(q *Quote) { q.Pubkey = secp256k1.GenPrivKey().PubKey().Bytes() }, want: ErrInvalidQuote},
		"nonce":       {change: func(q *Quote) { q.Nonce++ }, want: ErrInvalidQuote},
		"rate":        {change: func(q *Quote) { q.Rates = []math.Int{math.NewInt(10), math.NewInt(21)} }, want: ErrInvalidQuote},
		"candidates":  {change: func(q *Quote) { q.Candidates = []uint64{4, 3} }, want: ErrInvalidQuote},
	} {
		if tc.chain == "" {
			tc.chain = "ath-1"
		}
		if tc.tenant == "" {
			tc.tenant = someTenant
		}
		if tc.requirement.Class == "" {
			tc.requirement = requirement
		}
		if tc.now.IsZero() {
			tc.now = epoch
		}
		changed := quote
		if tc.change != nil {
			tc.change(&changed)
		}
		_, err := changed.Verify(tc.chain, tc.tenant, tc.requirement, tc.now)
		require.ErrorIs(t, err, tc.want, name)
	}
}

func TestRequirementHashSeparatesFields(t *testing.T) {
	seen := map[string]Requirement{}
	for _, r := range []Requirement{
		{}, {Class: "a"}, {Region: "a"}, {Count: 1}, {VramMib: 1}, {CpuMilli: 1}, {MemoryMib: 1}, {DiskMib: 1}, {Class: "ab"},
		{Class: "a", Region: "b"},
	} {
		hash := string(r.Hash())
		require.NotContains(t, seen, hash)
		seen[hash] = r
	}
}

func TestParamsBounds(t *testing.T) {
	require.NoError(t, DefaultParams().Validate())
	require.NoError(t, DefaultGenesis().Validate())
	for name, change := range map[string]func(*Params){
		"min_charge":           func(p *Params) { p.MinCharge = -1 },
		"min_charge high":      func(p *Params) { p.MinCharge, p.MinRunway = MaxMinCharge+1, MaxMinCharge+1 },
		"min_runway":           func(p *Params) { p.MinRunway = p.MinCharge - 1 },
		"min_runway high":      func(p *Params) { p.MinRunway = MaxRunway + 1 },
		"max_closes_per_block": func(p *Params) { p.MaxClosesPerBlock = 0 },
		"max_open_leases":      func(p *Params) { p.MaxOpenLeases = MaxOpenLeases + 1 },
		"max_unstarted":        func(p *Params) { p.MaxUnstarted = p.MaxOpenLeases + 1 },
		"max_scan":             func(p *Params) { p.MaxScan = 0 },
		"max_clock_skew":       func(p *Params) { p.MaxClockSkew = MaxClockSkew + 1 },
		"reclaim_notice":       func(p *Params) { p.ReclaimNotice = 0 },
		"notice reserved":      func(p *Params) { p.ReclaimNoticeReserved = MaxReclaimNoticeReserved + 1 },
		"reclaim_cap":          func(p *Params) { p.ReclaimCap = -1 },
		"session reserved":     func(p *Params) { p.SlaSessionReserved = MinSession - 1 },
		"max_usage_batch":      func(p *Params) { p.MaxUsageBatch = MaxUsageBatch + 1 },
	} {
		p := DefaultParams()
		change(&p)
		require.ErrorIs(t, p.Validate(), ErrInvalidParams, name)
	}
}
