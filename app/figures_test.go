// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/gogoproto/proto"
	"github.com/grpc-ecosystem/grpc-gateway/runtime"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// TestFigures follows the figures that wallets and providers ask for over REST, from an empty network to one that earns and
// back, on an application as it runs. Each is computed by hand beside it.
func TestFigures(t *testing.T) {
	m := newMarket(t, shadow.All())
	require.Equal(t, "false", m.rest("/athd/checks/v1/apr", "apr.available"), "nobody has a licence")
	require.Equal(t, "false", m.rest("/athd/providers/v1/utilisation", "all.bound_part.available"))
	require.Equal(t, "0", m.rest("/athd/ath/v1/revenue", "month.epochs"))

	m.open(3)
	lease, _ := m.rent(m.tenant, gen.ATH(10), 0)
	epoch, err := m.App().Ath.Epoch(m.Context())
	require.NoError(t, err)
	for path, want := range map[string]map[string]string{
		"/athd/providers/v1/utilisation": {
			"all.containers": "3", "all.ready": "2", "all.bound": "1", "all.weight": "3000", "all.bound_weight": "1000",
			"all.bound_part.ppm": "333333", "all.ready_part.ppm": "666666", "all.bound_weight_part.ppm": "333333",
		},
		"/athd/providers/v1/apr?class=cpu": {
			"weight": "3000", "classes.0.class": "cpu", "classes.0.weight": "3000",
			"classes.0.unit_per_year":     m.perYear(epoch, athtypes.Pool_POOL_CAPACITY).QuoRaw(3).String(),
			"classes.0.average.available": "true",
		},
		"/athd/checks/v1/apr": {
			"licences": "3", "seats": "3", "bond": gen.ATH(100).String(),
			"base_per_year": m.perYear(epoch, athtypes.Pool_POOL_CHECKER_BASE).String(),
			"apr.ppm": m.perYear(epoch, athtypes.Pool_POOL_CHECKER_BASE).Add(m.perYear(epoch, athtypes.Pool_POOL_CHECKER_BONUS)).
				QuoRaw(3).MulRaw(1_000_000).Quo(gen.ATH(100)).String(),
		},
	} {
		for field, value := range want {
			require.Equal(t, value, m.rest(path, field), "%s: %s", path, field)
		}
	}

	// One lease is all that is ever paid for. A fifth of it is fee, in the end distributed in one go.
	m.run(20 * time.Second)
	m.next(m.use(lease, m.Now().Add(-5*time.Second), m.Now()))
	closed := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: lease}))
	billed := answer[leasestypes.MsgCloseLeaseResponse](t, closed.TxResults[0]).Receipt.Billed
	m.run(4 * time.Minute)
	require.Equal(t, billed.String(), m.rest("/athd/ath/v1/revenue", "month.payments"))
	fees := m.rest("/athd/ath/v1/revenue", "month.fees")
	require.Equal(t, "uath", m.rest("/athd/ath/v1/fees", "totals.0.denom"))
	sum := math.ZeroInt()
	for _, part := range []string{"stakers", "sla_fund", "treasury", "burnt"} {
		amount, ok := math.NewIntFromString(m.rest("/athd/ath/v1/fees", "totals.0."+part))
		require.True(t, ok)
		sum = sum.Add(amount)
	}
	require.Equal(t, fees, sum.String())
	require.InDelta(t, billed.Int64()/5, sum.Int64(), 5, "every payment's fee is rounded down")
	bonded, err := m.App().Staking.TotalValidatorPower(m.Context())
	require.NoError(t, err)
	require.Equal(t, bonded.String(), m.rest("/athd/ath/v1/apr", "bonded"))
	require.Equal(t, "true", m.rest("/athd/ath/v1/apr", "apr.available"))
	require.Equal(t, "0", m.rest("/athd/providers/v1/utilisation", "all.bound"))

	// Governance gives a third of the treasury to somebody, and a grant.
	treasury, err := m.App().Ath.RowAmount(m.Context(), athtypes.TreasuryRow(athtypes.Denom))
	require.NoError(t, err)
	winner := gen.NewAccount("winner")
	m.spend(athtypes.SpendSource_SPEND_SOURCE_TREASURY, winner, treasury.QuoRaw(3))
	m.spend(athtypes.SpendSource_SPEND_SOURCE_GRANTS, winner, gen.ATH(250))
	require.Equal(t, treasury.QuoRaw(3).Add(gen.ATH(250)).String(), m.balance(winner).String())
}

