// SPDX-License-Identifier: Apache-2.0

package providers

import (
	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/athnet/ath/x/providers/types"
)

// AutoCLIOptions describes the commands `athd query providers` and `athd tx providers`.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service:           types.Query_serviceDesc.ServiceName,
			RpcCommandOptions: queryCommands(),
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service:           types.Msg_serviceDesc.ServiceName,
			RpcCommandOptions: txCommands(),
		},
	}
}

func queryCommands() []*autocliv1.RpcCommandOptions {
	return []*autocliv1.RpcCommandOptions{
		{
			RpcMethod: "Params",
			Use:       "params",
			Short:     "The module's parameters",
			Example:   "athd query providers params",
		},
		{
			RpcMethod:      "Provider",
			Use:            "provider [owner]",
			Short:          "One provider, by the address of its owner",
			Example:        "athd query providers provider ath1…",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "owner"}},
		},
		{
			RpcMethod: "Providers",
			Use:       "list",
			Alias:     []string{"providers"},
			Short:     "All providers",
			Example:   "athd query providers list --page-limit 50",
		},
		{
			RpcMethod:      "Container",
			Use:            "container [id]",
			Short:          "One Container: what it is, its state, its last heartbeat and its stake",
			Example:        "athd query providers container 7",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}},
		},
		{
			RpcMethod: "Containers",
			Use:       "containers",
			Short:     "Containers of one provider, or of all",
			Example:   "athd query providers containers --provider ath1… --page-limit 50",
		},
		{
			RpcMethod: "Classes",
			Use:       "classes",
			Short:     "The catalogue of hardware classes",
			Example:   "athd query providers classes --output json",
		},
		{
			RpcMethod:      "Shard",
			Use:            "shard [shard]",
			Short:          "Health of a shard: the Containers 512·shard to 512·shard + 511",
			Example:        "athd query providers shard 0",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "shard"}},
		},
		{
			RpcMethod:      "Utilisation",
			Use:            "utilisation [class]",
			Short:          "How many Containers are registered, ready and bound to leases, per class and in all",
			Example:        "athd query providers utilisation\nathd query providers utilisation h100-sxm-80",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "class", Optional: true}},
		},
		{
			RpcMethod: "Apr",
			Use:       "apr [class]",
			Short:     "What Containers of a class earn by capacity in a year over their stake, in ppm",
			Long: "What Containers of a class earn by capacity in a year over their stake, in ppm, at today's emission and weights and before\n" +
				"vesting. What tenants pay comes on top. Of stakers and licences see `athd query ath apr` and `athd query checks apr`.",
			Example:        "athd query providers apr\nathd query providers apr h100-sxm-80",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "class", Optional: true}},
		},
		{
			RpcMethod:      "Stake",
			Use:            "stake [class] [tier] [count]",
			Short:          "What registering a Container would bond now, in uath",
			Example:        "athd query providers stake rtx4090 edge 2",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "class"}, {ProtoField: "tier"}, {ProtoField: "count"}},
		},
		{
			RpcMethod:      "Ticket",
			Use:            "ticket [id]",
			Short:          "An open or contested slash ticket: why, how much, until when, and what it holds",
			Example:        "athd query providers ticket 3",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}},
		},
		{
			RpcMethod: "Tickets",
			Use:       "tickets",
			Short:     "Open and contested slash tickets of one provider, of those that owe an account something, or of all",
			Example: "athd query providers tickets --provider ath1… --page-limit 50\n" +
				"athd query providers tickets --beneficiary ath1…",
		},
		{
			RpcMethod:      "Risk",
			Use:            "risk [owner]",
			Short:          "What a provider may lose: income, unbonding stake, tickets, and per Container what it must bond and has",
			Example:        "athd query providers risk ath1… --page-limit 50",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "owner"}},
		},
	}
}

