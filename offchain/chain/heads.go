// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// silence is after how long without a frame a websocket counts as dead; the node pings every 27 s.
const silence = 75 * time.Second

// heads wakes whoever waits for a block. One websocket serves all of them; it runs while somebody waits, and a lost wake-up
// costs at most pollInterval because every waiter polls as well.
type heads struct {
	client *Client

	mu     sync.Mutex
	subs   map[chan int64]struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

func newHeads(c *Client) *heads { return &heads{client: c, subs: map[chan int64]struct{}{}} }

// subscribe returns a channel that holds the newest height not yet taken, and the way to end it.
func (h *heads) subscribe() (<-chan int64, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch := make(chan int64, 1)
	h.subs[ch] = struct{}{}
	if h.cancel == nil {
		var ctx context.Context
		ctx, h.cancel = context.WithCancel(context.Background())
		h.done = make(chan struct{})
		go h.watch(ctx, h.done)
	}
	return ch, func() { h.unsubscribe(ch) }
}

func (h *heads) unsubscribe(ch chan int64) {
	h.mu.Lock()
	delete(h.subs, ch)
	idle := len(h.subs) == 0
	h.mu.Unlock()
	if idle {
		h.stopIfIdle()
	}
}

func (h *heads) stopIfIdle() {
	h.mu.Lock()
	if len(h.subs) > 0 || h.cancel == nil {
		h.mu.Unlock()
		return
	}
	cancel, done := h.cancel, h.done
	h.cancel = nil
	h.mu.Unlock()
	cancel()
	<-done
}

// stop ends the websocket whoever waits.
func (h *heads) stop() {
	h.mu.Lock()
	h.subs = map[chan int64]struct{}{}
	h.mu.Unlock()
	h.stopIfIdle()
}

func (h *heads) publish(height int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case <-ch:
		default:
		}
		ch <- height
	}
}

// watch keeps a subscription open until the context ends.
func (h *heads) watch(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	b := newBackoff(h.client.clock)
	for ctx.Err() == nil {
		err := h.session(ctx, b.reset)
		if ctx.Err() != nil {
			return
		}
		h.client.log.Debug("wake-ups from the node ended, polling", "err", err)
		if b.wait(ctx) != nil {
			return
		}
	}
}

func (h *heads) session(ctx context.Context, alive func()) error {
	url := "ws" + strings.TrimPrefix(h.client.rpc.base, "http") + "/websocket"
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment}
	conn, resp, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return fmt.Errorf("websocket %s: %w", url, err)
	}
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	// Closing the connection is the only way to end a blocked read.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()

	const subscribe = `{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlockHeader'"}}`
	if err := conn.WriteMessage(websocket.TextMessage, []byte(subscribe)); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	pong := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return err
		}
		return pong(data)
	})
	for {
		if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return err
		}
		var frame struct {
			Error  *rpcError `json:"error"`
			Result struct {
				Data struct {
					Value struct {
						Header struct {
							Height int64 `json:"height,string"`
						} `json:"header"`
					} `json:"value"`
				} `json:"data"`
			} `json:"result"`
		}
		if err := conn.ReadJSON(&frame); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if frame.Error != nil {
			return frame.Error
		}
		alive()
		if height := frame.Result.Data.Value.Header.Height; height > 0 {
			h.publish(height)
		}
	}
}
