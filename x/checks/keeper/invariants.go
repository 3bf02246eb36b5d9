// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// CheckInvariants checks everything that must hold between blocks. It reads the whole store: for tests and for
// `athd debug invariants`.
func (k *Keeper) CheckInvariants(ctx sdk.Context) error {
	for _, check := range []func(sdk.Context) error{k.checkLicences, k.checkSeats, k.checkSitters, k.checkRounds} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkLicences: every licence has a bond; the count and the next id agree with what is stored.
func (k *Keeper) checkLicences(ctx sdk.Context) error {
	next, err := k.nextLicence.Get(ctx)
	if err != nil {
		return err
	}
	have, err := k.count.Get(ctx)
	if err != nil {
		return err
	}
	found := uint64(0)
	err = k.licences.Walk(ctx, nil, func(id uint64, l types.Licence) (bool, error) {
		found++
		if l.Id != id || id >= next {
			return true, types.ErrInvariant.Wrapf("licence %d is stored at %d, next is %d", l.Id, id, next)
		}
		if err := l.Validate(); err != nil {
			return true, types.ErrInvariant.Wrap(err.Error())
		}
		bond, err := k.vault.RowAmount(ctx, bondRow(l.Owner, id))
		if err != nil {
			return true, err
		}
		if !bond.IsPositive() {
			return true, types.ErrInvariant.Wrapf("licence %d has no bond", id)
		}
		return false, nil
	})
	if err == nil && found != have {
		err = types.ErrInvariant.Wrapf("%d licences, counted %d", found, have)
	}
	return err
}

// checkSeats: seats are dense, positions and operators point back at them.
func (k *Keeper) checkSeats(ctx sdk.Context) error {
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	next, taken := uint64(0), uint64(0)
	err = k.seats.Walk(ctx, nil, func(position uint64, s types.Seat) (bool, error) {
		if position != next || (s.Licence != 0) != (position < running.Seats) || s.SinceRound > running.Number {
			return true, types.ErrInvariant.Wrapf("seat %d of %d in round %d: licence %d since round %d", position, running.Seats, running.Number, s.Licence, s.SinceRound)
		}
		next++
		if s.Licence == 0 {
			return false, nil
		}
		taken++
		back, err := k.positions.Get(ctx, s.Licence)
		if err != nil || back != position {
			return true, types.ErrInvariant.Wrapf("seat %d is licence %d's, whose position is %d (%v)", position, s.Licence, back, err)
		}
		if ok, err := k.seated.Has(ctx, collections.Join(s.Operator, s.Licence)); err != nil || !ok {
			return true, types.ErrInvariant.Wrapf("seat %d: operator %s of licence %d is not noted (%v)", position, s.Operator, s.Licence, err)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	positions, seated := uint64(0), uint64(0)
	if err := k.positions.Walk(ctx, nil, func(_, _ uint64) (bool, error) { positions++; return false, nil }); err != nil {
		return err
	}
	if err := k.seated.Walk(ctx, nil, func(collections.Pair[string, uint64]) (bool, error) { seated++; return false, nil }); err != nil {
		return err
	}
	if taken != running.Seats || positions != taken || seated != taken {
		return types.ErrInvariant.Wrapf("round %d has %d seats: %d taken, %d positions, %d operators", running.Number, running.Seats, taken, positions, seated)
	}
	return nil
}

// checkSitters: a licence and its seat agree, or the licence waits to be reseated.
func (k *Keeper) checkSitters(ctx sdk.Context) error {
	wanted, pending := map[uint64]string{}, map[uint64]bool{}
	err := k.licences.Walk(ctx, nil, func(id uint64, l types.Licence) (bool, error) {
		wanted[id] = l.Sitter()
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.pending.Walk(ctx, nil, func(key collections.Pair[uint64, uint64]) (bool, error) {
		if round, err := k.waiting.Get(ctx, key.K2()); err != nil || round != key.K1() {
			return true, types.ErrInvariant.Wrapf("licence %d waits for its seat since round %d, noted is %d (%v)", key.K2(), key.K1(), round, err)
		}
		pending[key.K2()] = true
		return false, nil
	})
	if err != nil {
		return err
	}
	sitting := map[uint64]string{}
	err = k.seats.Walk(ctx, nil, func(position uint64, s types.Seat) (bool, error) {
		sitting[s.Licence] = s.Operator
		if s.Licence != 0 && !pending[s.Licence] && wanted[s.Licence] != s.Operator {
			return true, types.ErrInvariant.Wrapf("seat %d: %s sits for licence %d, which wants %q", position, s.Operator, s.Licence, wanted[s.Licence])
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.licences.Walk(ctx, nil, func(id uint64, l types.Licence) (bool, error) {
		if l.Sitter() != "" && sitting[id] == "" && !pending[id] {
			return true, types.ErrInvariant.Wrapf("licence %d is active, has no seat and waits for none", id)
		}
		return false, nil
	})
}

// checkRounds: past rounds end where the next begins, and nothing older than what is still judged is kept.
func (k *Keeper) checkRounds(ctx sdk.Context) error {
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	judging, err := k.judgingState(ctx)
	if err != nil {
		return err
	}
	if judging.Round != 0 && judging.Round != types.JudgedRound(running.Number) {
		return types.ErrInvariant.Wrapf("round %d is judged while round %d runs", judging.Round, running.Number)
	}
	var before *types.Round
	err = k.past.Walk(ctx, nil, func(number uint64, r types.Round) (bool, error) {
		if r.End == nil || r.Number != number || before != nil && (before.Number+1 != number || !before.End.Equal(r.Start)) {
			return true, types.ErrInvariant.Wrapf("past round %d does not follow the one before it", number)
		}
		before = &r
		return false, nil
	})
	if err != nil {
		return err
	}
	if before != nil && (before.Number+1 != running.Number || !before.End.Equal(running.Start)) {
		return types.ErrInvariant.Wrapf("round %d does not follow round %d", running.Number, before.Number)
	}
	oldest := running.Number - min(running.Number, 1)
	if judging.Round != 0 {
		oldest = judging.Round
	}
	return k.submissions.Walk(ctx, nil, func(key collections.Pair[uint64, string], s types.Submission) (bool, error) {
		if key.K1() < oldest || key.K1() > running.Number || s.Round != key.K1() || s.Operator != key.K2() {
			return true, types.ErrInvariant.Wrapf("submission of %s to round %d, while rounds %d to %d are open", key.K2(), key.K1(), oldest, running.Number)
		}
		return false, nil
	})
}