func txCommands() []*autocliv1.RpcCommandOptions {
	return []*autocliv1.RpcCommandOptions{
		{
			RpcMethod: "RegisterProvider",
			Use:       "register",
			Short:     "Become a provider; the signer is its owner",
			Example:   "athd tx providers register --tier edge --country DE --operators ath1… --from owner",
		},
		{
			RpcMethod: "UpdateProvider",
			Use:       "update",
			Short:     "Replace operators, payout address and contact data (all of them: what is left out becomes empty)",
			Example:   "athd tx providers update --operators ath1… --payout ath1… --country DE --from owner",
		},
		{
			RpcMethod: "DeregisterProvider",
			Use:       "deregister",
			Short:     "Stop being a provider, when all Containers are retired and their stake is withdrawn",
			Example:   "athd tx providers deregister --from owner",
		},
		{
			RpcMethod: "RegisterContainers",
			Use:       "register-containers",
			Short:     "Register Containers and bond their stake; ath-worker does it with what it measured",
			Example: `athd tx providers register-containers --max-stake 10000000 --containers '{"class":"cpu","count":1,` +
				`"spec":{"cpu_milli":"2000","memory_mib":"4096","throughput":"2000"},"worker_pubkey":"…base64…",` +
				`"fingerprint":"…base64…","endpoint":"host.example.org:8443","connectivity":"CONNECTIVITY_DIRECT",` +
				`"region":"eu-de","windows":[{"days":31,"from":1200,"to":360}]}' --from owner   # Mon-Fri 20:00-06:00 UTC`,
		},
		{
			RpcMethod: "UpdateContainer",
			Use:       "update-container [id]",
			Short:     "Change where a Container is reached and what its worker measured",
			Example: `athd tx providers update-container 7 --endpoint host.example.org:8443 --connectivity direct ` +
				`--region eu-de --spec '{"cpu_milli":"2000","memory_mib":"4096"}' --fingerprint …base64… --from operator`,
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}},
		},
		{
			RpcMethod: "SetMaintenance",
			Use:       "maintenance [ids...]",
			Short:     "Take Containers off the market (a leased one drains first), or without --on bring them back",
			Example:   "athd tx providers maintenance 7 8 --on --reason 'new disk' --from operator",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{
				{ProtoField: "ids", Varargs: true},
			},
		},
		{
			RpcMethod: "RetireContainers",
			Use:       "retire [ids...]",
			Short:     "End Containers that serve no lease; their stake unbonds",
			Example:   "athd tx providers retire 7 8 --from owner",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{
				{ProtoField: "ids", Varargs: true},
			},
		},
		{
			RpcMethod: "WithdrawStake",
			Use:       "withdraw-stake",
			Short:     "Pay stake that has finished unbonding to its owner (the signer, unless --owner names another)",
			Example:   "athd tx providers withdraw-stake --from owner",
		},
		{
			RpcMethod: "TopUpStake",
			Use:       "top-up-stake [ids...]",
			Short:     "Add what Containers lack of their stake after a slash, so that they earn and are leased again",
			Example:   "athd tx providers top-up-stake 7 8 --max-stake 10000000 --from owner",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{
				{ProtoField: "ids", Varargs: true},
			},
		},
		{
			RpcMethod:      "PayTicket",
			Use:            "pay-ticket [id]",
			Short:          "Pay a slash ticket from the owner's account; the income and stake that it holds come back",
			Example:        "athd tx providers pay-ticket 3 --from owner",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}},
		},
		{
			RpcMethod: "SettleTickets",
			Use:       "settle-tickets [ids...]",
			Short:     "Let slash tickets run out whose deadline has passed; blocks do it by themselves, a bounded number each",
			Example:   "athd tx providers settle-tickets 3 4 --from me",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{
				{ProtoField: "ids", Varargs: true},
			},
		},
		{
			RpcMethod: "OpenTicket",
			Use:       "open-ticket-proposal",
			Short:     "Propose to claim damage of a provider",
			Example: `athd tx providers open-ticket-proposal --provider ath1… --container 7 --reason governance ` +
				`--evidence …base64… --amount 5000000 --title … --summary … --deposit 10000000uath --from me`,
			GovProposal: true,
		},
		{
			RpcMethod: "Heartbeat",
			Use:       "heartbeat [ids...]",
			Short:     "Say that the workers of Containers live; ath-worker does it by itself",
			Example:   "athd tx providers heartbeat 7 8 --from operator",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{
				{ProtoField: "ids", Varargs: true},
			},
		},
		{
			RpcMethod: "SetClasses",
			Use:       "set-classes-proposal",
			Short:     "Propose to add or replace hardware classes",
			Example: `athd tx providers set-classes-proposal --classes '{"name":"rtx5090","title":"NVIDIA GeForce RTX 5090",` +
				`"weight":"300000","reference":"83800000","vram_mib":"31785","stake":"1500000000",` +
				`"price_ceiling":"12000000000","start_limit":"600s"}' --title … --summary … --deposit 10000000uath --from me`,
			GovProposal: true,
		},
		{
			RpcMethod: "UpdateParams",
			Use:       "update-params-proposal [params]",
			Short:     "Propose new parameters; all of them must be given",
			Example: `athd tx providers update-params-proposal '{"stake_coefficient_ppm":"1000000",…}' ` +
				`--title … --summary … --deposit 10000000uath --from me`,
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "params"}},
			GovProposal:    true,
		},
	}
}
