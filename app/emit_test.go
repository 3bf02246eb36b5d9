// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"math/rand"
	"reflect"
	"testing"
	"time"

	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// TestEmitIsTheSDKs: every event of our modules, filled with anything, comes out as the SDK would have written it.
func TestEmitIsTheSDKs(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for name := range events {
		kind := proto.MessageType(name)
		require.NotNil(t, kind, name)
		for range 200 {
			msg := reflect.New(kind.Elem())
			fill(r, msg.Elem())
			event := msg.Interface().(proto.Message)
			want, err := sdk.TypedEventToEvent(event)
			require.NoError(t, err, name)
			ctx := sdk.NewContext(nil, cmtproto.Header{}, false, log.NewNopLogger()).WithEventManager(sdk.NewEventManager())
			require.NoError(t, athtypes.Emit(ctx, event))
			require.Equal(t, sdk.Events{want}, ctx.EventManager().Events(), name)
		}
	}
}

// fill puts anything into a message, sometimes nothing.
func fill(r *rand.Rand, v reflect.Value) {
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = time.Unix(r.Int63n(4e9), []int64{0, 120_000_000, 123_456_000, 1, r.Int63n(1e9)}[r.Intn(5)]).UTC()
		return
	case *time.Duration:
		*value = time.Duration([]int64{0, 1, -1, 1e9, -1_500_000_000, 3_600e9, r.Int63(), 120_000}[r.Intn(8)])
		return
	case *math.Int:
		*value = math.NewInt(r.Int63()).MulRaw(int64(r.Intn(3)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Pointer:
		if r.Intn(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Slice:
		if n := r.Intn(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
			for i := range n - 1 {
				fill(r, v.Index(i))
			}
		}
	case reflect.String:
		v.SetString([]string{"", "ath1qqq/7", "é<&>\"\\\n\x00", "with space ~", "\u2028"}[r.Intn(5)])
	case reflect.Bool:
		v.SetBool(r.Intn(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, 1, 2, 3, -1, 99, int64(r.Int31())}[r.Intn(7)])
	case reflect.Uint8:
		v.SetUint(uint64(r.Intn(256)))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(r.Uint32()))
	}
}
