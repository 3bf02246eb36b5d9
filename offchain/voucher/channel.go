// SPDX-License-Identifier: Apache-2.0

package voucher

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/x/leases/types"
)

// Reasons for which a channel's voucher is not made or not accepted.
var (
	ErrCap     = errors.New("the channel's cap is used up")
	ErrChannel = errors.New("voucher is of another channel")
	ErrUnpaid  = errors.New("voucher is for less than what is owed")
	ErrEnding  = errors.New("the channel is closed or has expired")
	ErrKey     = errors.New("key is not the channel's voucher key")
)

const (
	payments = "channel-payments" // what a tenant has signed: (tenant, number) → amount, 8 bytes
	takings  = "channel-takings"  // what a worker was promised: (tenant, number) → taking
)

func channelKey(tenant string, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(tenant+"/"), number)
}

// Payer is the tenant's side of a channel. What it has signed is on disk before it is handed out, so that it never forgets what it owes; it
// is not for use by two programs at once.
type Payer struct {
	store   store.Store
	chainID string
	channel types.Channel
	key     ed25519.PrivateKey
}

// NewPayer pays from a channel; ErrKey if the key is not the one that the channel names.
func NewPayer(s store.Store, chainID string, channel types.Channel, key ed25519.PrivateKey) (*Payer, error) {
	if public, _ := key.Public().(ed25519.PublicKey); !bytes.Equal(public, channel.VoucherKey) {
		return nil, fmt.Errorf("%w: channel %s", ErrKey, channel.ID())
	}
	return &Payer{store: s, chainID: chainID, channel: channel, key: key}, nil
}

// Pay signs a voucher for step uath more than all that was signed before. ErrCap where the channel does not hold that much.
func (p *Payer) Pay(step uint64) (types.Voucher, error) {
	v := types.Voucher{Tenant: p.channel.Tenant, Number: p.channel.Number}
	err := p.store.Update(func(tx store.Tx) error {
		owed, err := p.owed(tx)
		if err != nil {
			return err
		}
		if step == 0 || owed > p.channel.Cap || step > p.channel.Cap-owed {
			return fmt.Errorf("%w: %d uath on top of %d of %d", ErrCap, step, owed, p.channel.Cap)
		}
		v.Amount = owed + step
		return p.note(tx, v.Amount)
	})
	if err != nil {
		return types.Voucher{}, err
	}
	v.Signature = ed25519.Sign(p.key, v.SignBytes(p.chainID))
	return v, nil
}

// Resume takes over a voucher of its own that the other side shows: a payer that lost its store goes on from there.
func (p *Payer) Resume(v types.Voucher) error {
	if err := check(p.chainID, p.channel, v); err != nil {
		return err
	}
	return p.store.Update(func(tx store.Tx) error {
		owed, err := p.owed(tx)
		if err != nil || v.Amount <= owed {
			return err
		}
		return p.note(tx, v.Amount)
	})
}

// owed is what was signed; at least what the chain has paid already.
func (p *Payer) owed(tx store.Tx) (uint64, error) {
	b, err := tx.Get(payments, channelKey(p.channel.Tenant, p.channel.Number))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return p.channel.Redeemed, nil
	case err != nil:
		return 0, err
	case len(b) != 8:
		return 0, fmt.Errorf("payments of channel %s: %d bytes: want 8", p.channel.ID(), len(b))
	}
	return max(p.channel.Redeemed, binary.BigEndian.Uint64(b)), nil
}

func (p *Payer) note(tx store.Tx, amount uint64) error {
	return tx.Put(payments, channelKey(p.channel.Tenant, p.channel.Number), binary.BigEndian.AppendUint64(nil, amount))
}

func check(chainID string, channel types.Channel, v types.Voucher) error {
	if v.Tenant != channel.Tenant || v.Number != channel.Number {
		return fmt.Errorf("%w: want %s, have %s/%d", ErrChannel, channel.ID(), v.Tenant, v.Number)
	}
	return v.Verify(chainID, channel.VoucherKey)
}

// taking is the best voucher of a channel, and how much of it is known to be paid.
type taking struct {
	Voucher  types.Voucher `json:"voucher"`
	Redeemed uint64        `json:"redeemed"`
	EndsAt   time.Time     `json:"ends_at"`
}

// Till is the worker's side: it keeps the best voucher of each channel, on disk before anything is served for it.
type Till struct {
	store   store.Store
	chainID string
}

// NewTill keeps vouchers for a chain.
func NewTill(s store.Store, chainID string) *Till { return &Till{store: s, chainID: chainID} }

