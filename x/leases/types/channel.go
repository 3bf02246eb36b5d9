// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// voucherDomain separates vouchers from everything else that an ed25519 key may sign.
	voucherDomain = "ath/voucher/v1"
	// MaxChannels bounds channels of a message; each costs about four writes.
	MaxChannels = 100
	// MaxChannelCap bounds a cap and every sum of caps: nine billion ATH, and JSON numbers that are still exact.
	MaxChannelCap = 1 << 53
)

// verifyOptions are the rules of ZIP-215: which signatures count is written down to the bit, and clients have them in every language.
// Other rules differ between libraries, and between versions of one (ADR-0012).
var verifyOptions = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// ID names the channel, as lease ids do.
func (c Channel) ID() string { return idString(c.Tenant, c.Number) }

// Left is what the channel still holds, in uath.
func (c Channel) Left() uint64 { return c.Cap - c.Redeemed }

// Ended says whether no voucher counts any more.
func (c Channel) Ended(now time.Time) bool { return !now.Before(c.EndsAt) }

// Usable says whether a provider may still serve for it: the tenant has not closed it and it has not expired.
func (c Channel) Usable(now time.Time) bool { return !c.Closing && now.Before(c.ExpiresAt) }

// Row is where x/ath holds what is left.
func (c Channel) Row() athtypes.Row {
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_CHANNEL, Owner: c.Tenant, Bucket: c.Number, Denom: athtypes.Denom}
}

// Redeem takes a cumulative amount, up to the cap, and returns what has to be paid for it: 0 for one that is not above what was paid.
func (c Channel) Redeem(amount uint64) (Channel, uint64) {
	amount = min(amount, c.Cap)
	if amount <= c.Redeemed {
		return c, 0
	}
	due := amount - c.Redeemed
	c.Redeemed = amount
	return c, due
}

// Close begins the challenge of a tenant's close. It never prolongs the channel, and a second close changes nothing.
func (c Channel) Close(now time.Time, challenge time.Duration) Channel {
	if !c.Closing {
		c.Closing = true
		c.EndsAt = earlier(c.EndsAt, now.Add(challenge))
	}
	return c
}

// NewChannel is the channel of a valid order.
func NewChannel(tenant string, number uint64, provider string, o ChannelOrder, challenge time.Duration) Channel {
	return Channel{
		Tenant: tenant, Number: number, ContainerId: o.ContainerId, Provider: provider, VoucherKey: o.VoucherKey, Cap: o.Cap,
		ExpiresAt: o.ExpiresAt, EndsAt: o.ExpiresAt.Add(challenge),
	}
}

// TopUp is the channel after a valid message; it fails where the tenant has closed it or it has expired: its provider has been told
// to stop.
func (c Channel) TopUp(m *MsgTopUpChannel, now time.Time, p Params) (Channel, error) {
	if !c.Usable(now) {
		return c, ErrChannelEnded.Wrapf("number: %s is closed or expired: open another channel", c.ID())
	}
	if m.ExpiresAt != nil {
		if !m.ExpiresAt.After(c.ExpiresAt) {
			return c, ErrInvalidChannel.Wrapf("expires_at: %s: want later than %s", m.ExpiresAt, c.ExpiresAt)
		}
		if err := validateExpiry(*m.ExpiresAt, now, p); err != nil {
			return c, err
		}
		c.ExpiresAt, c.EndsAt = *m.ExpiresAt, m.ExpiresAt.Add(p.ChannelChallenge)
	}
	if m.Amount > MaxChannelCap-c.Cap {
		return c, ErrInvalidChannel.Wrapf("amount: %d on top of %d: want at most %d together", m.Amount, c.Cap, uint64(MaxChannelCap))
	}
	c.Cap += m.Amount
	return c, nil
}

// SignBytes returns the 32 bytes that a channel's voucher key signs: a SHA-256 over the domain, the chain-id and every field but
// the signature, each variable part behind its length.
func (v Voucher) SignBytes(chainID string) []byte {
	h := newHasher(voucherDomain)
	h.bytes([]byte(chainID))
	h.bytes([]byte(v.Tenant))
	h.number(v.Number)
	h.number(v.Amount)
	return h.sum()
}