func (m *market) spend(source athtypes.SpendSource, to gen.Account, amount math.Int) {
	m.t.Helper()
	m.pass("a grant", &athtypes.MsgSpend{
		Authority: authtypes.NewModuleAddress(govtypes.ModuleName).String(), Source: source, Recipient: to.String(), Amount: sdk.NewCoin(athtypes.Denom, amount),
	})
}

// perYear is an epoch's emission into a pool x how many such epochs a year of 365 days has: one of a minute has 525,600.
func (m *market) perYear(epoch athtypes.Epoch, pool athtypes.Pool) math.Int {
	require.Equal(m.t, time.Minute, epoch.Duration)
	for _, part := range m.params().Divide(athtypes.Emission(epoch.Number)) {
		if part.Pool == pool {
			return part.Amount.MulRaw(525_600)
		}
	}
	return math.Int{}
}

// rest asks like a client of the REST gateway and picks a field of the answer; numbers in its path are places in lists.
func (m *market) rest(path, field string) string {
	m.t.Helper()
	conn := abciConn{m}
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, codecJSON{m.App().AppCodec()}))
	ctx := m.t.Context()
	require.NoError(m.t, athtypes.RegisterQueryHandlerClient(ctx, mux, athtypes.NewQueryClient(conn)))
	require.NoError(m.t, providerstypes.RegisterQueryHandlerClient(ctx, mux, providerstypes.NewQueryClient(conn)))
	require.NoError(m.t, checkstypes.RegisterQueryHandlerClient(ctx, mux, checkstypes.NewQueryClient(conn)))
	res := httptest.NewRecorder()
	mux.ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(m.t, http.StatusOK, res.Code, "%s: %s", path, res.Body)
	return pickField(m.t, res.Body.Bytes(), field)
}

// abciConn asks the application as a node's gateway does.
type abciConn struct{ m *market }

func (c abciConn) Invoke(ctx context.Context, method string, req, res any, _ ...grpc.CallOption) error {
	data, err := proto.Marshal(req.(proto.Message))
	if err != nil {
		return err
	}
	reply, err := c.m.App().Query(ctx, &abci.RequestQuery{Path: method, Data: data})
	if err != nil {
		return err
	}
	if !reply.IsOK() {
		return errors.New(reply.Log)
	}
	return c.m.App().AppCodec().Unmarshal(reply.Value, res.(proto.Message))
}

func (abciConn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("no streams")
}

// codecJSON writes answers as the node does.
type codecJSON struct{ cdc codec.Codec }

func (j codecJSON) Marshal(v any) ([]byte, error) {
	if msg, ok := v.(proto.Message); ok {
		return j.cdc.MarshalJSON(msg)
	}
	return json.Marshal(v)
}
func (codecJSON) Unmarshal(data []byte, v any) error     { return json.Unmarshal(data, v) }
func (codecJSON) NewDecoder(r io.Reader) runtime.Decoder { return json.NewDecoder(r) }
func (codecJSON) NewEncoder(w io.Writer) runtime.Encoder { return json.NewEncoder(w) }
func (codecJSON) ContentType() string                    { return "application/json" }

func pickField(t testing.TB, data []byte, field string) string {
	t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&value))
	for _, step := range strings.Split(field, ".") {
		switch v := value.(type) {
		case map[string]any:
			require.Contains(t, v, step, "%s in %s", field, data)
			value = v[step]
		case []any:
			at, err := strconv.Atoi(step)
			require.NoError(t, err, "%s in %s", field, data)
			require.Less(t, at, len(v), "%s in %s", field, data)
			value = v[at]
		default:
			require.Fail(t, "no such field", "%s in %s", field, data)
		}
	}
	return fmt.Sprint(value)
}
