// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	cosmos_proto "github.com/cosmos/cosmos-proto"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"
	protov2 "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amino "cosmossdk.io/api/amino"
	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"
	"cosmossdk.io/log/v2"

	simtestutil "github.com/cosmos/cosmos-sdk/testutil/sims"
	"github.com/cosmos/cosmos-sdk/types/msgservice"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"

	"github.com/athnet/ath/app"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// role is who signs a message.
type role string

const (
	anyone      role = "anyone"
	beneficiary role = "whose income it is"
	owner       role = "provider's owner"
	operator    role = "provider's operator"
	tenant      role = "tenant"
	depositor   role = "who pays for a tenant"
	gateway     role = "who gives tenants credit"
	validator   role = "validator's operator"
	checker     role = "licence owner or operator"
	governance  role = "governance"
)

// messages are all of ours. A new one is entered here by somebody who has thought about who may send it.
var messages = map[string]role{
	"athd.ath.v1.MsgClaim":                    anyone,
	"athd.ath.v1.MsgExit":                     beneficiary,
	"athd.ath.v1.MsgWithdraw":                 anyone,
	"athd.ath.v1.MsgSetBeaconKey":             validator,
	"athd.ath.v1.MsgSpend":                    governance,
	"athd.ath.v1.MsgUpdateParams":             governance,
	"athd.providers.v1.MsgRegisterProvider":   owner,
	"athd.providers.v1.MsgUpdateProvider":     owner,
	"athd.providers.v1.MsgDeregisterProvider": owner,
	"athd.providers.v1.MsgRegisterContainers": owner,
	"athd.providers.v1.MsgUpdateContainer":    operator,
	"athd.providers.v1.MsgSetMaintenance":     operator,
	"athd.providers.v1.MsgRetireContainers":   owner,
	"athd.providers.v1.MsgWithdrawStake":      anyone,
	"athd.providers.v1.MsgHeartbeat":          operator,
	"athd.providers.v1.MsgTopUpStake":         owner,
	"athd.providers.v1.MsgOpenTicket":         governance,
	"athd.providers.v1.MsgPayTicket":          owner,
	"athd.providers.v1.MsgSettleTickets":      anyone,
	"athd.providers.v1.MsgSetClasses":         governance,
	"athd.providers.v1.MsgUpdateParams":       governance,
	"athd.leases.v1.MsgSetOffers":             operator,
	"athd.leases.v1.MsgRemoveOffers":          operator,
	"athd.leases.v1.MsgRefreshOffers":         anyone,
	"athd.leases.v1.MsgDeposit":               anyone,
	"athd.leases.v1.MsgWithdrawDeposit":       tenant,
	"athd.leases.v1.MsgReclaimDeposit":        depositor, // or the tenant
	"athd.leases.v1.MsgGrantDeposit":          depositor,
	"athd.leases.v1.MsgRevokeDepositGrant":    anyone,
	"athd.leases.v1.MsgSetRefill":             tenant,
	"athd.leases.v1.MsgSetSubAccount":         tenant,
	"athd.leases.v1.MsgFundSubAccount":        tenant,
	"athd.leases.v1.MsgCreateLease":           tenant,
	"athd.leases.v1.MsgCreateLeases":          tenant,
	"athd.leases.v1.MsgCloseLease":            anyone,
	"athd.leases.v1.MsgUpdateLease":           tenant,
	"athd.leases.v1.MsgFailover":              anyone,
	"athd.leases.v1.MsgReclaimLease":          anyone,
	"athd.leases.v1.MsgResumeLease":           tenant,
	"athd.leases.v1.MsgSettle":                anyone,
	"athd.leases.v1.MsgSubmitUsage":           operator,
	"athd.leases.v1.MsgOpenChannels":          tenant,
	"athd.leases.v1.MsgTopUpChannel":          tenant,
	"athd.leases.v1.MsgCloseChannels":         anyone,
	"athd.leases.v1.MsgRedeem":                anyone,
	"athd.leases.v1.MsgRegisterGateway":       governance,
	"athd.leases.v1.MsgRemoveGateway":         governance,
	"athd.leases.v1.MsgFundFloat":             anyone,
	"athd.leases.v1.MsgWithdrawFloat":         gateway,
	"athd.leases.v1.MsgGrantCredit":           gateway,
	"athd.leases.v1.MsgRevokeCredit":          gateway,
	"athd.leases.v1.MsgUpdateParams":          governance,
	"athd.checks.v1.MsgBuyLicences":           checker,
	"athd.checks.v1.MsgEndLicences":           checker,
	"athd.checks.v1.MsgWithdrawBonds":         anyone,
	"athd.checks.v1.MsgTransferLicences":      checker,
	"athd.checks.v1.MsgDelegateLicences":      checker,
	"athd.checks.v1.MsgAcceptLicences":        checker,
	"athd.checks.v1.MsgSubmitReport":          checker,
	"athd.checks.v1.MsgUpdateParams":          governance,
}

