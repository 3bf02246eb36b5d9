// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/core/address"
	"cosmossdk.io/math"

	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/x/ath/types"
)

// The fixture is its own x/staking: users 0 to 4 are validators.

func (f *fixture) GetValidator(_ context.Context, operator sdk.ValAddress) (stakingtypes.Validator, error) {
	for i := range 5 {
		if operator.Equals(sdk.ValAddress(user(i))) {
			return stakingtypes.Validator{}, nil
		}
	}
	return stakingtypes.Validator{}, stakingtypes.ErrNoValidatorFound
}

// GetValidatorByConsAddr knows nobody: hooks tell the keeper who signs.
func (f *fixture) GetValidatorByConsAddr(context.Context, sdk.ConsAddress) (stakingtypes.Validator, error) {
	return stakingtypes.Validator{}, stakingtypes.ErrNoValidatorFound
}

// TotalValidatorPower is what fakeStaking holds.
func (f *fixture) TotalValidatorPower(ctx context.Context) (math.Int, error) {
	return f.bank.GetBalance(ctx, bonded, types.Denom).Amount, nil
}

func (f *fixture) ValidatorAddressCodec() address.Codec {
	return addresscodec.NewBech32Codec(types.Bech32Prefix + "valoper")
}

func valoper(i int) string { return sdk.ValAddress(user(i)).String() }

func beaconSecret(t require.TestingT, name string) types.BeaconSecret {
	seed := sha256.Sum256([]byte(name))
	secret, err := types.NewBeaconSecret(seed[:])
	require.NoError(t, err)
	return secret
}

// key is the first beacon key of a validator.
func (f *fixture) key(i int) types.BeaconSecret {
	return beaconSecret(f.t, fmt.Sprintf("validator %d", i))
}

func (f *fixture) setKey(i int, secret types.BeaconSecret) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		_, err := f.msgs.SetBeaconKey(ctx, &types.MsgSetBeaconKey{
			Operator: valoper(i), Pubkey: secret.Public(), Possession: secret.ProvePossession(chainID, user(i)),
		})
		return err
	}
}

// vote is what a validator's extension of the block before the open one says.
func (f *fixture) vote(i int, secret types.BeaconSecret) types.Vote {
	return types.Vote{Operator: user(i), Power: 1, BeaconProof: secret.Prove(types.BeaconAlpha(chainID, f.height-1))}
}

func (f *fixture) record() *types.QueryBeaconResponse {
	res, err := f.query.Beacon(f.ctx, &types.QueryBeaconRequest{})
	require.NoError(f.t, err)
	return res
}

// twoEpochs runs until a key that was just registered counts.
func (f *fixture) twoEpochs() {
	f.nextEpoch()
	f.nextEpoch()
}

func TestBeaconOfVotes(t *testing.T) {
	f := newFixture(t, shortParams())
	f.block(time.Second, f.setKey(0, f.key(0)), f.setKey(1, f.key(1)))
	f.open(time.Second)
	require.NoError(t, f.k.stepBeacon(f.ctx, []types.Vote{f.vote(0, f.key(0))}))
	require.Equal(t, types.BeaconSource_BEACON_SOURCE_BLOCK_HASH, f.record().Source, "the key is too fresh")
	require.EqualValues(t, 1, f.record().Voters)
	require.Empty(t, f.ctx.EventManager().Events(), "nothing is wrong with the vote")
	f.close()
	f.twoEpochs()

	f.open(time.Second)
	previous, err := f.k.beacon.Get(f.ctx)
	require.NoError(t, err)
	votes := []types.Vote{f.vote(0, f.key(0)), f.vote(1, f.key(1)), f.vote(2, f.key(2)), {Operator: user(3), Power: 1}}
	require.NoError(t, f.k.stepBeacon(f.ctx, votes))
	want, _ := types.BeaconInput{ChainID: chainID, Height: f.height, Previous: previous, Votes: []types.BeaconVote{
		{Operator: user(0), Key: f.key(0).Public(), Proof: votes[0].BeaconProof},
		{Operator: user(1), Key: f.key(1).Public(), Proof: votes[1].BeaconProof},
	}}.Step()
	require.Equal(t, want.Value, f.record().Value, "who has no key contributes nothing")
	require.EqualValues(t, 2, f.record().Contributors)
	require.EqualValues(t, 4, f.record().Voters)
	require.NoError(t, f.k.BeginBlock(f.ctx))
	require.Equal(t, want.Value, f.record().Value, "BeginBlock leaves it alone")

	wrong := f.vote(1, f.key(0))
	require.NoError(t, f.k.stepBeacon(f.ctx, []types.Vote{votes[0], wrong}))
	require.EqualValues(t, 1, f.record().Contributors)
	require.Equal(t, "athd.ath.v1.EventBeaconProofRefused", f.ctx.EventManager().Events()[0].Type)
	f.close()
}

