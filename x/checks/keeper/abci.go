// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// EndBlock starts a round where one is due, and goes on with the verdicts that wait. Each step stands for itself: one that
// fails changes nothing, is logged and tried again in the next block, and the chain goes on.
func (k *Keeper) EndBlock(ctx sdk.Context) error {
	for _, step := range []struct {
		name string
		run  func(sdk.Context) error
	}{
		{"advance round", k.advanceRound},
		{"judge", k.judge},
	} {
		cached, write := ctx.CacheContext()
		if err := step.run(cached); err != nil {
			k.logger.Error("end of block: step failed", "step", step.name, "err", err)
			continue
		}
		write()
	}
	return nil
}

// firstKeys returns at most n keys and closes the iterator, so that the caller may delete what it got.
func firstKeys[K any, I interface {
	Valid() bool
	Next()
	Key() (K, error)
	Close() error
}](iter I, n int) (keys []K, err error) {
	defer func() {
		if closing := iter.Close(); err == nil {
			err = closing
		}
	}()
	for ; iter.Valid() && len(keys) < n; iter.Next() {
		key, err := iter.Key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
