// SPDX-License-Identifier: Apache-2.0

// Package beaconkey is a validator's secret beacon key on the disk of its node.
package beaconkey

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// maxKeys is the one in use and the one that replaces it.
	maxKeys = 2
	// maxFile bounds what is read; a file with two keys has about 300 bytes.
	maxFile = 4096
)

// ErrNone says that the node has no key file.
var ErrNone = errors.New("no beacon key")

// Path of the key file in a node's home.
func Path(home string) string { return filepath.Join(home, "config", "beacon_key.json") }

// File is what a key file holds: the newest key first, and the one that it replaces.
type File struct {
	keys []athtypes.BeaconSecret
}

// stored is one key in the file; both fields are base64.
type stored struct {
	PublicKey []byte `json:"public_key"`
	Secret    []byte `json:"secret"`
}

type storedFile struct {
	Keys []stored `json:"keys"`
}

// Load reads a key file. It refuses one that others may read, as ssh does: who knows the key knows the validator's
// contributions beforehand.
func Load(path string) (*File, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist; make one with `athd beacon-key init`", ErrNone, path)
	}
	if err != nil {
		return nil, fmt.Errorf("beacon key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("beacon key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("beacon key: %s may be read by others (mode %04o); say `chmod 600 %s`, and if anybody did read it `athd beacon-key rotate`",
			path, info.Mode().Perm(), path)
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("beacon key: %w", err)
	}
	keys, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("beacon key: %s: %w", path, err)
	}
	return &File{keys}, nil
}

func parse(raw []byte) ([]athtypes.BeaconSecret, error) {
	if len(raw) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	var file storedFile
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, err
	}
	if len(file.Keys) < 1 || len(file.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys; 1 or %d", len(file.Keys), maxKeys)
	}
	var keys []athtypes.BeaconSecret
	for i, key := range file.Keys {
		secret, err := athtypes.NewBeaconSecret(key.Secret)
		if err != nil {
			return nil, fmt.Errorf("keys[%d].secret: %w", i, err)
		}
		if !bytes.Equal(secret.Public(), key.PublicKey) {
			return nil, fmt.Errorf("keys[%d]: public_key is not that of secret", i)
		}
		keys = append(keys, secret)
	}
	return keys, nil
}

// Init makes a key and writes a file that must not exist yet.
func Init(path string) (*File, error) {
	key, err := generate()
	if err != nil {
		return nil, err
	}
	file := &File{[]athtypes.BeaconSecret{key.secret}}
	err = write(path, []stored{key.stored}, os.Link) // unlike a rename, a link never replaces what is there
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("beacon key: %s exists; a second key is made with `athd beacon-key rotate`", path)
	}
	return file, err
}

// Rotate puts a new key before the newest one and forgets what was before that. The node votes with whichever of the two
// is in use on the chain.
func Rotate(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist; make one with `athd beacon-key init`", ErrNone, path)
	}
	if err != nil {
		return nil, fmt.Errorf("beacon key: %w", err)
	}
	keys, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("beacon key: %s: %w", path, err)
	}
	var old storedFile
	if err := json.Unmarshal(raw, &old); err != nil {
		return nil, fmt.Errorf("beacon key: %s: %w", path, err)
	}
	key, err := generate()
	if err != nil {
		return nil, err
	}
	file := &File{[]athtypes.BeaconSecret{key.secret, keys[0]}}
	return file, write(path, []stored{key.stored, old.Keys[0]}, os.Rename)
}

type fresh struct {
	secret athtypes.BeaconSecret
	stored stored
}

func generate() (fresh, error) {
	seed := make([]byte, athtypes.BeaconSeedSize)
	if _, err := rand.Read(seed); err != nil {
		return fresh{}, fmt.Errorf("beacon key: %w", err)
	}
	secret, err := athtypes.NewBeaconSecret(seed)
	return fresh{secret, stored{PublicKey: secret.Public(), Secret: seed}}, err
}

// write puts a complete file in place or none: it is written and synced under another name first.
func write(path string, keys []stored, place func(from, to string) error) (err error) {
	raw, err := json.MarshalIndent(storedFile{keys}, "", "  ")
	if err != nil {
		return fmt.Errorf("beacon key: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".beacon_key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("beacon key: %w", err)
	}
	defer func() {
		if removed := os.Remove(temporary.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	_, written := temporary.Write(append(raw, '\n'))
	if err := errors.Join(written, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("beacon key: %w", err)
	}
	if err := place(temporary.Name(), path); err != nil {
		return fmt.Errorf("beacon key: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("beacon key: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Newest returns the key to be registered.
func (f *File) Newest() athtypes.BeaconSecret { return f.keys[0] }

// Public returns the public keys, the newest first.
func (f *File) Public() (keys [][]byte) {
	for _, key := range f.keys {
		keys = append(keys, key.Public())
	}
	return keys
}

// Prove returns the proof over the block of a height by the key that is in use, or nothing where none is. A nil File has
// no keys.
func (f *File) Prove(chainID string, height int64, inUse func(pubkey []byte) (bool, error)) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	for _, key := range f.keys {
		used, err := inUse(key.Public())
		if err != nil {
			return nil, err
		}
		if used {
			return key.Prove(athtypes.BeaconAlpha(chainID, height)), nil
		}
	}
	return nil, nil
}
