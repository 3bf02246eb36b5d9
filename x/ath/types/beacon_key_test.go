// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A key counts from the second change of epoch after it was registered on, the one before it until then.
func TestBeaconKeyRotation(t *testing.T) {
	first, second, third := beaconSecret(t, 1).Public(), beaconSecret(t, 2).Public(), beaconSecret(t, 3).Public()
	key, err := BeaconKey{Operator: "v"}.Register(first, 7)
	require.NoError(t, err)
	require.Equal(t, BeaconKey{Operator: "v", Next: first, FromEpoch: 9}, key)
	require.Empty(t, key.InUse(8))
	require.Equal(t, first, key.InUse(9))

	_, err = key.Register(first, 8)
	require.ErrorIs(t, err, ErrBeaconKeyKnown)
	_, err = key.Register(first, 9)
	require.ErrorIs(t, err, ErrBeaconKeyKnown)

	key, err = key.Register(second, 20)
	require.NoError(t, err)
	require.Equal(t, BeaconKey{Operator: "v", Current: first, Next: second, FromEpoch: 22}, key)
	require.Equal(t, first, key.InUse(21))
	require.Equal(t, second, key.InUse(22))

	again, err := key.Register(third, 21) // second waited in vain
	require.NoError(t, err)
	require.Equal(t, BeaconKey{Operator: "v", Current: first, Next: third, FromEpoch: 23}, again)

	kept, err := key.Register(first, 21) // no change after all
	require.NoError(t, err)
	require.Equal(t, BeaconKey{Operator: "v", Current: first}, kept)
	_, err = kept.Register(first, 30)
	require.ErrorIs(t, err, ErrBeaconKeyKnown)
}

// Whatever a validator registers and when: a key that counts in an epoch was registered at least one whole epoch before, and
// between two registrations the key in use changes at most once.
func TestBeaconKeysCountLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, epoch := BeaconKey{Operator: "v"}, uint64(1)
		registered := make(map[string]uint64)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before := key.InUse(epoch)
			pubkey := beaconSecret(t, rapid.IntRange(0, 3).Draw(t, "key")).Public()
			if next, err := key.Register(pubkey, epoch); err == nil {
				key = next
				require.NoError(t, key.Validate())
				if string(before) != string(pubkey) {
					registered[string(pubkey)] = epoch
				}
			}
			require.Equal(t, before, key.InUse(epoch), "registering changes nothing at once")
			epoch += rapid.Uint64Range(0, 3).Draw(t, "epochs")
			if used := key.InUse(epoch); len(used) > 0 {
				require.GreaterOrEqual(t, epoch, registered[string(used)]+BeaconKeyDelay)
			}
		}
	})
}

func TestMsgSetBeaconKeyValidate(t *testing.T) {
	secret := beaconSecret(t, 0)
	proof := secret.ProvePossession(beaconChain, []byte("v"))
	require.NoError(t, (&MsgSetBeaconKey{}).Validate())
	require.NoError(t, (&MsgSetBeaconKey{Pubkey: secret.Public(), Possession: proof}).Validate())
	require.ErrorIs(t, (&MsgSetBeaconKey{Pubkey: secret.Public()}).Validate(), ErrBeaconPossession)
	require.ErrorIs(t, (&MsgSetBeaconKey{Pubkey: secret.Public(), Possession: proof[1:]}).Validate(), ErrBeaconPossession)
	require.ErrorIs(t, (&MsgSetBeaconKey{Possession: proof}).Validate(), ErrInvalidBeaconKey)
	require.ErrorIs(t, (&MsgSetBeaconKey{Pubkey: make([]byte, 32), Possession: proof}).Validate(), ErrInvalidBeaconKey)
}

func TestGenesisOfTheBeacon(t *testing.T) {
	record, _ := beaconInput(t, 2, 42).Step()
	first, second := beaconSecret(t, 0).Public(), beaconSecret(t, 1).Public()
	valid := func() *GenesisState {
		g := DefaultGenesis()
		g.Beacon, g.Beacons = record.Value, []BeaconRecord{record}
		g.BeaconKeys = []BeaconKey{{Operator: "a", Current: first}, {Operator: "b", Next: second, FromEpoch: 3}}
		return g
	}
	require.NoError(t, valid().Validate())
	for want, spoil := range map[string]func(*GenesisState){
		"beacon has 3 bytes":                   func(g *GenesisState) { g.Beacon = g.Beacon[:3] },
		"beacon is not the last":               func(g *GenesisState) { g.Beacon = make([]byte, BeaconSize) },
		"beacons has 65":                       func(g *GenesisState) { g.Beacons = make([]BeaconRecord, 65) },
		"beacons[0]: height is 0":              func(g *GenesisState) { g.Beacons[0].Height = 0 },
		"beacons[0]: BEACON_SOURCE_BLOCK_HASH": func(g *GenesisState) { g.Beacons[0].Source = BeaconSource_BEACON_SOURCE_BLOCK_HASH },
		"beacons[1]: height 42":                func(g *GenesisState) { g.Beacons = append(g.Beacons, record) },
		"beacon_keys[0]: neither":              func(g *GenesisState) { g.BeaconKeys[0].Current = nil },
		"beacon_keys[0]: from_epoch is 1":      func(g *GenesisState) { g.BeaconKeys[0].FromEpoch = 1 },
		"beacon_keys[1]: current and next":     func(g *GenesisState) { g.BeaconKeys[1].Current = second },
		"beacon_keys[1]: from_epoch is 4":      func(g *GenesisState) { g.BeaconKeys[1].FromEpoch = 4 },
		"beacon_keys[1]: a is listed twice":    func(g *GenesisState) { g.BeaconKeys[1].Operator = "a" },
		"is another validator's too":           func(g *GenesisState) { g.BeaconKeys[1].Next = first },
	} {
		g := valid()
		spoil(g)
		require.ErrorContains(t, g.Validate(), want)
	}
}
