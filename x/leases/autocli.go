// SPDX-License-Identifier: Apache-2.0

package leases

import (
	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/athnet/ath/x/leases/types"
)

// AutoCLIOptions describes `athd tx leases` and `athd query leases`.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{Service: types.Query_serviceDesc.ServiceName, RpcCommandOptions: queryCommands()},
		Tx:    &autocliv1.ServiceCommandDescriptor{Service: types.Msg_serviceDesc.ServiceName, RpcCommandOptions: txCommands()},
	}
}

func args(fields ...string) []*autocliv1.PositionalArgDescriptor {
	descriptors := make([]*autocliv1.PositionalArgDescriptor, len(fields))
	for i, field := range fields {
		descriptors[i] = &autocliv1.PositionalArgDescriptor{ProtoField: field}
	}
	return descriptors
}

func queryCommands() []*autocliv1.RpcCommandOptions {
	return []*autocliv1.RpcCommandOptions{
		{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "athd query leases params"},
		{
			RpcMethod: "Lease", Use: "lease [tenant] [number]", Short: "Show an open lease, or the receipt of a closed one",
			Example: "athd query leases lease ath1… 7", PositionalArgs: args("tenant", "number"),
		},
		{
			RpcMethod: "Leases", Use: "leases [tenant]", Short: "List a tenant's open leases",
			Example: "athd query leases leases ath1…", PositionalArgs: args("tenant"),
		},
		{
			RpcMethod: "Receipts", Use: "receipts [tenant]", Short: "List the receipts of a tenant's closed leases",
			Example: "athd query leases receipts ath1… --page-limit 10", PositionalArgs: args("tenant"),
		},
		{RpcMethod: "ReceiptLog", Use: "receipt-log", Short: "Show the log of the receipts of all leases", Example: "athd query leases receipt-log"},
		{
			RpcMethod: "ReceiptRoot", Use: "receipt-root [epoch]", Short: "Show the root of the log at the end of an epoch; 0 for the last one",
			Example: "athd query leases receipt-root 12", PositionalArgs: args("epoch"),
		},
		{
			RpcMethod: "Account", Use: "account [tenant]", Short: "Show a prepaid account: balance, what is free, when it runs dry",
			Example: "athd query leases account ath1…", PositionalArgs: args("tenant"),
		},
		{
			RpcMethod: "Depositors", Use: "depositors [tenant]", Short: "Show whose money is in a prepaid account, and what each may take back",
			Example: "athd query leases depositors ath1…", PositionalArgs: args("tenant"),
		},
		{
			RpcMethod: "DepositGrants", Use: "deposit-grants", Short: "List deposit grants by --granter, by --grantee, or the one between both",
			Example: "athd query leases deposit-grants --grantee ath1…",
		},
		{
			RpcMethod: "SubAccounts", Use: "sub-accounts [parent]", Short: "List a tenant's sub-accounts: limit, what is there, what can be taken back",
			Example: "athd query leases sub-accounts ath1…", PositionalArgs: args("parent"),
		},
		{
			RpcMethod: "Offer", Use: "offer [container-id]", Short: "Show a Container's standing price",
			Example: "athd query leases offer 1", PositionalArgs: args("container_id"),
		},
		{
			RpcMethod: "Channel", Use: "channel [tenant] [number]", Short: "Show a payment channel",
			Example: "athd query leases channel ath1… 1", PositionalArgs: args("tenant", "number"),
		},
		{
			RpcMethod: "Channels", Use: "channels [tenant]", Short: "List a tenant's payment channels",
			Example: "athd query leases channels ath1…", PositionalArgs: args("tenant"),
		},
		{
			RpcMethod: "Gateway", Use: "gateway [gateway]", Short: "Show a gateway and its float: what it may withdraw, what is missing, when it runs dry",
			Example: "athd query leases gateway ath1…", PositionalArgs: args("gateway"),
		},
		{RpcMethod: "Gateways", Use: "gateways", Short: "List gateways", Example: "athd query leases gateways"},
		{
			RpcMethod: "Credit", Use: "credit [gateway] [customer]", Short: "Show the credit line that a gateway gives a customer",
			Example: "athd query leases credit ath1… ath1…", PositionalArgs: args("gateway", "customer"),
		},
		{
			RpcMethod: "Credits", Use: "credits", Short: "List credit lines, of one --gateway or of one --customer",
			Example: "athd query leases credits --customer ath1…",
		},
		{RpcMethod: "Offers", Use: "offers", Short: "List all standing prices", Example: "athd query leases offers --page-limit 100"},
		{
			RpcMethod: "Match", Use: "match", Short: "List free Containers that fit, cheapest first",
			Example: `athd query leases match --requirement '{"class":"cpu","memory_mib":"1024"}' --max-rate 500000000`,
		},
	}
}

