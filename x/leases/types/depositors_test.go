// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func payer(n int) Payer {
	addr := sdk.AccAddress(fmt.Sprintf("%020d", n/2)).String()
	if n%2 == 0 {
		return Payer{Depositor: addr, Source: DepositSource_DEPOSIT_SOURCE_BANK}
	}
	return Payer{Depositor: addr, Source: DepositSource_DEPOSIT_SOURCE_GRANT, Nonce: 1}
}

// purses is the model of an account: what everybody has put in and got out, written down plainly.
type purses struct {
	d        Depositors
	balance  int64
	in, out  map[Payer]int64
	ownIn    int64
	ownOut   int64
	credits  int64
	paid     int64
	channels []struct {
		sources []ChannelSource
		limit   int64
	}
}

func newPurses() *purses {
	return &purses{d: NewDepositors(sdk.AccAddress(make([]byte, 20)).String(), athtypes.Denom, math.ZeroInt()), in: map[Payer]int64{}, out: map[Payer]int64{}}
}

func draw(t *rapid.T, name string, most int64) int64 { return rapid.Int64Range(0, most).Draw(t, name) }

func (m *purses) deposit(t *rapid.T) {
	who, amount := payer(rapid.IntRange(0, 39).Draw(t, "payer")), 1+draw(t, "amount", 100)
	d, err := m.d.Count(math.NewInt(m.balance)).Deposit(who, math.NewInt(amount), math.NewInt(10))
	if err != nil {
		require.True(t, amount < 10 || len(d.Places) >= MaxUninvited)
		return
	}
	m.d, m.balance = d, m.balance+amount
	m.in[who] += amount
	require.Equal(t, who, m.d.Places[len(m.d.Places)-1].Payer(), "who deposits is on top")
}

func (m *purses) depositOwn(t *rapid.T) {
	amount := draw(t, "amount", 100)
	m.d, m.balance, m.ownIn = m.d.Count(math.NewInt(m.balance)), m.balance+amount, m.ownIn+amount
	m.d.Balance = math.NewInt(m.balance)
}

func (m *purses) withdraw(t *rapid.T) {
	d := m.d.Count(math.NewInt(m.balance))
	_, own := d.Claims(math.NewInt(draw(t, "free", m.balance)))
	amount := draw(t, "amount", own.Int64())
	m.balance, m.ownOut = m.balance-amount, m.ownOut+amount
	d.Balance = math.NewInt(m.balance)
	m.d = d
}

// pay is a lease's payment: nobody looks at the stack.
func (m *purses) pay(t *rapid.T) {
	amount := draw(t, "amount", m.balance)
	m.balance, m.paid = m.balance-amount, m.paid+amount
}

func (m *purses) credit(t *rapid.T) {
	amount := draw(t, "amount", m.paid)
	m.d = m.d.Count(math.NewInt(m.balance)).Credit(math.NewInt(amount))
	m.balance, m.paid, m.credits = m.balance+amount, m.paid-amount, m.credits+amount
}

func (m *purses) reclaim(t *rapid.T) {
	who := payer(rapid.IntRange(0, 39).Draw(t, "payer"))
	free := draw(t, "free", m.balance)
	counted := m.d.Count(math.NewInt(m.balance))
	claim := counted.Claim(who, math.NewInt(free)).Int64()
	amount := draw(t, "amount", claim+1)
	d, back, err := counted.Reclaim(who.Depositor, who.Source, math.NewInt(amount), math.NewInt(free))
	if err != nil {
		require.True(t, amount > claim || claim == 0, "what can be claimed is given: %v", err)
		return
	}
	require.Len(t, back, 1)
	if amount == 0 {
		amount = claim
	}
	require.EqualValues(t, amount, back[0].Amount.Int64())
	require.LessOrEqual(t, amount, free)
	m.d, m.balance = d, m.balance-amount
	m.out[who] += amount
}

func (m *purses) openChannel(t *rapid.T) {
	limit := draw(t, "cap", m.balance)
	d, sources := m.d.Count(math.NewInt(m.balance)).Draw(math.NewInt(limit))
	m.d, m.balance = d, m.balance-limit
	m.channels = append(m.channels, struct {
		sources []ChannelSource
		limit   int64
	}{sources, limit})
}

