// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/app/beaconkey"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// beaconChain is a chain whose validator has a beacon key in a file, and says in its votes what the test wants.
type beaconChain struct {
	*shadow.Chain
	t        *testing.T
	path     string
	file     *beaconkey.File
	operator gen.Account
	say      func(height int64) []byte // proof in the vote for a height; the node's own where nil
}

func newBeaconChain(t *testing.T, twins []shadow.Twin, edit func(*beaconChain, *athtypes.GenesisState)) *beaconChain {
	b := &beaconChain{t: t, path: filepath.Join(t.TempDir(), "beacon_key.json"), operator: gen.NewValidator().Operator}
	var err error
	b.file, err = beaconkey.Init(b.path)
	require.NoError(t, err)
	said := make(map[int64][]byte)
	extend := func(height int64) []byte { // all twins hear the same
		if said[height] == nil {
			ext := athtypes.VoteExtension{BeaconProof: b.prove(height)}
			said[height], err = ext.Marshal()
			require.NoError(t, err)
		}
		return said[height]
	}
	b.Chain = shadow.New(t, twins, gen.ATH(1_000), nil, func(enc app.Encoding, genesis app.GenesisState) {
		quickGenesis(enc, genesis)
		editModule(enc, genesis, b, edit)
	}, shadow.WithVotes(extend))
	return b
}

func editModule(enc app.Encoding, genesis app.GenesisState, b *beaconChain, change func(*beaconChain, *athtypes.GenesisState)) {
	if change == nil {
		return
	}
	edit(enc.Codec, genesis, athtypes.ModuleName, func(g *athtypes.GenesisState) { change(b, g) })
}

// withGenesisKey lets the validator have its key from the first block on.
func withGenesisKey(b *beaconChain, g *athtypes.GenesisState) {
	g.BeaconKeys = []athtypes.BeaconKey{{Operator: b.valoper(), Current: b.file.Newest().Public()}}
}

func (b *beaconChain) valoper() string { return sdk.ValAddress(b.operator.Address()).String() }

func (b *beaconChain) prove(height int64) []byte {
	if b.say != nil {
		return b.say(height)
	}
	// The state is that after the block that is voted for; TestBeaconKeyRotationInANode asks as a node must, before it.
	ctx := b.Context()
	proof, err := b.file.Prove(shadow.ChainID, height, func(key []byte) (bool, error) { return b.App().Ath.BeaconKeyInUse(ctx, key, b.Now()) })
	require.NoError(b.t, err)
	return proof
}

func (b *beaconChain) beacon(height int64) *athtypes.QueryBeaconResponse {
	var res athtypes.QueryBeaconResponse
	b.Query("/athd.ath.v1.Query/Beacon", &athtypes.QueryBeaconRequest{Height: height}, &res)
	return &res
}

// register sends the newest key of the file to the chain.
func (b *beaconChain) register() {
	key := b.file.Newest()
	res := b.Block(time.Second, b.Sign(b.operator, &athtypes.MsgSetBeaconKey{
		Operator: b.valoper(), Pubkey: key.Public(), Possession: key.ProvePossession(shadow.ChainID, b.operator.Address()),
	}))
	require.Zero(b.t, res.TxResults[0].Code, res.TxResults[0].Log)
}

// verified makes a block and lets a stranger make its beacon again.
func (b *beaconChain) verified() app.BeaconReport {
	b.t.Helper()
	var keys athtypes.QueryBeaconKeysResponse
	b.Query("/athd.ath.v1.Query/BeaconKeys", &athtypes.QueryBeaconKeysRequest{}, &keys)
	bundle := app.BeaconBundle{
		ChainID: shadow.ChainID, Height: b.Height() + 1, Previous: b.beacon(0).Value, Epoch: keys.Epoch,
		BlockHash: app.Hex{byte(b.Height() + 1)}, AppHash: b.App().LastCommitID().Hash,
		Signers: []app.BundleSigner{{Consensus: app.Hex(gen.NewValidator().Consensus.PubKey().Address()), Operator: b.valoper()}},
	}
	for _, key := range keys.Keys {
		bundle.Keys = append(bundle.Keys, app.BundleKey{Operator: key.Operator, Current: key.Current, Next: key.Next, FromEpoch: key.FromEpoch})
	}
	txs, _ := b.Proposal(time.Second)
	bundle.Votes = app.VotesOf(txs)
	b.Block(time.Second)
	bundle.Beacon = b.beacon(0).Value
	report, err := bundle.Verify()
	require.NoError(b.t, err)
	require.True(b.t, report.Right, "height %d", b.Height())
	require.Len(b.t, report.Contributed, int(b.beacon(0).Contributors))
	return report
}

// nextEpoch runs until the next epoch has begun.
func (b *beaconChain) nextEpoch() {
	epoch, err := b.App().Ath.Epoch(b.Context())
	require.NoError(b.t, err)
	b.Block(epoch.End().Sub(b.Now()))
}

