// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	providertypes "github.com/athnet/ath/x/providers/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDialSaysWhatIsWrong(t *testing.T) {
	n := newFakeNode(t)
	for name, tc := range map[string]struct {
		change func(*Config)
		is     error
		says   string
	}{
		"no node":                {func(c *Config) { c.RPC = "http://127.0.0.1:1" }, ErrNoNode, "athd start"},
		"no gRPC":                {func(c *Config) { c.GRPC = "127.0.0.1:1" }, ErrNoNode, "app.toml"},
		"another chain":          {func(c *Config) { c.ChainID = "other-1" }, ErrWrongChain, `wanted "other-1"`},
		"something else answers": {func(c *Config) { c.RPC += "/nothing" }, ErrNoNode, "not a CometBFT node"},
	} {
		t.Run("error - "+name, func(t *testing.T) {
			cfg := n.config()
			tc.change(&cfg)
			_, err := Dial(context.Background(), cfg)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// blocks collects what Blocks delivers until n blocks are there.
func blocks(t *testing.T, c *Client, from int64, n int, each func(Block)) error {
	t.Helper()
	enough := errors.New("enough")
	err := c.Blocks(context.Background(), from, func(b Block) error {
		each(b)
		if n--; n == 0 {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

func TestBlocksOnceAndInOrder(t *testing.T) {
	n := newFakeNode(t)
	for range 4 {
		n.produce()
	}
	c := n.dial()
	var got []int64
	require.NoError(t, blocks(t, c, 2, 10, func(b Block) {
		got = append(got, b.Height)
		require.Equal(t, fmt.Sprintf("%064X", b.Height), fmt.Sprintf("%X", b.Hash))
		switch b.Height {
		case 5: // the head: from here on wake-ups count
			n.awaitSubscriber()
			go n.produce()
		case 6: // the websocket breaks: polling fills in
			n.dropSubscribers()
			go n.produce()
		case 7: // the node restarts, and blocks were made meanwhile
			n.set(func() { n.down = true })
			go func() {
				n.produce()
				n.produce()
				n.set(func() { n.down = false })
				n.produce()
				n.produce()
			}()
		}
	}))
	require.Equal(t, []int64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, got)
	require.NoError(t, c.Err())
}

func TestBlocksFromTheHead(t *testing.T) {
	n := newFakeNode(t)
	n.produce()
	require.NoError(t, blocks(t, n.dial(), 0, 1, func(b Block) { require.EqualValues(t, 2, b.Height) }))
}

func TestBlocksOfAPrunedNode(t *testing.T) {
	n := newFakeNode(t)
	n.produce()
	n.produce()
	n.set(func() { n.earliest = 3 })
	err := blocks(t, n.dial(), 2, 1, func(Block) {})
	require.ErrorIs(t, err, ErrPruned)
	require.ErrorContains(t, err, "its first is 3")
}

func TestBlocksOfAForkedNode(t *testing.T) {
	n := newFakeNode(t)
	n.produce()
	n.set(func() { n.blocks[1].parent = fmt.Sprintf("%064X", 99) })
	require.ErrorIs(t, blocks(t, n.dial(), 1, 2, func(Block) {}), ErrFork)
}

func TestBlocksOfAnotherChain(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial()
	n.set(func() { n.network = "other-2" })
	require.ErrorIs(t, blocks(t, c, 5, 1, func(Block) {}), ErrWrongChain)
}

func TestBlocksEndWithTheContext(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial()
	ctx, cancel := context.WithCancel(context.Background())
	require.ErrorIs(t, c.Blocks(ctx, 1, func(Block) error { cancel(); return nil }), context.Canceled)
}

func TestEventsAreInOrderAndTyped(t *testing.T) {
	n := newFakeNode(t)
	wire := func(msg *providertypes.EventHeartbeat, mode string) wireEvent {
		ev, err := NewTypedEvent(msg)
		require.NoError(t, err)
		w := wireEvent{Type: ev.Type}
		for _, a := range append(ev.Attributes, Attribute{Key: "mode", Value: mode}, Attribute{Key: "msg_index", Value: "0"}) {
			w.Attributes = append(w.Attributes, struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			}{a.Key, a.Value})
		}
		return w
	}
	beat := func(id uint64) *providertypes.EventHeartbeat { return &providertypes.EventHeartbeat{Ids: []uint64{id}} }
	n.deliver = func(raw []byte) (uint32, []wireEvent) { return 0, []wireEvent{wire(beat(uint64(raw[0])), "")} }
	n.set(func() { n.mempool = [][]byte{{2}, {3}} })
	n.produce(wire(beat(4), "EndBlock"), wire(beat(1), "BeginBlock"))

	require.NoError(t, blocks(t, n.dial(), 2, 1, func(b Block) {
		var order []uint64
		for _, ev := range b.Events {
			msg, err := TypedEvent(ev)
			require.NoError(t, err)
			order = append(order, msg.(*providertypes.EventHeartbeat).Ids...)
		}
		require.Equal(t, []uint64{1, 2, 3, 4}, order)
		require.Equal(t, []int{OutsideTx, 0, 1, OutsideTx}, []int{b.Events[0].Tx, b.Events[1].Tx, b.Events[2].Tx, b.Events[3].Tx})
	}))
}

func TestTypedEventRefusesOthers(t *testing.T) {
	for _, ev := range []Event{
		{Type: "transfer", Attributes: []Attribute{{"amount", "1uath"}}},
		{Type: ""},
	} {
		_, err := TypedEvent(ev)
		require.ErrorIs(t, err, ErrNotTyped)
	}
	_, err := TypedEvent(Event{Type: "athd.providers.v1.EventHeartbeat", Attributes: []Attribute{{"ids", "not json"}}})
	require.ErrorContains(t, err, "EventHeartbeat")
}

func FuzzTypedEvent(f *testing.F) {
	f.Add("athd.providers.v1.EventHeartbeat", "ids", `["1","2"]`)
	f.Add("athd.leases.v1.EventLeaseOpened", "lease", `{"tenant":"a","number":"1","rate":"5"}`)
	f.Add("athd.providers.v1.EventContainerStatusChanged", "status", `{"id":"1","state":"CONTAINER_STATE_READY","outage":"3s"}`)
	f.Add("transfer", "amount", "1uath")
	f.Fuzz(func(_ *testing.T, typ, key, value string) {
		// What a node sends is foreign: any answer is right but a panic.
		_, _ = TypedEvent(Event{Type: typ, Attributes: []Attribute{{key, value}}})
	})
}

func TestErrTellsWhetherTheChainCanBeFollowed(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial()
	n.set(func() { n.down = true })
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Blocks(ctx, 1, func(Block) error { return nil }), context.DeadlineExceeded)
	require.Error(t, c.Err())
}