func (m *purses) endChannel(t *rapid.T) {
	if len(m.channels) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.channels)-1).Draw(t, "channel")
	c := m.channels[i]
	m.channels = append(m.channels[:i:i], m.channels[i+1:]...)
	left := draw(t, "left", c.limit)
	m.d = m.d.Count(math.NewInt(m.balance)).Restore(c.sources, math.NewInt(c.limit), math.NewInt(left))
	m.balance, m.paid = m.balance+left, m.paid+c.limit-left
}

// check is conservation: what everybody has put in is still there, in channels, spent or given back, and no more.
func (m *purses) check(t *rapid.T) {
	held := map[Payer]math.Int{}
	for _, c := range m.channels {
		for _, s := range c.sources {
			if _, ok := held[s.Payer()]; !ok {
				held[s.Payer()] = math.ZeroInt()
			}
			held[s.Payer()] = held[s.Payer()].Add(s.Amount)
		}
	}
	d := m.d.Count(math.NewInt(m.balance))
	if len(d.Places) > 0 {
		require.NoError(t, d.Validate(held))
	}
	require.False(t, d.Own().IsNegative())
	require.EqualValues(t, m.balance, d.Balance.Int64())
	for _, p := range d.Places {
		kept := p.Left.Add(p.Held).Int64()
		require.LessOrEqual(t, m.out[p.Payer()]+kept, m.in[p.Payer()], "nobody has more than what he put in")
	}
	for who, out := range m.out {
		require.LessOrEqual(t, out, m.in[who])
	}
	require.LessOrEqual(t, m.ownOut+d.Own().Int64(), m.ownIn+m.credits, "the tenant has nothing of the others'")
}

// TestNobodyGetsMoreThanHePutIn: whatever happens to an account, in which order, depositors and tenant keep to their own money.
func TestNobodyGetsMoreThanHePutIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newPurses()
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "deposit": m.deposit, "own": m.depositOwn, "withdraw": m.withdraw, "pay": m.pay, "credit": m.credit,
			"reclaim": m.reclaim, "open channel": m.openChannel, "end channel": m.endChannel,
		})
	})
}

// stack draws an account with up to eight depositors.
func drawStack(t *rapid.T) Depositors {
	own := draw(t, "own", 100)
	d := NewDepositors(sdk.AccAddress(make([]byte, 20)).String(), athtypes.Denom, math.NewInt(own))
	for i := range rapid.IntRange(0, 8).Draw(t, "places") {
		var err error
		d, err = d.Deposit(payer(i), math.NewInt(1+draw(t, "left", 100)), math.OneInt())
		require.NoError(t, err)
	}
	return d
}

// TestLastInIsSpentFirst, and the tenant's own money last.
func TestLastInIsSpentFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawStack(t)
		after := d.Count(math.NewInt(draw(t, "balance", d.Balance.Int64())))
		kept := after.Places
		after.Places = slices.DeleteFunc(slices.Clone(kept), Place.empty)
		for _, p := range kept[len(after.Places):] {
			require.True(t, p.empty() && p.Spent.IsPositive(), "those above whose money is used up wait for a credit")
		}
		for i, p := range after.Places {
			switch {
			case i < len(after.Places)-1:
				require.Equal(t, d.Places[i], p, "below the last that has something left nothing is spent")
			case i < len(d.Places)-1:
				require.False(t, p.Left.IsZero())
			}
		}
		if len(after.Places) > 0 {
			require.Equal(t, d.Own().String(), after.Own().String(), "the tenant's own money is spent last")
		}
	})
}

// TestWhenTheStackIsCountedDoesNotMatter: counting it after every payment, or once.
func TestWhenTheStackIsCountedDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawStack(t)
		end := draw(t, "balance", d.Balance.Int64())
		often := d
		for often.Balance.Int64() > end {
			often = often.Count(math.NewInt(max(end, often.Balance.Int64()-1-draw(t, "payment", 20))))
		}
		require.Equal(t, places(d.Count(math.NewInt(end))), places(often))
	})
}

