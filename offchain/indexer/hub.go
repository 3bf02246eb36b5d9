// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/cosmos/gogoproto/proto"

	"github.com/athnet/ath/offchain/chain"
)

// hubBuffer is how many events a listener may be behind; one that is slower is cut off and has to come again.
const hubBuffer = 1024

// hub hands every event to everyone who listens, and waits for nobody.
type hub struct {
	mu        sync.Mutex
	listeners map[chan []byte]struct{}
}

func newHub() *hub { return &hub{listeners: map[chan []byte]struct{}{}} }

// notice is an event as it is streamed.
type notice struct {
	Height int64           `json:"height"`
	Time   time.Time       `json:"time"`
	Type   string          `json:"type"`
	Event  json.RawMessage `json:"event"`
}

func (h *hub) publish(head chain.Head, msg proto.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) == 0 {
		return
	}
	enc := jsonpb.Marshaler{OrigName: true, EmitDefaults: true}
	event, err := enc.MarshalToString(msg)
	if err != nil {
		return // it was decoded a moment ago; there is nothing that a listener could do
	}
	line, err := json.Marshal(notice{Height: head.Height, Time: head.Time, Type: proto.MessageName(msg), Event: json.RawMessage(event)})
	if err != nil {
		return
	}
	for ch := range h.listeners {
		select {
		case ch <- line:
		default:
			delete(h.listeners, ch)
			close(ch)
		}
	}
}

// listen returns a channel of JSON lines, closed when the listener is too slow, and the way to end it.
func (h *hub) listen() (<-chan []byte, func()) {
	ch := make(chan []byte, hubBuffer)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, ch)
	}
}