// events are all of ours, and what a follower of the chain learns from them.
var events = map[string]string{
	"athd.ath.v1.EventEpochEnded":                   "emission",
	"athd.ath.v1.EventFeesDistributed":              "revenue",
	"athd.ath.v1.EventDaoStreamed":                  "revenue",
	"athd.ath.v1.EventSpent":                        "revenue",
	"athd.ath.v1.EventSharesClosed":                 "rewards",
	"athd.ath.v1.EventClaimed":                      "rewards",
	"athd.ath.v1.EventWithdrawn":                    "rewards",
	"athd.ath.v1.EventExited":                       "rewards",
	"athd.ath.v1.EventCapacityConfirmed":            "rewards",
	"athd.ath.v1.EventPayoutSet":                    "providers",
	"athd.ath.v1.EventBeaconKeySet":                 "validators",
	"athd.ath.v1.EventUsdIndexStepped":              "prices",
	"athd.ath.v1.EventBeaconProofRefused":           "validators",
	"athd.providers.v1.EventProviderRegistered":     "providers",
	"athd.providers.v1.EventProviderUpdated":        "providers",
	"athd.providers.v1.EventProviderDeregistered":   "providers",
	"athd.providers.v1.EventContainerRegistered":    "containers",
	"athd.providers.v1.EventContainerUpdated":       "containers",
	"athd.providers.v1.EventContainerStatusChanged": "containers",
	"athd.providers.v1.EventHeartbeat":              "containers",
	"athd.providers.v1.EventStakeWithdrawn":         "providers",
	"athd.providers.v1.EventClassSet":               "catalogue",
	"athd.providers.v1.EventTicketOpened":           "tickets",
	"athd.providers.v1.EventTicketContested":        "tickets",
	"athd.providers.v1.EventTicketClosed":           "tickets",
	"athd.providers.v1.EventTicketParked":           "alarms",
	"athd.providers.v1.EventStakeToppedUp":          "containers",
	"athd.providers.v1.EventCoefficientSet":         "providers",
	"athd.leases.v1.EventOfferSet":                  "offers",
	"athd.leases.v1.EventOfferRemoved":              "offers",
	"athd.leases.v1.EventOfferListed":               "offers",
	"athd.leases.v1.EventOfferDelisted":             "offers",
	"athd.leases.v1.EventDeposited":                 "accounts",
	"athd.leases.v1.EventDepositWithdrawn":          "accounts",
	"athd.leases.v1.EventDepositReclaimed":          "accounts",
	"athd.leases.v1.EventDepositGranted":            "accounts",
	"athd.leases.v1.EventDepositGrantRevoked":       "accounts",
	"athd.leases.v1.EventRefillSet":                 "accounts",
	"athd.leases.v1.EventRefillFailed":              "alarms",
	"athd.leases.v1.EventSubAccountSet":             "accounts",
	"athd.leases.v1.EventLeaseOpened":               "leases",
	"athd.leases.v1.EventLeaseStarted":              "leases",
	"athd.leases.v1.EventLeaseUpdated":              "leases",
	"athd.leases.v1.EventLeaseMoved":                "leases",
	"athd.leases.v1.EventLeaseBroken":               "leases",
	"athd.leases.v1.EventLeaseReclaimed":            "leases",
	"athd.leases.v1.EventLeasePaused":               "leases",
	"athd.leases.v1.EventLeaseResumed":              "leases",
	"athd.leases.v1.EventLowFunds":                  "leases",
	"athd.leases.v1.EventSlaCredited":               "leases",
	"athd.leases.v1.EventSlaFreed":                  "leases",
	"athd.leases.v1.EventProceedsPaid":              "accounts",
	"athd.leases.v1.EventLeaseSettled":              "leases",
	"athd.leases.v1.EventUsageRecorded":             "leases",
	"athd.leases.v1.EventLeaseClosed":               "leases",
	"athd.leases.v1.EventChannelOpened":             "channels",
	"athd.leases.v1.EventChannelUpdated":            "channels",
	"athd.leases.v1.EventChannelRedeemed":           "channels",
	"athd.leases.v1.EventChannelClosed":             "channels",
	"athd.leases.v1.EventReceiptsLogged":            "leases",
	"athd.leases.v1.EventReceiptRoot":               "leases",
	"athd.leases.v1.EventQueueParked":               "alarms",
	"athd.leases.v1.EventGatewayRegistered":         "gateways",
	"athd.leases.v1.EventGatewayRemoved":            "gateways",
	"athd.leases.v1.EventFloatFunded":               "gateways",
	"athd.leases.v1.EventFloatWithdrawn":            "gateways",
	"athd.leases.v1.EventFloatLow":                  "gateways",
	"athd.leases.v1.EventCreditGranted":             "gateways",
	"athd.leases.v1.EventCreditRevoked":             "gateways",
	"athd.leases.v1.EventCreditLow":                 "gateways",
	"athd.checks.v1.EventLicenceChanged":            "licences",
	"athd.checks.v1.EventLicenceEnded":              "licences",
	"athd.checks.v1.EventRoundStarted":              "rounds",
	"athd.checks.v1.EventReportSubmitted":           "rounds",
	"athd.checks.v1.EventShardJudged":               "rounds",
	"athd.checks.v1.EventTaskJudged":                "licences",
	"athd.checks.v1.EventJudgementFailed":           "alarms",
}

