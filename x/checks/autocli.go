// SPDX-License-Identifier: Apache-2.0

package checks

import (
	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/athnet/ath/x/checks/types"
)

// AutoCLIOptions describes the commands below `athd query checks` and `athd tx checks`.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{Query: queryCommands(), Tx: txCommands()}
}

func queryCommands() *autocliv1.ServiceCommandDescriptor {
	return &autocliv1.ServiceCommandDescriptor{
		Service: types.Query_serviceDesc.ServiceName,
		RpcCommandOptions: []*autocliv1.RpcCommandOptions{
			{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "athd query checks params"},
			{
				RpcMethod: "Licence", Use: "licence [id]", Short: "Show a licence, its state and why it is in it",
				Example:        "athd query checks licence 7",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}},
			},
			{
				RpcMethod: "Licences", Use: "licences", Short: "List licences: all, or those of an owner or operator",
				Example: "athd query checks licences --owner ath1qyqszqgpqyqszqgpqyqszqgpqyqszqgp5xqqpu\nathd query checks licences --page-limit 50",
			},
			{RpcMethod: "Round", Use: "round", Short: "Show the running round, and from when it takes reports", Example: "athd query checks round"},
			{
				RpcMethod: "Assignment", Use: "assignment [operator]", Short: "Show which shards an operator is to check in the running round",
				Example:        "athd query checks assignment ath1qyqszqgpqyqszqgpqyqszqgpqyqszqgp5xqqpu",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "operator"}},
			},
			{
				RpcMethod: "Apr", Use: "apr", Short: "Show what a licence earns in a year over its bond, in ppm",
				Long: "Show what the average licence with a seat earns in a year over its bond, in ppm: the Checkers' base and bonus at today's\n" +
					"emission, before vesting.",
				Example: "athd query checks apr",
			},
			{
				RpcMethod: "Committee", Use: "committee [round] [shard]", Short: "Show who checks a shard in one of the last three rounds",
				Example:        "athd query checks committee 412 0",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "round"}, {ProtoField: "shard"}},
			},
		},
	}
}

func txCommands() *autocliv1.ServiceCommandDescriptor {
	ids := []*autocliv1.PositionalArgDescriptor{{ProtoField: "ids", Varargs: true}}
	return &autocliv1.ServiceCommandDescriptor{
		Service: types.Msg_serviceDesc.ServiceName,
		RpcCommandOptions: []*autocliv1.RpcCommandOptions{
			{
				RpcMethod: "BuyLicences", Use: "buy-licences [count]", Short: "Bond coins for new licences, and offer them to an operator",
				Example:        "athd tx checks buy-licences 3 --operator $(athd keys show checker -a) --from owner",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "count"}},
			},
			{
				RpcMethod: "EndLicences", Use: "end-licences [id]...", Short: "End licences; their bonds start to unbond",
				Example: "athd tx checks end-licences 7 8 --from owner", PositionalArgs: ids,
			},
			{
				RpcMethod: "WithdrawBonds", Use: "withdraw-bonds", Short: "Pay out bonds that have finished unbonding",
				Example: "athd tx checks withdraw-bonds --from owner",
			},
			{
				RpcMethod: "TransferLicences", Use: "transfer-licences [recipient] [id]...", Short: "Give licences with their bonds to a new owner",
				Example:        "athd tx checks transfer-licences $(athd keys show buyer -a) 7 8 --from owner",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "recipient"}, {ProtoField: "ids", Varargs: true}},
			},
			{
				RpcMethod: "DelegateLicences", Use: "delegate-licences [id]...", Short: "Offer licences to an operator, or take them back",
				Long:    "Offer licences to an operator, who has to accept them. Without --operator they are taken back and become idle.",
				Example: "athd tx checks delegate-licences 7 8 --operator $(athd keys show checker -a) --from owner", PositionalArgs: ids,
			},
			{
				RpcMethod: "AcceptLicences", Use: "accept-licences [id]...", Short: "Accept licences that were offered, or whose ban has ended",
				Example: "athd tx checks accept-licences 7 8 --from checker", PositionalArgs: ids,
			},
			{
				RpcMethod: "SubmitReport", Use: "submit-report [round]", Short: "Reveal the last round and commit to the running one; ath-checker does this",
				Example: "athd tx checks submit-report 412 --commit $COMMIT --reveal '{\"shards\":[{\"shard\":\"0\",\"healthy\":\"Ag==\"," +
					"\"evidence_root\":\"'$ROOT'\"}]}' --salt $SALT --from checker",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "round"}},
			},
			{
				RpcMethod: "UpdateParams", Use: "update-params [params]", Short: "Propose new parameters; all of them must be given",
				Example:        "athd tx checks update-params \"$(athd query checks params --output json | jq -c .params)\" --from proposer",
				PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "params"}},
				GovProposal:    true,
			},
		},
	}
}
