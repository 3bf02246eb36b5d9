// SPDX-License-Identifier: Apache-2.0

package beaconkey

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func TestInitLoadRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "beacon_key.json")
	_, err := Load(path)
	require.ErrorIs(t, err, ErrNone)
	_, err = Rotate(path)
	require.ErrorIs(t, err, ErrNone)

	made, err := Init(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	loaded, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, made, loaded)
	require.NoError(t, athtypes.ValidateBeaconKey(loaded.Newest().Public()))

	_, err = Init(path)
	require.ErrorContains(t, err, "exists")
	again, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, made, again, "init never replaces a key")

	for range 2 {
		before := again
		rotated, err := Rotate(path)
		require.NoError(t, err)
		again, err = Load(path)
		require.NoError(t, err)
		require.Equal(t, rotated, again)
		require.Len(t, again.Public(), 2)
		require.Equal(t, before.Newest(), again.keys[1])
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left behind")
}

func TestLoadRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "beacon_key.json")
	_, err := Init(path)
	require.NoError(t, err)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for want, content := range map[string]string{
		"unexpected EOF":        string(good[:40]),
		"unknown field":         strings.Replace(string(good), "secret", "secrets", 1),
		"0 keys":                `{"keys":[]}`,
		"keys[0].secret":        `{"keys":[{"public_key":"","secret":"AAAA"}]}`,
		"is not that of secret": `{"keys":[{"public_key":"","secret":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]}`,
		"more than 4096 bytes":  string(bytes.Repeat([]byte(" "), 5000)),
		"invalid character 'b'": "beacon",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := Load(path)
		require.ErrorContains(t, err, want)
		_, err = Rotate(path)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(path, good, 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = Load(path)
	require.ErrorContains(t, err, "may be read by others (mode 0644)")
}

// The node votes with the key that is in use on the chain, and without a proof where none is.
func TestProve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "beacon_key.json")
	_, err := Init(path)
	require.NoError(t, err)
	file, err := Rotate(path)
	require.NoError(t, err)
	for _, used := range file.Public() {
		proof, err := file.Prove("ath-1", 7, func(key []byte) (bool, error) { return bytes.Equal(key, used), nil })
		require.NoError(t, err)
		_, ok := athtypes.VerifyBeaconProof(used, athtypes.BeaconAlpha("ath-1", 7), proof)
		require.True(t, ok)
	}
	proof, err := file.Prove("ath-1", 7, func([]byte) (bool, error) { return false, nil })
	require.NoError(t, err)
	require.Empty(t, proof)
	broken := errors.New("no state")
	_, err = file.Prove("ath-1", 7, func([]byte) (bool, error) { return true, broken })
	require.ErrorIs(t, err, broken)
	proof, err = (*File)(nil).Prove("ath-1", 7, nil)
	require.NoError(t, err)
	require.Empty(t, proof)
}
