// SPDX-License-Identifier: Apache-2.0

package ath

import (
	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/athnet/ath/x/ath/types"
)

// AutoCLIOptions describes the commands below `athd query ath` and `athd tx ath`.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: types.Query_serviceDesc.ServiceName,
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "athd query ath params"},
				{RpcMethod: "Supply", Use: "supply", Short: "Show cap, minted, burnt and total supply, in uath", Example: "athd query ath supply"},
				{RpcMethod: "Pools", Use: "pools", Short: "Show what every reward pool emitted, paid and holds", Example: "athd query ath pools"},
				{
					RpcMethod: "Revenue", Use: "revenue", Short: "Show what tenants paid and what of it was service fee, in a day and in 30 epochs",
					Example: "athd query ath revenue",
				},
				{
					RpcMethod: "Fees", Use: "fees", Short: "Show where the service fees went since genesis: stakers, SLA fund, treasury, burnt",
					Example: "athd query ath fees\nathd query ath fees --page-limit 10",
				},
				{
					RpcMethod: "Apr", Use: "apr", Short: "Show what bonded ATH earn in a year at today's rates, in ppm",
					Long: "Show what bonded ATH earn in a year at today's rates, in ppm: service fees and the DAO's stream, before community tax and\n" +
						"validators' commission. What hardware earns is in `athd query providers apr`, what a licence earns in `athd query checks apr`.",
					Example: "athd query ath apr",
				},
				{
					RpcMethod: "Schedule", Use: "schedule", Short: "Show the emission per epoch and pool, up to the last epoch",
					Example: "athd query ath schedule\nathd query ath schedule --from 1 --count 3652",
				},
				{RpcMethod: "Epoch", Use: "epoch", Short: "Show the running epoch and when it ends", Example: "athd query ath epoch"},
				{
					RpcMethod: "Rewards", Use: "rewards [beneficiary]", Short: "Show what an account has earned, has vesting and can withdraw",
					Example:        "athd query ath rewards ath1qyqszqgpqyqszqgpqyqszqgpqyqszqgp5xqqpu",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "beneficiary"}},
				},
				{
					RpcMethod: "Vault", Use: "vault", Short: "Show the vault's rows, all or those of one owner",
					Example: "athd query ath vault --owner ath1qyqszqgpqyqszqgpqyqszqgpqyqszqgp5xqqpu --page-limit 50",
				},
				{RpcMethod: "Price", Use: "price", Short: "Show what validators say an ATH is worth in USD", Example: "athd query ath price"},
				{
					RpcMethod: "UsdIndex", Use: "usd-index", Short: "Show the index by which USD-priced things cost ATH, now or at a time",
					Example: "athd query ath usd-index\nathd query ath usd-index --at 2027-03-01T00:00:00Z",
				},
				{
					RpcMethod: "Beacon", Use: "beacon [height]", Short: "Show the random beacon of the last block, or of a block",
					Long: "Show the random beacon of the last block, or of one of the 63 before it. An older one is in the state of its own\n" +
						"height, which a node has until it prunes it: leave the argument out and give --height.",
					Example:        "athd query ath beacon\nathd query ath beacon 120000\nathd query ath beacon --height 90000",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "height", Optional: true}},
				},
				{
					RpcMethod: "BeaconKeys", Use: "beacon-keys", Short: "Show the validators' beacon keys and which epoch runs",
					Example: "athd query ath beacon-keys\nathd query ath beacon-keys --operator athvaloper1qyqszqgpqyqszqgpqyqszqgpqyqszqgpxy8xc6",
				},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: types.Msg_serviceDesc.ServiceName,
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{
					RpcMethod: "Claim", Use: "claim", Short: "Move earned rewards into vesting",
					Long: "Move what the ledgers have earned into vesting. Capacity counts the Containers that are listed; without ledgers all are claimed.",
					Example: "athd tx ath claim --containers 7,8 --from provider\nathd tx ath claim --ledgers checker --from licence-owner\n" +
						`athd tx ath claim --containers 7 --exits '{"ledger":"LEDGER_CAPACITY","delay":"604800s","penalty_ppm":800000}' --from provider`,
				},
				{
					RpcMethod: "Exit", Use: "exit [ledger] [delay] [penalty-ppm]", Short: "Take income out of vesting early, at a penalty",
					Long: "Take income out of vesting early. Delay and penalty must be those of a line of reward_exits, fee_exits or checker_exits in the " +
						"parameters. The penalty goes back to the ledger's pool, and none of it ever comes back to the account that paid it.",
					Example: "athd tx ath exit capacity 168h 800000 --from provider\nathd tx ath exit fees 168h 400000 --max-amount 5000000 --from provider",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{
						{ProtoField: "ledger"}, {ProtoField: "delay"}, {ProtoField: "penalty_ppm"},
					},
				},
				{
					RpcMethod: "Withdraw", Use: "withdraw", Short: "Pay out income that has ripened, and stake it with that",
					Example: "athd tx ath withdraw --from provider\nathd tx ath withdraw --stake athvaloper1qyqszqgpqyqszqgpqyqszqgpqyqszqgphqhvkp --from provider",
				},
				{
					RpcMethod: "SetBeaconKey", Use: "set-beacon-key", Short: "Register, replace or remove a validator's beacon key",
					Long: "Register a validator's beacon key; without flags remove it. `athd beacon-key register` does the same with the\n" +
						"key of a node's file. A key counts from the second change of epoch on.",
					Example: "athd tx ath set-beacon-key --pubkey \"$PUBKEY\" --possession \"$POSSESSION\" --from validator\nathd tx ath set-beacon-key --from validator",
				},
				{
					RpcMethod: "Spend", Use: "spend [source] [recipient] [amount]", Short: "Propose to pay from the grants pool or the treasury",
					Long: "Propose to pay from the grants pool (uath) or the treasury (any denom in which fees were paid). `athd query ath pools` says\n" +
						"what the grants pool holds, and the row TREASURY of `athd query ath vault` what the treasury does.",
					Example: "athd tx ath spend grants ath1qyqszqgpqyqszqgpqyqszqgpqyqszqgpjesmnd 250000000000uath " +
						`--title "A client in Rust" --summary "For who writes it" --deposit 5000000000uath --from proposer`,
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{
						{ProtoField: "source"}, {ProtoField: "recipient"}, {ProtoField: "amount"},
					},
					GovProposal: true,
				},
				{
					RpcMethod: "UpdateParams", Use: "update-params [params]", Short: "Propose new parameters; all of them must be given",
					Example:        "athd tx ath update-params \"$(athd query ath params --output json | jq -c .params)\" --from proposer",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "params"}},
					GovProposal:    true,
				},
			},
		},
	}
}
