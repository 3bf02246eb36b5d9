// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// voucherKey signs the vouchers of all channels of a tenant.
func voucherKey(n uint64) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(bytes.Repeat([]byte{9}, 24), binary.BigEndian.AppendUint64(nil, n)...))
}

// voucher is one of a channel of tenant n.
func voucher(n, number, amount uint64) types.Voucher {
	v := types.Voucher{Tenant: tenant(n).String(), Number: number, Amount: amount}
	v.Signature = ed25519.Sign(voucherKey(n), v.SignBytes(chainID))
	return v
}

// channel is an order of tenant n that expires in an hour.
func (w *world) channel(n, container, amount uint64) types.ChannelOrder {
	return types.ChannelOrder{
		ContainerId: container, Cap: amount, ExpiresAt: w.ctx.BlockTime().Add(time.Hour), VoucherKey: voucherKey(n).Public().(ed25519.PublicKey),
	}
}

// openChannels opens channels of tenant n with a deposit that covers them.
func (w *world) openChannels(n uint64, orders ...types.ChannelOrder) uint64 {
	w.tb.Helper()
	sum := int64(0)
	for _, o := range orders {
		sum += int64(o.Cap)
	}
	w.fund(tenant(n), sum)
	res, err := w.msgs.OpenChannels(w.ctx, &types.MsgOpenChannels{Tenant: tenant(n).String(), Channels: orders, Deposit: uath(sum)})
	require.NoError(w.tb, err)
	return res.First
}

func (w *world) redeem(vouchers ...types.Voucher) (res *types.MsgRedeemResponse, err error) {
	err = w.try(func(ctx sdk.Context) error {
		res, err = w.msgs.Redeem(ctx, &types.MsgRedeem{Signer: someone(1).String(), Vouchers: vouchers})
		return err
	})
	return res, err
}

// paid is what redeeming is expected to pay.
func (w *world) paid(want uint64, vouchers ...types.Voucher) {
	w.tb.Helper()
	res, err := w.redeem(vouchers...)
	require.NoError(w.tb, err)
	require.Equal(w.tb, want, res.Paid)
	w.check()
}

func (w *world) closeChannels(signer sdk.AccAddress, n uint64, numbers ...uint64) (res *types.MsgCloseChannelsResponse, err error) {
	err = w.try(func(ctx sdk.Context) error {
		res, err = w.msgs.CloseChannels(ctx, &types.MsgCloseChannels{Signer: signer.String(), Tenant: tenant(n).String(), Numbers: numbers})
		return err
	})
	return res, err
}

// TestChannel walks through a channel's life: vouchers are cumulative, the highest counts, nothing is paid beyond the cap, and the tenant
// gets the rest back after the challenge.
func TestChannel(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	total := math.NewInt(100_000)
	require.EqualValues(t, 1, w.openChannels(1, w.channel(1, 1, 60_000), w.channel(1, 1, 40_000)))
	require.Zero(t, w.balance(tenant(1)))
	w.paid(100, voucher(1, 1, 100))
	w.paid(0, voucher(1, 1, 100))
	w.paid(0, voucher(1, 1, 99))
	w.paid(900+7, voucher(1, 1, 300), voucher(1, 2, 7), voucher(1, 1, 1_000), voucher(1, 1, 200))
	require.EqualValues(t, 1_007, w.earned(1))
	w.paid(59_000, voucher(1, 1, 70_000)) // up to the cap
	w.fund(tenant(1), 10_000)
	total = total.AddRaw(10_000)
	_, err := w.k.Deposit(w.ctx, tenant(1), tenant(1), uath(10_000))
	require.NoError(t, err)
	later := w.ctx.BlockTime().Add(2 * time.Hour)
	_, err = w.msgs.TopUpChannel(w.ctx, &types.MsgTopUpChannel{Tenant: tenant(1).String(), Number: 1, Amount: 10_000, ExpiresAt: &later})
	require.NoError(t, err)
	w.paid(10_000, voucher(1, 1, 70_000)) // the rest of what was promised

	_, err = w.closeChannels(tenant(1), 1, 1, 2)
	require.NoError(t, err)
	_, err = w.msgs.TopUpChannel(w.ctx, &types.MsgTopUpChannel{Tenant: tenant(1).String(), Number: 2, Amount: 10_000})
	require.ErrorIs(t, err, types.ErrChannelEnded)
	w.pass(24*time.Hour - 1)
	w.paid(93, voucher(1, 2, 100))
	_, err = w.closeChannels(tenant(1), 1, 2) // a second close begins no second challenge
	require.NoError(t, err)
	w.pass(1)
	w.check()
	require.EqualValues(t, 39_900, w.balance(tenant(1)))
	_, err = w.k.Channel(w.ctx, tenant(1), 2)
	require.ErrorIs(t, err, types.ErrChannelNotFound)
	require.Equal(t, total, w.vault.total(w.ctx))

	// Neither number comes back: a new channel counts on, and old vouchers pay nothing.
	require.EqualValues(t, 3, w.openChannels(1, w.channel(1, 1, 50_000)))
	w.paid(0, voucher(1, 1, 1<<40), voucher(1, 2, 1<<40))
	_, err = w.redeem(voucher(1, 4, 1))
	require.ErrorIs(t, err, types.ErrChannelNotFound)
	require.ErrorContains(t, err, "vouchers[0]")
	_, err = w.closeChannels(tenant(1), 1, 4)
	require.ErrorIs(t, err, types.ErrChannelNotFound)
}

