// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"fmt"

	gogoproto "github.com/cosmos/gogoproto/proto"
	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/proto"
)

// wireCodec carries both families of generated messages over gRPC: gogoproto's (ours) and the official ones (cosmossdk.io/api).
// gRPC's own codec reads gogoproto messages through reflection that does not know custom types.
type wireCodec struct{}

// Codec is for gRPC servers and clients of our own services.
func Codec() encoding.Codec { return wireCodec{} }

func (wireCodec) Name() string { return "proto" }

func (wireCodec) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case proto.Message:
		return proto.Marshal(m)
	case gogoproto.Message:
		return gogoproto.Marshal(m)
	default:
		return nil, fmt.Errorf("marshal %T: not a protobuf message", v)
	}
}

func (wireCodec) Unmarshal(data []byte, v any) error {
	switch m := v.(type) {
	case proto.Message:
		return proto.Unmarshal(data, m)
	case gogoproto.Message:
		return gogoproto.Unmarshal(data, m)
	default:
		return fmt.Errorf("unmarshal %T: not a protobuf message", v)
	}
}
