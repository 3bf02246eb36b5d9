// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

const (
	// Of a million sessions: 50,000 tenants with four channels each over 2,000 Containers, and five sessions in a channel.
	channelsPerTenant, sessionsPerChannel, tenantsPerContainer = 4, 5, 25
	sessionUath                                                = 1_500
	// A transaction carries as many vouchers as the parameter allows; as many transactions as fit into a block's bytes.
	redeemsPerBlock = 20
)

// arcade is a street whose Containers are used in sessions that channels pay.
type arcade struct {
	*street
	tenants    []gen.Account
	keys       []ed25519.PrivateKey
	containers int
	gas        int64
	txs        int
	took       time.Duration
}

func newArcade(tb testing.TB, sessions int) *arcade {
	a := &arcade{}
	for i := range sessions / (channelsPerTenant * sessionsPerChannel) {
		seed := sha256.Sum256(fmt.Appendf(nil, "voucher key %d", i))
		a.tenants, a.keys = append(a.tenants, gen.NewAccount(fmt.Sprintf("player %d", i))), append(a.keys, ed25519.NewKeyFromSeed(seed[:]))
	}
	a.containers = max(1, len(a.tenants)/tenantsPerContainer)
	a.street = newStreet(tb, nil, a.containers, a.tenants...)
	a.open()
	return a
}

// container is the one that a tenant's channel is to: consecutive channels of all tenants go round the street.
func (a *arcade) container(tenant int, number uint64) uint64 {
	return uint64((tenant*channelsPerTenant+int(number)-1)%a.containers) + 1
}

// open opens the channels, one transaction for each tenant.
func (a *arcade) open() {
	const cap = 10 * sessionsPerChannel * sessionUath
	var txs [][]byte
	for i, t := range a.tenants {
		msg := &leasestypes.MsgOpenChannels{Tenant: t.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, channelsPerTenant*cap)}
		for number := uint64(1); number <= channelsPerTenant; number++ {
			msg.Channels = append(msg.Channels, leasestypes.ChannelOrder{
				ContainerId: a.container(i, number), Cap: cap, ExpiresAt: a.now.Add(30 * 24 * time.Hour),
				VoucherKey: a.keys[i].Public().(ed25519.PublicKey),
			})
		}
		txs = append(txs, a.sign(t, msg))
		if len(txs) == 500 || i == len(a.tenants)-1 {
			a.block(txs...)
			txs = nil
		}
	}
}

// voucher is what a tenant signs at the end of a session.
func (a *arcade) voucher(tenant int, number uint64, session int) leasestypes.Voucher {
	v := leasestypes.Voucher{Tenant: a.tenants[tenant].String(), Number: number, Amount: uint64(session) * sessionUath}
	v.Signature = ed25519.Sign(a.keys[tenant], v.SignBytes(shadow.ChainID))
	return v
}

// settle redeems every session's voucher and returns how many there were.
func (a *arcade) settle(perTx int) int {
	n := 0
	var txs [][]byte
	msg := &leasestypes.MsgRedeem{Signer: a.owner.String()}
	flush := func() {
		took, res := a.block(txs...)
		a.took += took
		used := int64(0)
		for _, r := range res.TxResults {
			used += r.GasUsed
		}
		require.LessOrEqual(a.b, used, app.BlockLimits().MaxGas)
		a.gas, a.txs, txs = a.gas+used, a.txs+len(txs), nil
	}
	for i := range a.tenants {
		for number := uint64(1); number <= channelsPerTenant; number++ {
			for session := 1; session <= sessionsPerChannel; session++ {
				msg.Vouchers = append(msg.Vouchers, a.voucher(i, number, session))
				n++
			}
		}
		if len(msg.Vouchers) == perTx || i == len(a.tenants)-1 {
			tx := a.sign(a.owner, msg)
			require.Less(a.b, int64(redeemsPerBlock*len(tx)), app.BlockLimits().MaxBytes, "they fit into a block")
			txs, msg = append(txs, tx), &leasestypes.MsgRedeem{Signer: a.owner.String()}
		}
		if len(txs) == redeemsPerBlock || i == len(a.tenants)-1 && len(txs) > 0 {
			flush()
		}
	}
	return n
}

// check looks at every channel: each session was paid once, and not one uath went missing. It returns how many channels were paid from.
func (a *arcade) check() int {
	ctx := a.app.NewUncachedContext(false, cmtproto.Header{ChainID: shadow.ChainID, Height: a.height, Time: a.now}) //nolint:staticcheck // the state itself is meant, not a cache over it
	paid := 0
	served := map[uint64]bool{}
	for i, t := range a.tenants {
		for number := uint64(1); number <= channelsPerTenant; number++ {
			c, err := a.app.Leases.Channel(ctx, t.Address(), number)
			require.NoError(a.b, err)
			require.EqualValues(a.b, sessionsPerChannel*sessionUath, c.Redeemed)
			require.Equal(a.b, a.container(i, number), c.ContainerId)
			served[c.ContainerId] = true
			paid++
		}
	}
	require.Len(a.b, served, a.containers)
	require.NoError(a.b, a.app.Leases.CheckInvariants(ctx))
	require.NoError(a.b, a.app.Ath.CheckInvariants(ctx))
	cached, _ := ctx.CacheContext()
	forged := a.voucher(0, 1, sessionsPerChannel+1)
	forged.Signature[40] ^= 1
	msg := &leasestypes.MsgRedeem{Signer: a.owner.String(), Vouchers: []leasestypes.Voucher{a.voucher(0, 2, 1), forged}}
	_, err := a.app.MsgServiceRouter().Handler(msg)(cached, msg)
	require.ErrorContains(a.b, err, "vouchers[1]: signature", "the signature of every voucher is looked at")
	return paid
}

// TestSessions is BenchmarkFigureChannels with a thousandth of its sessions.
func TestSessions(t *testing.T) {
	a := newArcade(t, 1_000)
	require.Equal(t, 1_000, a.settle(200))
	require.Equal(t, 5, a.txs)
	require.Equal(t, 200, a.check())
}

// BenchmarkFigureChannels settles sessions: real transactions on a store on disk, every voucher signed and verified. ATH_SESSIONS sets how
// many, a multiple of 1,000; a million of them take a quarter of an hour. The figures of fewer have their number in the name, so that they do not
// pass for those of the million.
func BenchmarkFigureChannels(b *testing.B) {
	const all = 1_000_000
	sessions := 100_000
	if text := os.Getenv("ATH_SESSIONS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		sessions = n
	}
	figure := func(name string) string {
		if sessions != all {
			return fmt.Sprintf("channel_%dk_%s", sessions/1_000, name)
		}
		return "channel_" + name
	}
	for b.Loop() {
		a := newArcade(b, sessions)
		vouchers := a.settle(int(leasestypes.DefaultParams().MaxVouchers))
		require.Equal(b, sessions, vouchers)
		b.ReportMetric(float64(a.check()), figure("distinct"))
		b.ReportMetric(float64(a.gas)/float64(vouchers), figure("voucher_gas"))
		b.ReportMetric(float64(vouchers)/float64(a.txs), figure("vouchers_per_tx"))
		b.ReportMetric(float64(a.txs), figure("settlement_txs"))
		b.ReportMetric(float64(vouchers), figure("sessions"))
		b.ReportMetric(a.took.Seconds(), figure("settlement_s"))
	}
}