// TestChannelExpires: without anybody's doing the rest comes back, a challenge after the expiry.
func TestChannelExpires(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.openChannels(1, w.channel(1, 1, 50_000))
	w.pass(time.Hour)
	_, err := w.msgs.TopUpChannel(w.ctx, &types.MsgTopUpChannel{Tenant: tenant(1).String(), Number: 1, Amount: 10_000})
	require.ErrorIs(t, err, types.ErrChannelEnded)
	w.paid(10, voucher(1, 1, 10))
	w.pass(23 * time.Hour)
	_, err = w.closeChannels(tenant(1), 1, 1) // too late to prolong it
	require.NoError(t, err)
	w.pass(time.Hour)
	require.EqualValues(t, 49_990, w.balance(tenant(1)))
	w.check()
}

// TestWhoClosesChannels: its provider at once, anyone once it has ended, nobody else.
func TestWhoClosesChannels(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.addContainer(2, 2)
	w.openChannels(1, w.channel(1, 1, 50_000), w.channel(1, 1, 50_000), w.channel(1, 1, 50_000))
	_, err := w.closeChannels(provider(2), 1, 1)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	_, err = w.closeChannels(tenant(2), 1, 1)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	w.paid(7, voucher(1, 1, 7))
	for i, signer := range []sdk.AccAddress{provider(1), operator(1)} {
		res, err := w.closeChannels(signer, 1, uint64(1+i))
		require.NoError(t, err)
		require.Positive(t, res.Refunded)
	}
	w.check()
	require.EqualValues(t, 99_993, w.balance(tenant(1)))
	w.paid(0, voucher(1, 1, 50))
	w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(25 * time.Hour)) // the queue has not run yet
	w.paid(0, voucher(1, 3, 50))
	res, err := w.closeChannels(someone(5), 1, 1, 3)
	require.NoError(t, err)
	require.EqualValues(t, 50_000, res.Refunded)
	w.check()
}

// TestGoneContainerRedeems: what a provider served before its Container left the market is paid.
func TestGoneContainerRedeems(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.openChannels(1, w.channel(1, 1, 50_000))
	require.NoError(t, w.providers.statuses.Set(w.ctx, 1, providertypes.ContainerStatus{Id: 1, State: providertypes.ContainerState_CONTAINER_STATE_RETIRED}))
	w.paid(5, voucher(1, 1, 5))
	w.fund(tenant(1), 50_000)
	msg := &types.MsgOpenChannels{Tenant: tenant(1).String(), Channels: []types.ChannelOrder{w.channel(1, 1, 50_000)}, Deposit: uath(50_000)}
	_, err := w.msgs.OpenChannels(w.ctx, msg)
	require.ErrorIs(t, err, types.ErrContainerRetired)
	w.providers.gone[1] = true
	w.paid(5, voucher(1, 1, 10))
	w.fund(tenant(1), 50_000)
	_, err = w.msgs.OpenChannels(w.ctx, msg)
	require.ErrorIs(t, err, providertypes.ErrContainerNotFound)
}