func txCommands() []*autocliv1.RpcCommandOptions {
	return []*autocliv1.RpcCommandOptions{
		{
			RpcMethod: "SetOffers", Use: "set-offers", Short: "Set the standing prices of Containers",
			Example: `athd tx leases set-offers --offers '{"container_id":"1","denom":"uath","rate":"250000000","min_charge":"60s"}' --from operator`,
		},
		{
			RpcMethod: "RemoveOffers", Use: "remove-offers [container-id]...", Short: "Take standing prices back; open leases go on",
			Example:        "athd tx leases remove-offers 1 2 3 --from operator",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "container_ids", Varargs: true}},
		},
		{
			RpcMethod: "RefreshOffers", Use: "refresh-offers [container-id]...",
			Short:          "Take offers that can't be leased out of the price index, put back those that can; anyone may",
			Example:        "athd tx leases refresh-offers 1 2 3 --from me",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "container_ids", Varargs: true}},
		},
		{
			RpcMethod: "Deposit", Use: "deposit [amount]", Short: "Add to a prepaid balance, your own or --tenant's, or under --granter's grant",
			Long:    "What you deposit for another tenant is spent before its own money, and reclaim-deposit takes back what is left.",
			Example: "athd tx leases deposit 5000000uath --from me", PositionalArgs: args("amount"),
		},
		{
			RpcMethod: "WithdrawDeposit", Use: "withdraw-deposit [amount]", Short: "Take your own free balance back; 0uath for all of it",
			Example: "athd tx leases withdraw-deposit 0uath --from me", PositionalArgs: args("amount"),
		},
		{
			RpcMethod: "ReclaimDeposit", Use: "reclaim-deposit [tenant] [amount]",
			Short:   "Take back what you deposited for a tenant, or give --depositor's back as the tenant; 0uath for all that is free",
			Long:    "It goes to where it came from: the depositor's wallet, and the limit of the grant if that still stands, or the parent's account.",
			Example: "athd tx leases reclaim-deposit ath1… 0uath --from me", PositionalArgs: args("tenant", "amount"),
		},
		{
			RpcMethod: "GrantDeposit", Use: "grant-deposit [grantee] [limit]", Short: "Let a tenant deposit out of your wallet into its account, up to a limit",
			Long: "With --refill the chain deposits by itself when the tenant runs dry, if the tenant chooses the grant (set-refill). It replaces a grant that stands.",
			Example: `athd tx leases grant-deposit ath1… 100000000uath --expires-at 2027-01-01T00:00:00Z ` +
				`--refill '{"keep":"5000000","amount":"10000000","cap":"50000000","period":"720h"}' --from me`,
			PositionalArgs: args("grantee", "limit"),
		},
		{
			RpcMethod: "RevokeDepositGrant", Use: "revoke-deposit-grant [granter] [grantee]", Short: "End a deposit grant; what was deposited under it stays",
			Example: "athd tx leases revoke-deposit-grant ath1… ath1… --from me", PositionalArgs: args("granter", "grantee"),
		},
		{
			RpcMethod: "SetRefill", Use: "set-refill [granter]", Short: "Choose whose grant refills your account before it runs dry; nobody's without one",
			Example:        "athd tx leases set-refill ath1… --from me",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "granter", Optional: true}},
		},
		{
			RpcMethod: "SetSubAccount", Use: "set-sub-account [sub] [limit]", Short: "Name a sub-account and the most of your money that may be there unspent; 0uath ends it",
			Example: "athd tx leases set-sub-account ath1… 50000000uath --from me", PositionalArgs: args("sub", "limit"),
		},
		{
			RpcMethod: "FundSubAccount", Use: "fund-sub-account [sub] [amount]", Short: "Move your own prepaid balance into a sub-account; reclaim-deposit takes it back",
			Example: "athd tx leases fund-sub-account ath1… 5000000uath --from me", PositionalArgs: args("sub", "amount"),
		},
		{
			RpcMethod: "CreateLease", Use: "create-lease", Short: "Lease the first candidate that fits, or the cheapest of a class",
			Long: "The manifest hash is the SHA-256 of the canonical manifest, base64 or hex; `athd deploy` does all of this in one step.",
			Example: `athd tx leases create-lease --requirement '{"class":"cpu"}' --max-rate 500000000 --deposit 5000000uath ` +
				`--manifest-hash 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= --from me`,
		},
		{
			RpcMethod: "CreateLeases", Use: "create-leases", Short: "Open up to 100 independent leases at once",
			Long: "Each order is a create-lease without tenant and deposit. Without --partial the first that can't be served fails all.",
			Example: `athd tx leases create-leases --orders '{"requirement":{"class":"cpu"},"max_rate":"500000000","duration":"0s",` +
				`"max_min_charge":"0s","manifest_hash":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}' --deposit 5000000uath --partial --from me`,
		},
		{
			RpcMethod: "CloseLease", Use: "close-lease [lease-id]", Short: "End a lease",
			Example: "athd tx leases close-lease ath1…/7 --from me", PositionalArgs: args("lease_id"),
		},
		{
			RpcMethod: "UpdateLease", Use: "update-lease [lease-id]", Short: "Change what a lease runs, prolong it, or set its priority",
			Example: "athd tx leases update-lease ath1…/7 --extend-by 24h --from me", PositionalArgs: args("lease_id"),
		},
		{
			RpcMethod: "ReclaimLease", Use: "reclaim-lease [lease-id]", Short: "Give a tenant notice that its Container is taken back",
			Long:    "The chain ends the lease when the notice is over. A reserved lease was promised to its end: notice to it opens a ticket.",
			Example: "athd tx leases reclaim-lease ath1…/7 --from operator", PositionalArgs: args("lease_id"),
		},
		{
			RpcMethod: "Failover", Use: "failover [lease-id]", Short: "Move a lease to one of its standbys",
			Example: "athd tx leases failover ath1…/7 --from me", PositionalArgs: args("lease_id"),
		},
		{
			RpcMethod: "ResumeLease", Use: "resume-lease [lease-id]", Short: "End the pause of a lease whose money had run out",
			Example: "athd tx leases resume-lease ath1…/7 --deposit 5000000uath --from me", PositionalArgs: args("lease_id"),
		},
		{
			RpcMethod: "Settle", Use: "settle [lease-id]...", Short: "Pay what leases have earned up to now; anyone may",
			Example:        "athd tx leases settle ath1…/7 ath1…/8 --from me",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "lease_ids", Varargs: true}},
		},
		{
			RpcMethod: "SubmitUsage", Use: "submit-usage", Short: "Hand in signed usage records; ath-worker does it by itself",
			Example: `athd tx leases submit-usage --records "$(cat record.json)" --from operator`,
		},
		{
			RpcMethod: "OpenChannels", Use: "open-channels", Short: "Open payment channels for metered use",
			Long: "The voucher key is the public half of an ed25519 key that signs vouchers, base64 or hex; the wallet's key stays where it is.",
			Example: `athd tx leases open-channels --channels '{"container_id":"1","cap":"5000000","expires_at":"2027-01-01T00:00:00Z",` +
				`"voucher_key":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}' --deposit 5000000uath --from me`,
		},
		{
			RpcMethod: "TopUpChannel", Use: "top-up-channel [number] [amount]", Short: "Raise a channel's cap by uath, or prolong it (amount 0)",
			Example: "athd tx leases top-up-channel 1 5000000 --from me", PositionalArgs: args("number", "amount"),
		},
		{
			RpcMethod: "CloseChannels", Use: "close-channels [tenant] [number]...",
			Short:          "End channels: at once by the provider, after a challenge by the tenant",
			Example:        "athd tx leases close-channels ath1… 1 2 --from me",
			PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "tenant"}, {ProtoField: "numbers", Varargs: true}},
		},
		{
			RpcMethod: "Redeem", Use: "redeem", Short: "Pay providers what vouchers promise; anyone may",
			Example: `athd tx leases redeem --vouchers "$(cat voucher.json)" --from me`,
		},
		{
			RpcMethod: "RegisterGateway", Use: "register-gateway-proposal [gateway] [name] [max-customers] [max-rate]",
			Short:   "Propose that an address may give credit; max-rate in millionths of a musd per second",
			Example: `athd tx leases register-gateway-proposal ath1… "Example Inc." 1000 50000000000 --from me`, GovProposal: true,
			PositionalArgs: args("gateway", "name", "max_customers", "max_rate"),
		},
		{
			RpcMethod: "RemoveGateway", Use: "remove-gateway-proposal [gateway]", Short: "Propose that a gateway takes no new leases; what runs goes on",
			Example: "athd tx leases remove-gateway-proposal ath1… --from me", GovProposal: true, PositionalArgs: args("gateway"),
		},
		{
			RpcMethod: "FundFloat", Use: "fund-float [amount]", Short: "Add to your float, or to --gateway's",
			Example: "athd tx leases fund-float 500000000uath --from gateway", PositionalArgs: args("amount"),
		},
		{
			RpcMethod: "WithdrawFloat", Use: "withdraw-float [amount]", Short: "Take out of your float what your customers' leases don't need; 0uath for all of it",
			Example: "athd tx leases withdraw-float 0uath --from gateway", PositionalArgs: args("amount"),
		},
		{
			RpcMethod: "GrantCredit", Use: "grant-credit [customer] [limit]", Short: "Let a customer lease at your expense, up to a limit in musd; it replaces the bounds of a line that stands",
			Example: "athd tx leases grant-credit ath1… 25000000 --expires-at 2027-01-01T00:00:00Z --from gateway", PositionalArgs: args("customer", "limit"),
		},
		{
			RpcMethod: "RevokeCredit", Use: "revoke-credit [customer]", Short: "End a credit line: what runs on it pauses or ends in this block",
			Example: "athd tx leases revoke-credit ath1… --from gateway", PositionalArgs: args("customer"),
		},
		{
			RpcMethod: "UpdateParams", Use: "update-params-proposal [params]", Short: "Propose new parameters",
			Example: `athd tx leases update-params-proposal "$(cat params.json)" --from me`, PositionalArgs: args("params"), GovProposal: true,
		},
	}
}