// TestAChannelThatPaidNothingChangesNothing: its cap comes back to those that it was taken from, whatever was spent in between.
func TestAChannelThatPaidNothingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawStack(t)
		limit := math.NewInt(draw(t, "cap", d.Balance.Int64()))
		opened, sources := d.Draw(limit)
		require.Equal(t, places(d), places(opened.Restore(sources, limit, limit)))

		paid := math.NewInt(draw(t, "paid", limit.Int64()))
		want := d.Count(d.Balance.Sub(paid))
		got := opened.Restore(sources, limit, limit.Sub(paid))
		require.Equal(t, places(want), places(got), "a channel pays as a lease does")
	})
}

// TestClaimsLeaveWhatIsNotFree: all claims together are what is free, those of the top the first to be short.
func TestClaimsLeaveWhatIsNotFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawStack(t)
		free := math.NewInt(draw(t, "free", d.Balance.Int64()))
		claims, own := d.Claims(free)
		after := d.Count(free) // as if what is not free had been paid
		require.Equal(t, after.Own().String(), own.String())
		sum := own
		for i, p := range d.Places {
			require.Equal(t, after.Claim(p.Payer(), free).String(), claims[i].String())
			sum = sum.Add(claims[i])
		}
		require.Equal(t, free.String(), sum.String())
	})
}

// TestCreditGoesToWhoHasPaid: not to who has just deposited, and to nobody more than he paid.
func TestCreditGoesToWhoHasPaid(t *testing.T) {
	d := NewDepositors("tenant", athtypes.Denom, math.NewInt(50))
	d, err := d.Deposit(payer(0), math.NewInt(100), math.OneInt())
	require.NoError(t, err)
	d = d.Count(math.NewInt(120)) // 30 of the first were spent
	d, err = d.Deposit(payer(2), math.NewInt(100), math.OneInt())
	require.NoError(t, err)
	d = d.Credit(math.NewInt(40))
	require.Equal(t, "100", d.Places[0].Left.String())
	require.Equal(t, "100", d.Places[1].Left.String(), "has paid nothing")
	require.Equal(t, "60", d.Own().String(), "what nobody who is there has paid is the tenant's")
}

// TestWhoseMoneyIsUsedUpIsCredited: what comes back of what he paid is his; what the tenant has paid since is the tenant's, and once that is as
// much the place is gone.
func TestWhoseMoneyIsUsedUpIsCredited(t *testing.T) {
	start, err := NewDepositors("tenant", athtypes.Denom, math.NewInt(500)).Deposit(payer(0), math.NewInt(100), math.OneInt())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		spent, credit int64
		friends, own  int64
	}{
		"all of his":                {spent: 100, credit: 40, friends: 40, own: 500},
		"more than he paid":         {spent: 100, credit: 110, friends: 100, own: 510},
		"and some of the tenant's":  {spent: 130, credit: 40, friends: 10, own: 500},
		"less than the tenant paid": {spent: 130, credit: 20, friends: 0, own: 490},
		"and as much again":         {spent: 200, credit: 150, friends: 0, own: 550},
	} {
		t.Run(name, func(t *testing.T) {
			d := start.Count(math.NewInt(600 - c.spent)).Credit(math.NewInt(c.credit))
			require.Equal(t, c.own, d.Own().Int64())
			require.Equal(t, c.friends, d.Claim(payer(0), d.Balance).Int64())
		})
	}
	used := start.Count(math.NewInt(500))
	_, err = used.Deposit(payer(0), math.OneInt(), math.NewInt(10))
	require.ErrorIs(t, err, ErrDepositTooSmall, "what is used up is no place to add to")
	_, _, err = used.Reclaim(payer(0).Depositor, payer(0).Source, math.ZeroInt(), math.NewInt(500))
	require.ErrorIs(t, err, ErrDepositorNotFound)
}

// TestUsedUpPlacesMakeWay for others, the first that was taken before the last.
func TestUsedUpPlacesMakeWay(t *testing.T) {
	d := NewDepositors("tenant", athtypes.Denom, math.NewInt(10))
	for i := range 3 * MaxDepositors {
		var err error
		d, err = d.Count(math.NewInt(10)).Deposit(payer(i), math.NewInt(5), math.OneInt())
		require.NoError(t, err)
		require.Len(t, d.Places, min(i+1, MaxDepositors))
	}
	require.Equal(t, payer(2*MaxDepositors), d.Places[0].Payer())
}