// TestVoucherSignatures: every voucher's signature counts, also of one that pays nothing; one that is wrong fails the message.
func TestVoucherSignatures(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.openChannels(1, w.channel(1, 1, 50_000), w.channel(1, 1, 50_000))
	w.paid(100, voucher(1, 1, 100))
	forged := func(change func(*types.Voucher)) types.Voucher {
		v := voucher(1, 1, 200)
		change(&v)
		return v
	}
	other := types.Voucher{Tenant: tenant(1).String(), Number: 1, Amount: 200}
	other.Signature = ed25519.Sign(voucherKey(1), other.SignBytes("ath-2"))
	for name, v := range map[string]types.Voucher{
		"amount":   forged(func(v *types.Voucher) { v.Amount = 201 }),
		"channel":  forged(func(v *types.Voucher) { v.Number = 2 }),
		"bit":      forged(func(v *types.Voucher) { v.Signature[5] ^= 1 }),
		"chain":    other,
		"stale":    forged(func(v *types.Voucher) { v.Amount = 50 }),
		"text":     forged(func(v *types.Voucher) { v.Tenant = strings.ToUpper(v.Tenant) }),
		"of other": forged(func(v *types.Voucher) { v.Signature = voucher(2, 1, 200).Signature }),
	} {
		t.Run("error - "+name, func(t *testing.T) {
			_, err := w.redeem(voucher(1, 1, 150), v)
			require.ErrorIs(t, err, types.ErrVoucherSignature)
			require.ErrorContains(t, err, "vouchers[1]")
		})
	}
	require.EqualValues(t, 100, w.earned(1))
	// An address has two forms as text. They are one channel: it is paid once.
	loud := types.Voucher{Tenant: strings.ToUpper(tenant(1).String()), Number: 1, Amount: 200}
	loud.Signature = ed25519.Sign(voucherKey(1), loud.SignBytes(chainID))
	w.paid(100, voucher(1, 1, 200), loud)
}

// TestChannelsTakeFreeMoneyOnly: what leases have reserved stays theirs, and the account is looked at in time.
func TestChannelsTakeFreeMoneyOnly(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.start(w.open(orderFunded(w, tenant(1), 100_000, 1)))
	w.pass(time.Minute)
	msg := &types.MsgOpenChannels{Tenant: tenant(1).String(), Channels: []types.ChannelOrder{w.channel(1, 1, 98_801)}}
	_, err := w.msgs.OpenChannels(w.ctx, msg)
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	msg.Channels[0].Cap = 98_800 // 600 are used and 600 are the minimum charge
	_, err = w.msgs.OpenChannels(w.ctx, msg)
	require.NoError(t, err)
	w.check()
	w.pass(time.Hour)
	w.check()
	require.EqualValues(t, 1_200, w.earned(1), "the lease ended when its own money was used up")
	_, err = w.msgs.TopUpChannel(w.ctx, &types.MsgTopUpChannel{Tenant: tenant(1).String(), Number: 1, Amount: 10_000})
	require.ErrorIs(t, err, types.ErrChannelEnded)
}

// TestChannelQueue: a block ends so many channels and no more, and one that fails stops no other.
func TestChannelQueue(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	params := types.DefaultParams()
	params.MaxChannelEndsPerBlock = 2
	require.NoError(t, w.k.params.Set(w.ctx, params))
	for n := uint64(1); n <= 5; n++ {
		w.openChannels(n, w.channel(n, 1, 10_000))
	}
	w.vault.broken[tenant(3).String()] = true
	open := func() int {
		channels, err := values(w.ctx, w.k.channels)
		require.NoError(t, err)
		return len(channels)
	}
	for _, left := range []int{3, 2, 1} { // the second block parks one
		w.pass(25 * time.Hour)
		require.Equal(t, left, open())
	}
	w.vault.broken = map[string]bool{}
	w.pass(time.Hour)
	require.Equal(t, 1, open())
	_, err := w.closeChannels(someone(1), 3, 1) // anyone finishes what was parked
	require.NoError(t, err)
	w.check()
	require.Zero(t, open())
}