func newApp(t *testing.T) *app.App {
	t.Helper()
	return app.New(log.NewNopLogger(), dbm.NewMemDB(), true, simtestutil.EmptyAppOptions{})
}

// TestMessagesAreClassified: every message is in the table, has a signer, an amino name (hardware wallets show it) and a
// handler; every message of governance is signed by its authority.
func TestMessagesAreClassified(t *testing.T) {
	a := newApp(t)
	var found []string
	for _, url := range a.InterfaceRegistry().ListImplementations("cosmos.base.v1beta1.Msg") {
		name := strings.TrimPrefix(url, "/")
		if !strings.HasPrefix(name, "athd.") {
			continue
		}
		found = append(found, name)
		require.NotNil(t, a.MsgServiceRouter().HandlerByTypeURL(url), name)
	}
	slices.Sort(found)
	require.Equal(t, slices.Sorted(maps.Keys(messages)), found)

	files, err := proto.MergedRegistry()
	require.NoError(t, err)
	require.NoError(t, msgservice.ValidateProtoAnnotations(files))
	names := make(map[string]string)
	for name, who := range messages {
		desc, err := files.FindDescriptorByName(protoreflect.FullName(name))
		require.NoError(t, err)
		short, ok := protov2.GetExtension(desc.Options(), amino.E_Name).(string)
		require.True(t, ok && short != "", "%s has no amino name", name)
		require.Empty(t, names[short], "%s and %s share the amino name %s", name, names[short], short)
		names[short] = name
		authority := desc.(protoreflect.MessageDescriptor).Fields().ByName("authority")
		require.Equal(t, who == governance, authority != nil, "%s", name)
	}
}

// TestListsOfAmounts: autocli and hardware wallets write messages as amino-JSON, whose writer of amounts does not know lists
// of them; as plain strings they come out right.
func TestListsOfAmounts(t *testing.T) {
	files, err := proto.MergedRegistry()
	require.NoError(t, err)
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				field := fields.Get(j)
				scalar, ok := protov2.GetExtension(field.Options(), cosmos_proto.E_Scalar).(string)
				if ok && field.IsList() && strings.HasPrefix(string(field.FullName()), "athd.") {
					require.NotEqual(t, "cosmos.Int", scalar, field.FullName())
				}
			}
		}
		return true
	})
}