// TestStrangersTakeHalfOfThePlaces: the rest is for grants, of which the tenant draws; a stranger's place has its price.
func TestStrangersTakeHalfOfThePlaces(t *testing.T) {
	d := NewDepositors("tenant", athtypes.Denom, math.ZeroInt())
	least := math.NewInt(10)
	_, err := d.Deposit(payer(0), math.NewInt(9), least)
	require.ErrorIs(t, err, ErrDepositTooSmall)
	for i := range MaxUninvited {
		d, err = d.Deposit(payer(2*i), least, least)
		require.NoError(t, err)
	}
	_, err = d.Deposit(payer(2*MaxUninvited), least, least)
	require.ErrorIs(t, err, ErrTooManyDepositors)
	_, err = d.Deposit(payer(0), math.OneInt(), least)
	require.NoError(t, err, "who has a place may add to it")
	for i := range MaxDepositors - MaxUninvited {
		d, err = d.Deposit(payer(2*i+1), least, least)
		require.NoError(t, err)
	}
	_, err = d.Deposit(payer(2*MaxDepositors+1), least, least)
	require.ErrorIs(t, err, ErrTooManyDepositors)
	_, err = d.Count(math.NewInt(150)).Deposit(payer(2*MaxDepositors+1), least, least)
	require.NoError(t, err, "what is spent makes place")
}

func TestGrant(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end := now.Add(24 * time.Hour)
	g := DepositGrant{Granter: "granter", Nonce: 7, Limit: sdk.NewInt64Coin(athtypes.Denom, 100), ExpiresAt: &end, Refilled: math.ZeroInt()}
	used, err := g.Use(math.NewInt(100), now)
	require.NoError(t, err)
	require.True(t, used.Limit.IsZero(), "it survives zero")
	_, err = used.Use(math.OneInt(), now)
	require.ErrorIs(t, err, ErrGrantLimit)
	_, err = g.Use(math.OneInt(), end)
	require.ErrorIs(t, err, ErrGrantExpired)

	back, raised := used.Return(7, math.NewInt(40), now)
	require.True(t, raised)
	require.Equal(t, "40uath", back.Limit.String())
	_, raised = used.Return(6, math.NewInt(40), now)
	require.False(t, raised, "another grant")
	_, raised = used.Return(7, math.NewInt(40), end)
	require.False(t, raised, "expired")
}

func TestRefillsKeepToTheirPeriod(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	g := DepositGrant{Granter: "granter", Nonce: 1, Limit: sdk.NewInt64Coin(athtypes.Denom, 100), Refilled: math.ZeroInt()}
	_, _, err := g.NextRefill(now)
	require.ErrorIs(t, err, ErrNoRefill)
	g.Refill = &AutoRefill{Keep: math.NewInt(5), Amount: math.NewInt(20), Cap: math.NewInt(30), Period: time.Hour}
	require.NoError(t, g.Refill.validate())
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{0, 20}, {time.Minute, 10}, {time.Hour - 1, 0}, {time.Hour, 20}, {90 * time.Minute, 10}, {2 * time.Hour, 20}, {3 * time.Hour, 20}, {4 * time.Hour, 0}} {
		next, amount, err := g.NextRefill(now.Add(step.after))
		require.EqualValues(t, step.want, amount.Int64(), "after %s", step.after)
		if step.want == 0 {
			require.ErrorIs(t, err, ErrGrantLimit)
			continue
		}
		require.NoError(t, err)
		g = next
	}
	require.True(t, g.Limit.IsZero())
	end := now
	g.ExpiresAt = &end
	_, _, err = g.NextRefill(now)
	require.ErrorIs(t, err, ErrGrantExpired)
}

// places writes an account down: amounts that are equal are not always the same inside.
func places(d Depositors) (all []string) {
	for _, p := range d.Places {
		all = append(all, p.String())
	}
	return append(all, "own "+d.Own().String(), "of it spent "+d.OwnSpent.String(), "balance "+d.Balance.String())
}