// TestChannelMessagesAreChecked: bad input gets an error that names the field.
func TestChannelMessagesAreChecked(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.fund(tenant(1), 1_000_000)
	good := w.channel(1, 1, 20_000)
	for want, change := range map[string]func(*types.MsgOpenChannels){
		"channels: 0":              func(m *types.MsgOpenChannels) { m.Channels = nil },
		"channels: 101":            func(m *types.MsgOpenChannels) { m.Channels = make([]types.ChannelOrder, 101) },
		"channels[0]: cap: 9999":   func(m *types.MsgOpenChannels) { m.Channels[0].Cap = 9_999 },
		"cap: 9007199254740993":    func(m *types.MsgOpenChannels) { m.Channels[0].Cap = 1<<53 + 1 },
		"in all":                   func(m *types.MsgOpenChannels) { m.Channels = append(m.Channels, good); m.Channels[0].Cap = 1 << 53 },
		"voucher_key: 31 bytes":    func(m *types.MsgOpenChannels) { m.Channels[0].VoucherKey = make([]byte, 31) },
		"only its owner can sign":  func(m *types.MsgOpenChannels) { m.Channels[0].VoucherKey = make([]byte, 32) },
		"is no ed25519 public key": func(m *types.MsgOpenChannels) { m.Channels[0].VoucherKey = append([]byte{2}, make([]byte, 31)...) },
		"expires_at":               func(m *types.MsgOpenChannels) { m.Channels[0].ExpiresAt = w.ctx.BlockTime() },
		"at most 2160h0m0s later":  func(m *types.MsgOpenChannels) { m.Channels[0].ExpiresAt = start.Add(91 * 24 * time.Hour) },
		"channels[0].container_id": func(m *types.MsgOpenChannels) { m.Channels[0].ContainerId = 9 },
		"deposit":                  func(m *types.MsgOpenChannels) { m.Deposit.Denom = "uosmo" },
		"insufficient free":        func(m *types.MsgOpenChannels) { m.Deposit = uath(19_999) },
		"tenant: decoding bech32":  func(m *types.MsgOpenChannels) { m.Tenant = "x" },
		"want after 2026-11-01":    func(m *types.MsgOpenChannels) { m.Channels[0].ExpiresAt = time.Time{} },
	} {
		msg := &types.MsgOpenChannels{Tenant: tenant(1).String(), Channels: []types.ChannelOrder{good}, Deposit: uath(20_000)}
		change(msg)
		require.ErrorContains(t, w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.OpenChannels(ctx, msg)
			return err
		}), want)
	}
	w.openChannels(1, good)
	early := good.ExpiresAt
	for want, msg := range map[string]*types.MsgTopUpChannel{
		"number: 0":         {},
		"neither is given":  {Number: 1},
		"amount: 5":         {Number: 1, Amount: 5},
		"channel not found": {Number: 2, Amount: 10_000},
		"want later than":   {Number: 1, ExpiresAt: &early},
		"together":          {Number: 1, Amount: 1 << 53},
		"insufficient free": {Number: 1, Amount: 1 << 40},
	} {
		msg.Tenant = tenant(1).String()
		_, err := w.msgs.TopUpChannel(w.ctx, msg)
		require.ErrorContains(t, err, want)
	}
	for want, vouchers := range map[string][]types.Voucher{
		"vouchers: 0":                {},
		"vouchers: 1001":             make([]types.Voucher, 1_001),
		"number: 0":                  {voucher(1, 0, 5)},
		"amount: 0":                  {voucher(1, 1, 0)},
		"signature: 0 bytes":         {{Tenant: tenant(1).String(), Number: 1, Amount: 5}},
		"vouchers[1]: tenant":        {voucher(1, 1, 5), {Tenant: "x", Number: 1, Amount: 5, Signature: make([]byte, 64)}},
		"was never opened":           {voucher(2, 1, 5)},
		"2 of " + tenant(1).String(): {voucher(1, 2, 5)},
	} {
		_, err := w.redeem(vouchers...)
		require.ErrorContains(t, err, want)
	}
	for want, numbers := range map[string][]uint64{"numbers: 0": {}, "numbers: 101": make([]uint64, 101), "twice": {1, 1}, "was never opened": {0}} {
		_, err := w.closeChannels(tenant(1), 1, numbers...)
		require.ErrorContains(t, err, want)
	}
	w.check()
}

