// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the files below a worker's home.
const (
	FileWorkerKey   = "worker_key.json"
	FileOperatorKey = "operator_key.json"
	FileConfig      = "config.yaml"
	FileStore       = "worker.db"
)

type workerKeyFile struct {
	Type   string `json:"type"`
	Public string `json:"public_key"`
	Seed   string `json:"seed"`
}

// NewWorkerKey makes the key that is the worker's identity on chain and saves it for its owner only. It never overwrites one.
func NewWorkerKey(path string) (ed25519.PrivateKey, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make worker key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("save worker key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("save worker key: %s exists; move it away first, a key cannot be made again", path)
	}
	if err != nil {
		return nil, fmt.Errorf("save worker key: %w", err)
	}
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	err = enc.Encode(workerKeyFile{Type: "ed25519", Public: hex.EncodeToString(public), Seed: hex.EncodeToString(key.Seed())})
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("save worker key %s: %w", path, err)
	}
	return key, nil
}

// LoadWorkerKey reads a key that NewWorkerKey wrote, and refuses one that others can read.
func LoadWorkerKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no worker key at %s: make one with `ath-worker init`", path)
	}
	if err != nil {
		return nil, fmt.Errorf("load worker key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load worker key: others can read %s; run: chmod 600 %[1]s", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load worker key: %w", err)
	}
	var file workerKeyFile
	if err := json.Unmarshal(raw, &file); err != nil || file.Type != "ed25519" {
		return nil, fmt.Errorf("load worker key: %s is not an ed25519 key file", path)
	}
	seed, err := hex.DecodeString(file.Seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("load worker key: %s: seed: want %d hex digits", path, 2*ed25519.SeedSize)
	}
	key := ed25519.NewKeyFromSeed(seed)
	if hex.EncodeToString(key.Public().(ed25519.PublicKey)) != file.Public {
		return nil, fmt.Errorf("load worker key: %s says another public key than it holds; restore the file", path)
	}
	return key, nil
}