// Accept takes a voucher for what is owed in all up to and with the next step, and returns nil once it is on disk: then the step may be
// served. channel is what the chain says of it, no older than a part of the challenge; now is the block time. A voucher that
// was accepted before is accepted again as long as it covers what is owed.
func (t *Till) Accept(channel types.Channel, v types.Voucher, owed uint64, now time.Time) error {
	switch {
	case !channel.Usable(now):
		return fmt.Errorf("%w: %s", ErrEnding, channel.ID())
	case v.Amount < owed:
		return fmt.Errorf("%w: %d of %d uath", ErrUnpaid, v.Amount, owed)
	case v.Amount > channel.Cap:
		return fmt.Errorf("%w: %d of %d uath", ErrCap, v.Amount, channel.Cap)
	}
	if err := check(t.chainID, channel, v); err != nil {
		return err
	}
	return t.store.Update(func(tx store.Tx) error {
		best, err := get(tx, v.Tenant, v.Number)
		if err != nil {
			return err
		}
		if v.Amount > best.Voucher.Amount {
			best.Voucher = v
		}
		best.Redeemed, best.EndsAt = max(best.Redeemed, channel.Redeemed), channel.EndsAt
		return store.PutJSON(tx, takings, channelKey(v.Tenant, v.Number), best)
	})
}

func get(tx store.Tx, tenant string, number uint64) (taking, error) {
	best, err := store.GetJSON[taking](tx, takings, channelKey(tenant, number))
	if errors.Is(err, store.ErrNotFound) {
		return taking{}, nil
	}
	return best, err
}

// Best is the highest voucher of a channel, and whether there is one: what a tenant that lost its store resumes from.
func (t *Till) Best(tenant string, number uint64) (v types.Voucher, ok bool, err error) {
	err = t.store.View(func(tx store.Tx) error {
		best, err := get(tx, tenant, number)
		v, ok = best.Voucher, best.Voucher.Amount > 0
		return err
	})
	return v, ok, err
}

// Batches are messages that redeem all that is not known to be paid, the channels that end first in the first message; size is the
// chain's max_vouchers. Nothing in them is due twice, and sending one again does no harm.
func (t *Till) Batches(signer string, size int) ([]*types.MsgRedeem, error) {
	if size < 1 {
		return nil, fmt.Errorf("size: %d vouchers in a message: want at least 1", size)
	}
	var due []taking
	err := t.each(func(_ []byte, best taking) error {
		if best.Voucher.Amount > best.Redeemed {
			due = append(due, best)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(due, func(a, b taking) int { return a.EndsAt.Compare(b.EndsAt) })
	var batches []*types.MsgRedeem
	for part := range slices.Chunk(due, size) {
		msg := &types.MsgRedeem{Signer: signer}
		for _, best := range part {
			msg.Vouchers = append(msg.Vouchers, best.Voucher)
		}
		batches = append(batches, msg)
	}
	return batches, nil
}

// Redeemed says that a batch is in a block.
func (t *Till) Redeemed(msg *types.MsgRedeem) error {
	return t.store.Update(func(tx store.Tx) error {
		for _, v := range msg.Vouchers {
			best, err := get(tx, v.Tenant, v.Number)
			if err != nil {
				return err
			}
			if v.Amount <= best.Redeemed || best.Voucher.Amount == 0 {
				continue
			}
			best.Redeemed = v.Amount
			if err := store.PutJSON(tx, takings, channelKey(v.Tenant, v.Number), best); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forget drops channels whose end, as far as the chain has told, is past: no voucher of theirs counts any more. It returns what was lost
// with them, in uath; 0 where every batch was sent in time.
func (t *Till) Forget(now time.Time) (lost uint64, err error) {
	var gone [][]byte
	err = t.each(func(key []byte, best taking) error {
		if now.Before(best.EndsAt) {
			return nil
		}
		gone, lost = append(gone, key), lost+best.Voucher.Amount-min(best.Redeemed, best.Voucher.Amount)
		return nil
	})
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	return lost, t.store.Update(func(tx store.Tx) error {
		for _, key := range gone {
			if err := tx.Delete(takings, key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Till) each(fn func(key []byte, best taking) error) error {
	return t.store.View(func(tx store.Tx) error {
		var keys [][]byte
		err := tx.Walk(takings, nil, func(key, _ []byte) error {
			keys = append(keys, bytes.Clone(key))
			return nil
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			best, err := store.GetJSON[taking](tx, takings, key)
			if err != nil {
				return err
			}
			if err := fn(key, best); err != nil {
				return err
			}
		}
		return nil
	})
}
