// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/cosmos/gogoproto/proto"
)

// ErrNotTyped says that the event was not emitted from a protobuf message that this program links.
var ErrNotTyped = errors.New("not a typed event")

// Head identifies a block.
type Head struct {
	Height int64
	Hash   []byte
	Time   time.Time
}

// Block is everything that a block did.
type Block struct {
	Head
	// Parent is the hash of the block before; empty for the first.
	Parent []byte
	Txs    []Tx
	// Events of begin block, then of the transactions, then of end block.
	Events []Event
}

// Tx is a transaction of a block with its result.
type Tx struct {
	// Hash in upper-case hex.
	Hash      string
	Code      uint32
	Codespace string
	Log       string
	GasUsed   int64
	// Data is the encoded TxMsgData.
	Data []byte
}

// OutsideTx is Event.Tx of an event of begin or end block.
const OutsideTx = -1

// Event is one event in the chain's own form.
type Event struct {
	Type       string
	Attributes []Attribute
	// Tx is the index in Block.Txs, or OutsideTx.
	Tx int
}

// Attribute is a key with a value; of a typed event the value is JSON.
type Attribute struct{ Key, Value string }

// TypedEvent decodes an event that was emitted from a protobuf message; ErrNotTyped for all others.
func TypedEvent(ev Event) (proto.Message, error) {
	t := proto.MessageType(ev.Type)
	if t == nil || t.Kind() != reflect.Pointer {
		return nil, fmt.Errorf("%w: %s", ErrNotTyped, ev.Type)
	}
	msg, ok := reflect.New(t.Elem()).Interface().(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotTyped, ev.Type)
	}
	fields := make(map[string]json.RawMessage, len(ev.Attributes))
	for _, a := range ev.Attributes {
		// The SDK marks where an event came from with attributes of its own, whose values are not JSON of the message.
		if a.Key == "mode" || a.Key == "msg_index" {
			continue
		}
		fields[a.Key] = json.RawMessage(a.Value)
	}
	doc, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", ev.Type, err)
	}
	// Unknown fields are of a newer chain; what this program knows is still right.
	dec := jsonpb.Unmarshaler{AllowUnknownFields: true}
	if err := dec.Unmarshal(strings.NewReader(string(doc)), msg); err != nil {
		return nil, fmt.Errorf("event %s: %w", ev.Type, err)
	}
	return msg, nil
}

// NewTypedEvent is the inverse of TypedEvent: how the chain itself encodes a typed event, attributes in order of key.
func NewTypedEvent(msg proto.Message) (Event, error) {
	enc := jsonpb.Marshaler{OrigName: true, EmitDefaults: true}
	doc, err := enc.MarshalToString(msg)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", proto.MessageName(msg), err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(doc), &fields); err != nil {
		return Event{}, fmt.Errorf("event %s: %w", proto.MessageName(msg), err)
	}
	ev := Event{Type: proto.MessageName(msg), Tx: OutsideTx}
	for key, value := range fields {
		ev.Attributes = append(ev.Attributes, Attribute{Key: key, Value: string(value)})
	}
	sort.Slice(ev.Attributes, func(i, j int) bool { return ev.Attributes[i].Key < ev.Attributes[j].Key })
	return ev, nil
}