// TestEventsAreClassified: every event of ours is in the table, so that the indexer's projectors can be complete.
func TestEventsAreClassified(t *testing.T) {
	files, err := proto.MergedRegistry()
	require.NoError(t, err)
	var found []string
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			if m := file.Messages().Get(i); strings.HasPrefix(string(m.FullName()), "athd.") && strings.HasPrefix(string(m.Name()), "Event") {
				found = append(found, string(m.FullName()))
			}
		}
		return true
	})
	slices.Sort(found)
	require.Equal(t, slices.Sorted(maps.Keys(events)), found)
}

// TestCommandsAreDescribed: each of our messages and queries has a command with a short text and an example; governance's
// messages are sent by proposals and have none.
func TestCommandsAreDescribed(t *testing.T) {
	client, err := app.NewClient()
	require.NoError(t, err)
	files, err := proto.MergedRegistry()
	require.NoError(t, err)
	for name, options := range client.Commands() {
		for _, service := range []*autocliv1.ServiceCommandDescriptor{options.GetTx(), options.GetQuery()} {
			if !strings.HasPrefix(service.GetService(), "athd.") {
				continue
			}
			described := make(map[string]*autocliv1.RpcCommandOptions)
			for _, o := range service.RpcCommandOptions {
				described[o.RpcMethod] = o
			}
			desc, err := files.FindDescriptorByName(protoreflect.FullName(service.Service))
			require.NoError(t, err)
			methods := desc.(protoreflect.ServiceDescriptor).Methods()
			for i := range methods.Len() {
				method := methods.Get(i)
				o := described[string(method.Name())]
				require.NotNil(t, o, "x/%s: %s has no command", name, method.FullName())
				if messages[string(method.Input().FullName())] == governance {
					continue
				}
				require.False(t, o.Skip, method.FullName())
				require.NotEmpty(t, o.Short, method.FullName())
				require.NotEmpty(t, o.Example, method.FullName())
			}
		}
	}
}

// TestModuleAccounts: these accounts may do this with coins, and nobody may send to them, governance's excepted.
func TestModuleAccounts(t *testing.T) {
	a := newApp(t)
	want := map[string][]string{
		"fee_collector":          nil,
		"distribution":           nil,
		"bonded_tokens_pool":     {"burner", "staking"},
		"not_bonded_tokens_pool": {"burner", "staking"},
		"key_rotation_fee_pool":  {"burner"},
		"gov":                    {"burner"},
		"transfer":               {"minter", "burner"},
		"ath":                    {"minter", "burner"},
	}
	got := make(map[string][]string)
	for name, permissions := range a.Account.GetModulePermissions() {
		got[name] = permissions.GetPermissions()
		require.Equal(t, name != govtypes.ModuleName, a.Bank.BlockedAddr(authtypes.NewModuleAddress(name)), name)
	}
	require.Len(t, got, len(want))
	for name, permissions := range want {
		require.ElementsMatch(t, permissions, got[name], name)
	}
}

// TestDefaultGenesis: it is valid, knows one denom only and tells wallets about it.
func TestDefaultGenesis(t *testing.T) {
	client, err := app.NewClient()
	require.NoError(t, err)
	genesis := client.Basics.DefaultGenesis(client.Codec)
	require.NoError(t, client.Basics.ValidateGenesis(client.Codec, client.Tx, genesis))
	for name, state := range genesis {
		require.NotContains(t, string(state), `"denom":"stake"`, name)
	}
	require.Contains(t, string(genesis["bank"]), `"display":"`+athtypes.DisplayDenom+`"`)
	require.Contains(t, string(genesis["staking"]), `"bond_denom":"`+athtypes.Denom+`"`)
}

// TestErrorCodes: a code is hashed into block results; 0 would report success, 1 is the SDK's, and a duplicate is only
// printed when a program starts.
func TestErrorCodes(t *testing.T) {
	files, err := filepath.Glob("../x/*/types/errors.go")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		require.NoError(t, err)
		seen := make(map[int]bool)
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 {
				return true
			}
			if name, ok := call.Fun.(*ast.SelectorExpr); !ok || name.Sel.Name != "Register" {
				return true
			}
			literal, ok := call.Args[1].(*ast.BasicLit)
			require.True(t, ok, "%s: a code is a number", file)
			code, err := strconv.Atoi(literal.Value)
			require.NoError(t, err)
			require.Greater(t, code, 1, file)
			require.False(t, seen[code], "%s: %d twice", file, code)
			seen[code] = true
			return true
		})
		require.NotEmpty(t, seen, file)
	}
}