func TestSetBeaconKey(t *testing.T) {
	f := newFixture(t, shortParams())
	f.open(time.Second)
	stranger := f.key(9)
	require.ErrorIs(t, f.tx(0, f.setKey(9, stranger)), types.ErrNoValidator)
	require.NoError(t, f.tx(0, f.setKey(0, f.key(0))))
	require.ErrorIs(t, f.tx(0, f.setKey(0, f.key(0))), types.ErrBeaconKeyKnown)
	require.ErrorIs(t, f.tx(0, f.setKey(1, f.key(0))), types.ErrBeaconKeyTaken)
	msg := &types.MsgSetBeaconKey{Operator: valoper(1), Pubkey: f.key(1).Public(), Possession: f.key(1).ProvePossession(chainID, user(0))}
	_, err := f.msgs.SetBeaconKey(f.ctx, msg)
	require.ErrorIs(t, err, types.ErrBeaconPossession, "proof for another operator")
	msg.Operator = bech(user(1))
	_, err = f.msgs.SetBeaconKey(f.ctx, msg)
	require.ErrorIs(t, err, types.ErrInvalidAddress)
	_, err = f.msgs.SetBeaconKey(f.ctx, &types.MsgSetBeaconKey{Operator: valoper(1)})
	require.ErrorIs(t, err, types.ErrBeaconKeyNotFound, "nothing to remove")
	f.close()

	// A waiting key that is replaced is free for another validator.
	f.block(time.Second, f.setKey(0, beaconSecret(t, "second")), f.setKey(1, f.key(0)))
	keys, err := f.query.BeaconKeys(f.ctx, &types.QueryBeaconKeysRequest{})
	require.NoError(t, err)
	require.Len(t, keys.Keys, 2)
	one, err := f.query.BeaconKeys(f.ctx, &types.QueryBeaconKeysRequest{Operator: valoper(1)})
	require.NoError(t, err)
	require.Equal(t, []types.BeaconKey{{Operator: valoper(1), Next: f.key(0).Public(), FromEpoch: one.Epoch + 2}}, one.Keys)
	_, err = f.query.BeaconKeys(f.ctx, &types.QueryBeaconKeysRequest{Operator: valoper(2)})
	require.ErrorContains(t, err, "beacon key not found")

	f.block(time.Second, func(ctx sdk.Context) error {
		_, err := f.msgs.SetBeaconKey(ctx, &types.MsgSetBeaconKey{Operator: valoper(1)})
		return err
	}, func(ctx sdk.Context) error { return f.k.dropBeaconKey(ctx, sdk.ValAddress(user(0))) }, func(ctx sdk.Context) error { return f.k.dropBeaconKey(ctx, sdk.ValAddress(user(0))) })
	state := export(t, f)
	require.Empty(t, state.BeaconKeys)
}