// TestVoucherGas: each voucher is charged its signature, and a channel is written once however many of its vouchers come.
func TestVoucherGas(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	require.Equal(t, 1+2*2, w.writes.count(func() { w.openChannels(1, w.channel(1, 1, 50_000), w.channel(1, 1, 50_000)) }), "counter; channel and queue each")
	one := gasOf(w.ctx, func(ctx sdk.Context) {
		_, err := w.msgs.Redeem(ctx, &types.MsgRedeem{Signer: someone(1).String(), Vouchers: []types.Voucher{voucher(1, 1, 10)}})
		require.NoError(t, err)
	})
	five := []types.Voucher{voucher(1, 2, 10), voucher(1, 2, 11), voucher(1, 2, 12), voucher(1, 2, 13), voucher(1, 2, 14)}
	require.Equal(t, 1, w.writes.count(func() {
		many := gasOf(w.ctx, func(ctx sdk.Context) {
			_, err := w.msgs.Redeem(ctx, &types.MsgRedeem{Signer: someone(1).String(), Vouchers: five})
			require.NoError(t, err)
		})
		require.InDelta(t, 4*types.DefaultParams().VoucherGas, many-one, 50, "but for the bytes of a larger number")
	}), "the channel")
}

// TestRedemptionOrderDoesNotMatter: however vouchers are cut into messages, and in whichever order they come, a provider is paid the same.
func TestRedemptionOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vouchers := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) types.Voucher {
			return voucher(rapid.Uint64Range(1, 2).Draw(t, "tenant"), rapid.Uint64Range(1, 2).Draw(t, "number"), rapid.Uint64Range(1, 15_000).Draw(t, "amount"))
		}), 1, 12).Draw(t, "vouchers")
		play := func(seed int64) (earned [3]int64) {
			w := newWorld(t)
			w.addContainer(1, 1)
			w.addContainer(2, 2)
			for n := uint64(1); n <= 2; n++ {
				w.openChannels(n, w.channel(n, 1, 10_000), w.channel(n, 2, 12_000))
			}
			r := rand.New(rand.NewSource(seed))
			r.Shuffle(len(vouchers), func(i, j int) { vouchers[i], vouchers[j] = vouchers[j], vouchers[i] })
			for rest := vouchers; len(rest) > 0; {
				n := 1 + r.Intn(len(rest))
				_, err := w.redeem(rest[:n]...)
				require.NoError(t, err)
				rest = rest[n:]
			}
			w.check()
			return [3]int64{w.earned(1), w.earned(2)}
		}
		require.Equal(t, play(rapid.Int64().Draw(t, "one order")), play(rapid.Int64().Draw(t, "another")))
	})
}

// ledger is the plain model of a channel.
type ledger struct {
	tenant, number, container, cap, redeemed uint64
	expires, ends                            time.Time
	closing                                  bool
}

