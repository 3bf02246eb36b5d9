// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	"github.com/cosmos/cosmos-sdk/types/bech32"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// hdPath is the path of the first account of a mnemonic, as in athd and in wallets.
const hdPath = "m/44'/118'/0'/0/0"

// Signer signs transactions. A Key is one; so is anything that holds the key elsewhere.
type Signer interface {
	// Address is the bech32 account address.
	Address() string
	// PubKey belongs to Address.
	PubKey() cryptotypes.PubKey
	// Sign signs the bytes (the implementation hashes them).
	Sign(msg []byte) ([]byte, error)
}

// Key is a secp256k1 key held in memory.
type Key struct {
	priv    *secp256k1.PrivKey
	address string
}

var _ Signer = (*Key)(nil)

// NewKey makes a random key.
func NewKey() (*Key, error) { return newKey(secp256k1.GenPrivKey()) }

// KeyFromHex takes 64 hex digits.
func KeyFromHex(s string) (*Key, error) {
	b, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) != secp256k1.PrivKeySize {
		return nil, fmt.Errorf("private key: want %d hex digits", 2*secp256k1.PrivKeySize)
	}
	return newKey(&secp256k1.PrivKey{Key: b})
}

// KeyFromMnemonic takes the words of a wallet and returns its first account.
func KeyFromMnemonic(words string) (*Key, error) {
	b, err := hd.Secp256k1.Derive()(strings.Join(strings.Fields(words), " "), "", hdPath)
	if err != nil {
		return nil, fmt.Errorf("mnemonic: %w", err)
	}
	return newKey(&secp256k1.PrivKey{Key: b})
}

func newKey(priv *secp256k1.PrivKey) (*Key, error) {
	addr, err := bech32.ConvertAndEncode(athtypes.Bech32Prefix, priv.PubKey().Address())
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	return &Key{priv: priv, address: addr}, nil
}

// Address is the bech32 account address.
func (k *Key) Address() string { return k.address }

// PubKey is the compressed public key.
func (k *Key) PubKey() cryptotypes.PubKey { return k.priv.PubKey() }

// Sign returns r||s over the SHA-256 of msg.
func (k *Key) Sign(msg []byte) ([]byte, error) { return k.priv.Sign(msg) }

// keyFile is a key on disk.
type keyFile struct {
	Type    string `json:"type"`
	Address string `json:"address"`
	Private string `json:"private_key"`
}

// Save writes the key to a new file that only its owner reads; it never overwrites one.
func (k *Key) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("save key: %s exists; move it away first, a key cannot be made again", path)
	}
	if err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	err = enc.Encode(keyFile{Type: "secp256k1", Address: k.address, Private: hex.EncodeToString(k.priv.Key)})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("save key %s: %w", path, err)
	}
	return nil
}

// LoadKey reads a key that Save wrote, and refuses one that others can read.
func LoadKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no key at %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load key: others can read %s; run: chmod 600 %[1]s", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	var file keyFile
	if err := json.Unmarshal(b, &file); err != nil || file.Type != "secp256k1" {
		return nil, fmt.Errorf("load key: %s is not a secp256k1 key file", path)
	}
	k, err := KeyFromHex(file.Private)
	if err != nil {
		return nil, fmt.Errorf("load key %s: %w", path, err)
	}
	if file.Address != k.address {
		return nil, fmt.Errorf("load key: %s says it is %s but holds the key of %s; restore the file", path, file.Address, k.address)
	}
	return k, nil
}