// The old key counts until the new one does, and each of them in its time only.
func TestBeaconKeyRotation(t *testing.T) {
	f := newFixture(t, shortParams())
	old, fresh := f.key(0), beaconSecret(t, "rotated")
	f.block(time.Second, f.setKey(0, old))
	f.twoEpochs()
	f.block(time.Second, f.setKey(0, fresh))
	for _, phase := range []struct{ in, out types.BeaconSecret }{{old, fresh}, {old, fresh}, {fresh, old}} {
		used, err := f.k.BeaconKeyInUse(f.ctx, phase.in.Public(), f.now)
		require.NoError(t, err)
		require.True(t, used)
		used, err = f.k.BeaconKeyInUse(f.ctx, phase.out.Public(), f.now)
		require.NoError(t, err)
		require.False(t, used)
		f.open(time.Second)
		require.NoError(t, f.k.stepBeacon(f.ctx, []types.Vote{f.vote(0, phase.out)}))
		require.Zero(t, f.record().Contributors)
		require.NoError(t, f.k.stepBeacon(f.ctx, []types.Vote{f.vote(0, phase.in)}))
		require.EqualValues(t, 1, f.record().Contributors)
		f.close()
		f.nextEpoch()
	}
	used, err := f.k.BeaconKeyInUse(f.ctx, f.key(3).Public(), f.now)
	require.NoError(t, err)
	require.False(t, used)
}

// The state keeps the last 64 beacons and says where to ask for older ones.
func TestBeaconsAreKept(t *testing.T) {
	f := newFixture(t, shortParams())
	values := make(map[int64][]byte)
	for range types.BeaconsKept + 10 {
		f.block(time.Second)
		values[f.height] = f.record().Value
	}
	for height := f.height - types.BeaconsKept + 1; height <= f.height; height++ {
		res, err := f.query.Beacon(f.ctx, &types.QueryBeaconRequest{Height: height})
		require.NoError(t, err)
		require.Equal(t, values[height], res.Value)
	}
	_, err := f.query.Beacon(f.ctx, &types.QueryBeaconRequest{Height: f.height - types.BeaconsKept})
	require.ErrorContains(t, err, "it keeps the last 64")
	for _, height := range []int64{-1, f.height + 1} {
		_, err = f.query.Beacon(f.ctx, &types.QueryBeaconRequest{Height: height})
		require.ErrorContains(t, err, "the state is of block")
	}
	records, err := f.k.keptBeacons(f.ctx)
	require.NoError(t, err)
	require.Len(t, records, types.BeaconsKept)
	mixed, err := f.k.MixedBeacon(f.ctx)
	require.NoError(t, err)
	require.Equal(t, types.MixBeacons(records), mixed)
}

func TestGenesisWithBeaconKeys(t *testing.T) {
	f := newStores(t)
	f.open(0)
	state := types.DefaultGenesis()
	state.BeaconKeys = []types.BeaconKey{{Operator: valoper(0), Current: f.key(0).Public()}}
	require.NoError(t, f.k.InitGenesis(f.ctx, state))
	require.NoError(t, f.k.stepBeacon(f.ctx, []types.Vote{f.vote(0, f.key(0))}))
	require.EqualValues(t, 1, f.record().Contributors, "genesis keys count at once")
	state.BeaconKeys[0].Operator = bech(user(0))
	require.ErrorContains(t, f.k.InitGenesis(f.ctx, state), "beacon_keys[0].operator")
}

func TestBeaconInvariantNotices(t *testing.T) {
	f := newFixture(t, shortParams())
	f.block(time.Second, f.setKey(0, f.key(0)))
	for name, spoil := range map[string]func(ctx sdk.Context) error{
		"the beacon is": func(ctx sdk.Context) error { return f.k.beacon.Set(ctx, make([]byte, types.BeaconSize)) },
		"height 1 is in place 60": func(ctx sdk.Context) error {
			return f.k.beacons.Set(ctx, 60, types.BeaconRecord{Height: 1, Value: make([]byte, types.BeaconSize)})
		},
		"leads to  (": func(ctx sdk.Context) error { return f.k.beaconOwners.Remove(ctx, f.key(0).Public()) },
		"who did not register it": func(ctx sdk.Context) error {
			return f.k.beaconOwners.Set(ctx, f.key(1).Public(), user(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, _ := f.ctx.CacheContext()
			require.NoError(t, spoil(ctx))
			require.ErrorContains(t, f.k.CheckInvariants(ctx), name)
		})
	}
}