// TestChannelModel plays random messages against a plain map: nothing is paid beyond a cap, twice, or after the end, money is conserved, and
// nobody but tenant and provider gains.
func TestChannelModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for id := uint64(1); id <= 2; id++ {
			w.addContainer(id, id)
		}
		for n := uint64(1); n <= 2; n++ {
			w.fund(tenant(n), 300_000)
		}
		total := w.vault.total(w.ctx)
		channels := map[string]*ledger{}
		var ever []*ledger
		next, earned := map[uint64]uint64{1: 1, 2: 1}, map[uint64]int64{}
		key := func(n, number uint64) string { return fmt.Sprint(n, "/", number) }
		who := func(t *rapid.T) uint64 { return rapid.Uint64Range(1, 2).Draw(t, "tenant") }
		some := func(t *rapid.T) *ledger {
			if len(ever) == 0 {
				t.Skip("none yet")
			}
			return rapid.SampledFrom(ever).Draw(t, "channel")
		}
		live := func(l *ledger) bool {
			return channels[key(l.tenant, l.number)] != nil && w.ctx.BlockTime().Before(l.ends)
		}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				n, container := who(t), rapid.Uint64Range(1, 2).Draw(t, "container")
				o := w.channel(n, container, rapid.Uint64Range(10_000, 60_000).Draw(t, "cap"))
				o.ExpiresAt = w.ctx.BlockTime().Add(time.Duration(rapid.Int64Range(1, int64(50*time.Hour)).Draw(t, "term")))
				var first uint64
				if w.try(func(ctx sdk.Context) error {
					res, err := w.msgs.OpenChannels(ctx, &types.MsgOpenChannels{Tenant: tenant(n).String(), Channels: []types.ChannelOrder{o}, Deposit: uath(int64(o.Cap))})
					if err == nil {
						first = res.First
					}
					return err
				}) != nil {
					return // out of money
				}
				require.Equal(t, next[n], first)
				next[n]++
				l := &ledger{tenant: n, number: first, container: container, cap: o.Cap, expires: o.ExpiresAt, ends: o.ExpiresAt.Add(24 * time.Hour)}
				channels[key(n, first)] = l
				ever = append(ever, l)
			},
			"redeem": func(t *rapid.T) {
				var vouchers []types.Voucher
				want := uint64(0)
				for range rapid.IntRange(1, 4).Draw(t, "vouchers") {
					l := some(t)
					amount := rapid.Uint64Range(1, 70_000).Draw(t, "amount")
					vouchers = append(vouchers, voucher(l.tenant, l.number, amount))
					if up := min(amount, l.cap); live(l) && up > l.redeemed {
						want += up - l.redeemed
						earned[l.container] += int64(up - l.redeemed)
						l.redeemed = up
					}
				}
				res, err := w.redeem(vouchers...)
				require.NoError(t, err)
				require.Equal(t, want, res.Paid)
			},
			"top up": func(t *rapid.T) {
				l := some(t)
				msg := &types.MsgTopUpChannel{Tenant: tenant(l.tenant).String(), Number: l.number, Amount: rapid.SampledFrom([]uint64{0, 10_000}).Draw(t, "amount")}
				later := l.expires.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "later")))
				msg.ExpiresAt = &later
				if w.try(func(ctx sdk.Context) error { _, err := w.msgs.TopUpChannel(ctx, msg); return err }) == nil {
					require.True(t, live(l) && !l.closing && w.ctx.BlockTime().Before(l.expires) && later.After(l.expires))
					l.cap, l.expires, l.ends = l.cap+msg.Amount, later, later.Add(24*time.Hour)
				}
			},
			"close": func(t *rapid.T) {
				l := some(t)
				signer := rapid.SampledFrom([]sdk.AccAddress{tenant(1), tenant(2), provider(1), provider(2), someone(1)}).Draw(t, "signer")
				_, err := w.closeChannels(signer, l.tenant, l.number)
				mine, its := signer.Equals(tenant(l.tenant)), signer.Equals(provider(l.container))
				switch there := channels[key(l.tenant, l.number)] != nil; {
				case !there:
					require.NoError(t, err)
				case its || !live(l):
					require.NoError(t, err)
					delete(channels, key(l.tenant, l.number))
				case mine:
					require.NoError(t, err)
					if end := w.ctx.BlockTime().Add(24 * time.Hour); !l.closing && end.Before(l.ends) {
						l.ends = end
					}
					l.closing = true
				default:
					require.ErrorIs(t, err, types.ErrUnauthorized)
				}
			},
			"withdraw": func(t *rapid.T) {
				n := who(t)
				_ = w.try(func(ctx sdk.Context) error { _, err := w.k.Withdraw(ctx, tenant(n), uath(0)); return err })
			},
			"wait": func(t *rapid.T) {
				w.pass(time.Duration(rapid.Int64Range(1, int64(20*time.Hour)).Draw(t, "wait")))
				for k, l := range channels {
					if !live(l) {
						delete(channels, k)
					}
				}
			},
			"": func(t *rapid.T) {
				w.check()
				require.Equal(t, total.String(), w.vault.total(w.ctx).String())
				for id := uint64(1); id <= 2; id++ {
					require.Equal(t, earned[id], w.earned(id))
				}
				stored, err := values(w.ctx, w.k.channels)
				require.NoError(t, err)
				require.Len(t, stored, len(channels))
				for _, c := range stored {
					for n := uint64(1); n <= 2; n++ {
						if c.Tenant != tenant(n).String() {
							continue
						}
						l := channels[key(n, c.Number)]
						require.Equal(t, []any{l.cap, l.redeemed, l.ends.UTC(), l.closing}, []any{c.Cap, c.Redeemed, c.EndsAt.UTC(), c.Closing})
					}
				}
			},
		})
		w.pass(1000 * time.Hour)
		stored, err := values(w.ctx, w.k.channels)
		require.NoError(t, err)
		require.Empty(t, stored)
		for _, l := range ever { // no replay after pruning
			w.paid(0, voucher(l.tenant, l.number, 1<<50))
		}
	})
}