// From registration to the second change of epoch the chain has the beacon of block hashes, from then on that of the VRF; the
// verifier's function, which knows public data only, agrees in every block, and so do all twins.
func TestBeaconComesFromVotes(t *testing.T) {
	b := newBeaconChain(t, shadow.All(), nil)
	require.Equal(t, athtypes.BeaconSource_BEACON_SOURCE_BLOCK_HASH, b.beacon(0).Source)
	require.Zero(t, b.beacon(0).Voters, "the first block carries no votes")
	require.Equal(t, "block hash", b.verified().Source)
	require.EqualValues(t, 1, b.beacon(0).Voters)
	b.register()
	for range 2 {
		require.Equal(t, []string{b.valoper()}, b.verified().Without)
		b.nextEpoch()
	}
	for range 3 {
		report := b.verified()
		require.Equal(t, "vrf", report.Source)
		require.Equal(t, []string{b.valoper()}, report.Contributed)
	}
	require.NotEqual(t, b.beacon(b.Height()-1).Value, b.beacon(0).Value)
	require.NoError(t, b.App().CheckInvariants(b.Context()))

	exported, err := b.App().ExportAppStateAndValidators(false, nil, nil)
	require.NoError(t, err)
	require.Contains(t, string(exported.AppState), "BEACON_SOURCE_VRF")
	again := importOnly(t, exported.AppState, exported.Height, b.Now())
	var before, after app.GenesisState
	require.NoError(t, json.Unmarshal(exported.AppState, &before))
	require.NoError(t, json.Unmarshal(again, &after))
	require.Equal(t, string(before[athtypes.ModuleName]), string(after[athtypes.ModuleName]))
}

// Whatever a validator sends instead of its proof is no contribution, and nothing else happens.
func TestWrongProofsInVotes(t *testing.T) {
	b := newBeaconChain(t, []shadow.Twin{shadow.Plain()}, withGenesisKey)
	require.Equal(t, "vrf", b.verified().Source)
	secret := b.file.Newest()
	stranger, err := athtypes.NewBeaconSecret(make([]byte, athtypes.BeaconSeedSize))
	require.NoError(t, err)
	for name, say := range map[string]func(height int64) []byte{
		"garbage":         func(int64) []byte { return make([]byte, athtypes.BeaconProofSize) },
		"too short":       func(int64) []byte { return []byte{1} },
		"too long":        func(int64) []byte { return make([]byte, athtypes.BeaconProofSize+1) },
		"last height's":   func(h int64) []byte { return secret.Prove(athtypes.BeaconAlpha(shadow.ChainID, h-1)) },
		"next height's":   func(h int64) []byte { return secret.Prove(athtypes.BeaconAlpha(shadow.ChainID, h+1)) },
		"another chain's": func(h int64) []byte { return secret.Prove(athtypes.BeaconAlpha("ath-1", h)) },
		"another key's":   func(h int64) []byte { return stranger.Prove(athtypes.BeaconAlpha(shadow.ChainID, h)) },
		"a bit changed": func(h int64) []byte {
			proof := secret.Prove(athtypes.BeaconAlpha(shadow.ChainID, h))
			proof[40] ^= 1
			return proof
		},
	} {
		b.say = say
		report := b.verified()
		require.Equal(t, []string{b.valoper()}, report.Refused, name)
		require.Equal(t, "block hash", report.Source, name)
		b.say = nil
		require.Equal(t, "vrf", b.verified().Source, "after "+name)
	}
	b.say = func(int64) []byte { return nil }
	require.Equal(t, []string{b.valoper()}, b.verified().Without)
	require.NoError(t, b.App().CheckInvariants(b.Context()))
}

// A node with two keys in its file votes with the one that will count when the vote is read, also over the change of epoch.
func TestBeaconKeyRotationInANode(t *testing.T) {
	b := newBeaconChain(t, []shadow.Twin{shadow.Plain()}, withGenesisKey)
	b.Block(time.Second)
	old := b.file.Newest().Public()
	var err error
	b.file, err = beaconkey.Rotate(b.path)
	require.NoError(t, err)
	b.register()
	b.App().Speak(app.Voice{Beacon: b.file})
	// ask is the node's vote for the next block, before that is made.
	ask := func(at time.Time) []byte {
		res, err := b.App().ExtendVote(t.Context(), &abci.RequestExtendVote{Height: b.Height() + 1, Time: at, Hash: []byte{1}})
		require.NoError(t, err)
		return athtypes.ReadVoteExtension(res.VoteExtension).BeaconProof
	}
	by := func(key, proof []byte) bool {
		_, ok := athtypes.VerifyBeaconProof(key, athtypes.BeaconAlpha(shadow.ChainID, b.Height()+1), proof)
		return ok
	}
	require.True(t, by(old, ask(b.Now().Add(time.Second))))
	b.nextEpoch()
	require.Equal(t, "vrf", b.verified().Source)
	epoch, err := b.App().Ath.Epoch(b.Context())
	require.NoError(t, err)
	require.True(t, by(old, ask(epoch.End().Add(-time.Second))))
	last := ask(epoch.End())
	require.True(t, by(b.file.Newest().Public(), last), "the block that ends the epoch is voted for with the new key")
	b.Block(epoch.End().Sub(b.Now()))
	b.say = func(int64) []byte { return last }
	require.Equal(t, "vrf", b.verified().Source, "no block is without")
	b.say = nil
	require.Equal(t, "vrf", b.verified().Source)
}

// The key goes with its validator.
func TestBeaconKeyGoesWithItsValidator(t *testing.T) {
	b := newBeaconChain(t, []shadow.Twin{shadow.Plain()}, withGenesisKey)
	ctx := b.Context()
	operator := sdk.ValAddress(b.operator.Address())
	validator, err := b.App().Staking.GetValidator(ctx, operator)
	require.NoError(t, err)
	consensus, err := validator.GetConsAddr()
	require.NoError(t, err)
	require.NoError(t, b.App().Staking.Hooks().AfterValidatorRemoved(ctx, consensus, operator))
	used, err := b.App().Ath.BeaconKeyInUse(ctx, b.file.Newest().Public(), b.Now())
	require.NoError(t, err)
	require.False(t, used)
}