// Validate checks what can be checked without state.
func (v Voucher) Validate() error {
	switch {
	case v.Number == 0:
		return ErrInvalidVoucher.Wrap("number: 0: channels count from 1")
	case v.Amount == 0:
		return ErrInvalidVoucher.Wrap("amount: 0: want all that is owed since the channel was opened")
	case len(v.Signature) != ed25519.SignatureSize:
		return ErrInvalidVoucher.Wrapf("signature: %d bytes: want %d", len(v.Signature), ed25519.SignatureSize)
	}
	if _, err := sdk.AccAddressFromBech32(v.Tenant); err != nil {
		return ErrInvalidVoucher.Wrapf("tenant: %v", err)
	}
	return nil
}

// Verify checks the signature against a channel's key, by the rules of ZIP-215.
func (v Voucher) Verify(chainID string, key []byte) error {
	if len(key) != ed25519.PublicKeySize || len(v.Signature) != ed25519.SignatureSize ||
		!ed25519.VerifyWithOptions(key, v.SignBytes(chainID), v.Signature, verifyOptions) {
		return ErrVoucherSignature.Wrapf("signature: of %d uath of channel %s: want one of the channel's voucher key over the voucher for chain %q",
			v.Amount, idString(v.Tenant, v.Number), chainID)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgOpenChannels) Validate(now time.Time, p Params) error {
	if len(m.Channels) == 0 || len(m.Channels) > MaxChannels {
		return ErrInvalidField.Wrapf("channels: %d: want 1 to %d", len(m.Channels), MaxChannels)
	}
	sum := uint64(0)
	for i, o := range m.Channels {
		if err := o.validate(now, p); err != nil {
			return ErrInvalidChannel.Wrapf("channels[%d]: %v", i, err)
		}
		if sum += o.Cap; sum > MaxChannelCap { // at most 100 x 2^53: no overflow
			return ErrInvalidChannel.Wrapf("channels[%d].cap: %d in all: want at most %d in a message", i, sum, uint64(MaxChannelCap))
		}
	}
	if m.Deposit.Amount.IsNil() && m.Deposit.Denom == "" {
		return nil
	}
	return validateUath("deposit", m.Deposit)
}

func (o ChannelOrder) validate(now time.Time, p Params) error {
	switch {
	case o.Cap < p.MinChannelCap || o.Cap > MaxChannelCap:
		return ErrInvalidChannel.Wrapf("cap: %d: want %d to %d uath", o.Cap, p.MinChannelCap, uint64(MaxChannelCap))
	case len(o.VoucherKey) != ed25519.PublicKeySize:
		return ErrInvalidChannel.Wrapf("voucher_key: %d bytes: want an ed25519 key of %d", len(o.VoucherKey), ed25519.PublicKeySize)
	}
	if err := validateVoucherKey(o.VoucherKey); err != nil {
		return err
	}
	return validateExpiry(o.ExpiresAt, now, p)
}

// validateVoucherKey refuses keys that nobody can sign with, and points of small order, such as 32 zero bytes, with which anybody can.
func validateVoucherKey(key []byte) error {
	var point curve.EdwardsPoint
	compressed, err := curve.NewCompressedEdwardsYFromBytes(key)
	if err == nil {
		_, err = point.SetCompressedY(compressed)
	}
	if err != nil || point.IsSmallOrder() {
		return ErrInvalidChannel.Wrapf("voucher_key: %X is no ed25519 public key that only its owner can sign for", key)
	}
	return nil
}

func validateExpiry(at, now time.Time, p Params) error {
	if !at.After(now) || at.After(now.Add(p.MaxChannelTerm)) {
		return ErrInvalidChannel.Wrapf("expires_at: %s: want after %s and at most %s later", at, now, p.MaxChannelTerm)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgTopUpChannel) Validate(p Params) error {
	switch {
	case m.Number == 0:
		return ErrInvalidField.Wrap("number: 0: channels count from 1")
	case m.Amount == 0 && m.ExpiresAt == nil:
		return ErrInvalidField.Wrap("amount, expires_at: neither is given: want at least one")
	case m.Amount != 0 && (m.Amount < p.MinChannelCap || m.Amount > MaxChannelCap):
		return ErrInvalidChannel.Wrapf("amount: %d: want 0, or %d to %d uath", m.Amount, p.MinChannelCap, uint64(MaxChannelCap))
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgCloseChannels) Validate() error {
	if len(m.Numbers) == 0 || len(m.Numbers) > MaxChannels {
		return ErrInvalidField.Wrapf("numbers: %d: want 1 to %d", len(m.Numbers), MaxChannels)
	}
	return validateUnique("numbers", m.Numbers)
}

// Validate checks what can be checked without state.
func (m *MsgRedeem) Validate(p Params) error {
	if len(m.Vouchers) == 0 || len(m.Vouchers) > int(p.MaxVouchers) {
		return ErrInvalidField.Wrapf("vouchers: %d: want 1 to %d; send the rest in another message", len(m.Vouchers), p.MaxVouchers)
	}
	for i, v := range m.Vouchers {
		if err := v.Validate(); err != nil {
			return ErrInvalidVoucher.Wrapf("vouchers[%d]: %v", i, err)
		}
	}
	return nil
}

// validate checks a channel of a genesis.
func (c Channel) validate() error {
	if _, err := sdk.AccAddressFromBech32(c.Tenant); err != nil {
		return ErrInvalidChannel.Wrapf("tenant: %v", err)
	}
	if _, err := sdk.AccAddressFromBech32(c.Provider); err != nil {
		return ErrInvalidChannel.Wrapf("provider: %v", err)
	}
	switch {
	case c.Number == 0:
		return ErrInvalidChannel.Wrap("number: 0: channels count from 1")
	case c.ContainerId == 0:
		return ErrInvalidChannel.Wrap("container_id: 0: Containers count from 1")
	case len(c.VoucherKey) != ed25519.PublicKeySize:
		return ErrInvalidChannel.Wrapf("voucher_key: %d bytes: want %d", len(c.VoucherKey), ed25519.PublicKeySize)
	case c.Cap == 0 || c.Cap > MaxChannelCap || c.Redeemed > c.Cap:
		return ErrInvalidChannel.Wrapf("cap, redeemed: %d, %d: want redeemed <= cap, cap 1 to %d", c.Cap, c.Redeemed, uint64(MaxChannelCap))
	case !validTime(c.ExpiresAt) || !validTime(c.EndsAt):
		return ErrInvalidChannel.Wrapf("expires_at, ends_at: %s, %s: want times from 1970 to 2261", c.ExpiresAt, c.EndsAt)
	case !c.Closing && c.EndsAt.Before(c.ExpiresAt):
		return ErrInvalidChannel.Wrapf("ends_at: %s: before expires_at %s, and not closing", c.EndsAt, c.ExpiresAt)
	}
	return c.validateSources()
}

// validateChannels checks order, and that no number can be used again.
func (g GenesisState) validateChannels() error {
	next := make(map[string]uint64, len(g.ChannelCounters))
	var last position
	for _, counter := range g.ChannelCounters {
		tenant, err := sdk.AccAddressFromBech32(counter.Tenant)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("channel_counters: tenant: %v", err)
		}
		at := position{tenant, 0}
		if len(next) > 0 && !last.before(at) {
			return ErrInvalidGenesis.Wrapf("channel_counters: %s is out of order", counter.Tenant)
		}
		if counter.Next < 2 {
			return ErrInvalidGenesis.Wrapf("channel_counters: next of %s is %d: want more than the first number, 1", counter.Tenant, counter.Next)
		}
		last, next[counter.Tenant] = at, counter.Next
	}
	last = position{}
	for _, c := range g.Channels {
		if err := c.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("channels: %s: %v", c.ID(), err)
		}
		at := position{sdk.MustAccAddressFromBech32(c.Tenant), c.Number}
		if !last.before(at) {
			return ErrInvalidGenesis.Wrapf("channels: %s is out of order", c.ID())
		}
		if c.Number >= next[c.Tenant] {
			return ErrInvalidGenesis.Wrapf("channel_counters: next of %s is %d, and there is %s", c.Tenant, next[c.Tenant], c.ID())
		}
		last = at
	}
	return nil
}

// Uath is an amount of a channel as the rest of the chain counts.
func Uath(amount uint64) math.Int { return math.NewIntFromUint64(amount) }