// TestChannelQueries shows channels, and says what does not exist.
func TestChannelQueries(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.openChannels(1, w.channel(1, 1, 50_000), w.channel(1, 1, 40_000))
	w.openChannels(2, w.channel(2, 1, 50_000))
	res, err := w.queries.Channels(w.ctx, &types.QueryChannelsRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Len(t, res.Channels, 2)
	one, err := w.queries.Channel(w.ctx, &types.QueryChannelRequest{Tenant: tenant(1).String(), Number: 2})
	require.NoError(t, err)
	require.Equal(t, res.Channels[1], one.Channel)
	_, err = w.queries.Channel(w.ctx, &types.QueryChannelRequest{Tenant: tenant(1).String(), Number: 3})
	require.ErrorContains(t, err, "NotFound")
}

// TestChannelGenesis: channels and counters survive a round trip, and a state that would let a voucher count twice is refused.
func TestChannelGenesis(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	w.openChannels(1, w.channel(1, 1, 50_000), w.channel(1, 1, 40_000))
	w.openChannels(2, w.channel(2, 1, 30_000))
	w.paid(30_000, voucher(2, 1, 30_000))
	_, err := w.closeChannels(provider(1), 2, 1)
	require.NoError(t, err)
	_, err = w.closeChannels(tenant(1), 1, 1)
	require.NoError(t, err)
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.Len(t, exported.Channels, 2)
	require.Len(t, exported.ChannelCounters, 2)

	fresh := newWorld(t)
	fresh.copyFrom(w)
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	fresh.check()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(exported), fresh.cdc.MustMarshalJSON(again))
	fresh.paid(0, voucher(2, 1, 30_000))
	fresh.paid(9, voucher(1, 1, 9))
	fresh.pass(48 * time.Hour)
	require.EqualValues(t, 89_991, fresh.balance(tenant(1)))

	for name, change := range map[string]func(*types.GenesisState){
		"counter":        func(g *types.GenesisState) { g.ChannelCounters[0].Next = 2 },
		"counter of one": func(g *types.GenesisState) { g.ChannelCounters[1].Next = 1 },
		"counter gone":   func(g *types.GenesisState) { g.ChannelCounters = g.ChannelCounters[1:] },
		"counter order": func(g *types.GenesisState) {
			g.ChannelCounters[0], g.ChannelCounters[1] = g.ChannelCounters[1], g.ChannelCounters[0]
		},
		"counter tenant": func(g *types.GenesisState) { g.ChannelCounters[0].Tenant = "x" },
		"order":          func(g *types.GenesisState) { g.Channels[0], g.Channels[1] = g.Channels[1], g.Channels[0] },
		"twice":          func(g *types.GenesisState) { g.Channels[1] = g.Channels[0] },
		"redeemed":       func(g *types.GenesisState) { g.Channels[0].Redeemed = g.Channels[0].Cap + 1 },
		"cap":            func(g *types.GenesisState) { g.Channels[0].Cap = 0 },
		"key":            func(g *types.GenesisState) { g.Channels[0].VoucherKey = nil },
		"number":         func(g *types.GenesisState) { g.Channels[0].Number = 0 },
		"container":      func(g *types.GenesisState) { g.Channels[0].ContainerId = 0 },
		"provider":       func(g *types.GenesisState) { g.Channels[0].Provider = "" },
		"tenant":         func(g *types.GenesisState) { g.Channels[0].Tenant = "" },
		"end":            func(g *types.GenesisState) { g.Channels[1].EndsAt = g.Channels[1].ExpiresAt.Add(-1) },
		"time":           func(g *types.GenesisState) { g.Channels[1].EndsAt = time.Time{} },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			var changed types.GenesisState
			w.cdc.MustUnmarshalJSON(w.cdc.MustMarshalJSON(exported), &changed)
			change(&changed)
			require.ErrorIs(t, changed.Validate(), types.ErrInvalidGenesis)
		})
	}
}

// TestChannelInvariantsSeeDamage: each of them fails on a state that breaks it.
func TestChannelInvariantsSeeDamage(t *testing.T) {
	for name, damage := range map[string]func(*world) error{
		"C1 row": func(w *world) error {
			return w.vault.rows.Set(w.ctx, "channel/"+tenant(1).String()+"/1", math.OneInt())
		},
		"C2 missing": func(w *world) error { return w.k.channelEnds.Clear(w.ctx, nil) },
		"C2 stray": func(w *world) error {
			return w.k.channelEnds.Set(w.ctx, collections.Join3(int64(5), tenant(1), uint64(1)))
		},
		"C3 number": func(w *world) error { return w.k.channelNumbers.Set(w.ctx, tenant(1), 1) },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			w := newWorld(t)
			w.addContainer(1, 1)
			w.openChannels(1, w.channel(1, 1, 50_000))
			w.check()
			require.NoError(t, damage(w))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}
