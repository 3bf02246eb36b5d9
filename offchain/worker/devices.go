// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/machine"
)

const (
	bucketDevices = "devices" // what was rented out when all of it was there
	bucketErrors  = "device-errors"
)

var keyRented = []byte("rented")

// deviceError is a critical error that a driver told once. Drivers don't repeat it to the next process, but the device is as
// broken as it was until it is reset.
type deviceError struct {
	Boot string    `json:"boot"` // of the machine; a restart resets its devices
	XID  uint64    `json:"xid"`
	At   time.Time `json:"at"`
}

// KeepDevices remembers what the Container has, so that the next start can tell a lost device from another machine.
func KeepDevices(s store.Store, rented []gpu.Device) error {
	return s.Update(func(tx store.Tx) error { return store.PutJSON(tx, bucketDevices, keyRented, rented) })
}

// KnownDevices are those that KeepDevices was last given; none on a first start.
func KnownDevices(s store.Store) (rented []gpu.Device, err error) {
	err = s.View(func(tx store.Tx) error {
		rented, err = store.GetJSON[[]gpu.Device](tx, bucketDevices, keyRented)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return rented, err
}

// Complete takes devices that are gone for a part of the machine all the same, where with them it is the one that was
// registered: it returns their ids, and m as it was when they were there. A Container whose GPU fell off the bus while the worker
// was down then says so to the chain, instead of falling silent.
func (m Measured) Complete(known []gpu.Device, registered []byte) (Measured, []string, bool) {
	if bytes.Equal(m.Fingerprint, registered) {
		return m, nil, true
	}
	if !bytes.Equal(machine.Fingerprint(m.Machine, known), registered) {
		return m, nil, false
	}
	var lost []string
	for _, d := range known {
		if !slices.ContainsFunc(m.Rented, func(there gpu.Device) bool { return there.ID == d.ID }) {
			lost = append(lost, d.ID)
		}
	}
	m.Rented, m.Fingerprint = known, registered
	return m, lost, true
}

// ClearDevice forgets the errors of a device, after its owner has reset or repaired it. The worker must be stopped.
func ClearDevice(s store.Store, id string) error {
	return s.Update(func(tx store.Tx) error {
		if _, err := tx.Get(bucketErrors, []byte(id)); err != nil {
			return fmt.Errorf("device %q has no error: %w", id, err)
		}
		return tx.Delete(bucketErrors, []byte(id))
	})
}

// remember gives a source the errors that an earlier process saw since the machine started, and keeps those to come.
func remember(source gpu.Source, s store.Store, boot string, now func() time.Time, log *slog.Logger) error {
	forgetful, ok := source.(gpu.Forgetful)
	if !ok {
		return nil
	}
	known, old := map[string]uint64{}, [][]byte(nil)
	err := s.View(func(tx store.Tx) error {
		return tx.Walk(bucketErrors, nil, func(key, value []byte) error {
			var e deviceError
			if err := json.Unmarshal(value, &e); err != nil {
				return fmt.Errorf("errors of device %s: %w", key, err)
			}
			if e.Boot == boot {
				known[string(key)] = e.XID
			} else {
				old = append(old, slices.Clone(key))
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read the worker's memory: %w", err)
	}
	if len(old) > 0 {
		if err := s.Update(func(tx store.Tx) error {
			for _, key := range old {
				if err := tx.Delete(bucketErrors, key); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("forget errors from before the machine started: %w", err)
		}
	}
	for id, xid := range known {
		log.Error("a device is broken since before the worker started; reset it, then `ath-worker device clear`", "device", id, "xid", xid)
	}
	failing := false
	forgetful.Remember(known, func(id string, xid uint64) error {
		e := deviceError{Boot: boot, XID: xid, At: now()}
		err := s.Update(func(tx store.Tx) error { return store.PutJSON(tx, bucketErrors, []byte(id), e) })
		if err != nil && !failing { // once, not every second
			log.Error("a device's error is not on disk yet; a restart would forget it", "device", id, "xid", xid, "err", err)
		}
		failing = err != nil
		return err
	})
	return nil
}
