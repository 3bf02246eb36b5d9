// SPDX-License-Identifier: Apache-2.0

package app

import (
	"github.com/spf13/cast"

	"github.com/cosmos/ibc-go/v11/modules/apps/transfer"
	transferkeeper "github.com/cosmos/ibc-go/v11/modules/apps/transfer/keeper"
	transfertypes "github.com/cosmos/ibc-go/v11/modules/apps/transfer/types"
	transferv2 "github.com/cosmos/ibc-go/v11/modules/apps/transfer/v2"
	porttypes "github.com/cosmos/ibc-go/v11/modules/core/05-port/types"
	ibcapi "github.com/cosmos/ibc-go/v11/modules/core/api"
	ibcexported "github.com/cosmos/ibc-go/v11/modules/core/exported"
	ibckeeper "github.com/cosmos/ibc-go/v11/modules/core/keeper"
	ibctm "github.com/cosmos/ibc-go/v11/modules/light-clients/07-tendermint"

	"cosmossdk.io/core/genesis"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	authzkeeper "github.com/cosmos/cosmos-sdk/x/authz/keeper"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	consensuskeeper "github.com/cosmos/cosmos-sdk/x/consensus/keeper"
	consensustypes "github.com/cosmos/cosmos-sdk/x/consensus/types"
	distrkeeper "github.com/cosmos/cosmos-sdk/x/distribution/keeper"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	epochskeeper "github.com/cosmos/cosmos-sdk/x/epochs/keeper"
	epochstypes "github.com/cosmos/cosmos-sdk/x/epochs/types"
	evidencekeeper "github.com/cosmos/cosmos-sdk/x/evidence/keeper"
	evidencetypes "github.com/cosmos/cosmos-sdk/x/evidence/types"
	"github.com/cosmos/cosmos-sdk/x/feegrant"
	feegrantkeeper "github.com/cosmos/cosmos-sdk/x/feegrant/keeper"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1beta1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1beta1"
	slashingkeeper "github.com/cosmos/cosmos-sdk/x/slashing/keeper"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
	xp "github.com/cosmos/cosmos-sdk/x/upgrade/exported"
	upgradekeeper "github.com/cosmos/cosmos-sdk/x/upgrade/keeper"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	athkeeper "github.com/athnet/ath/x/ath/keeper"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkskeeper "github.com/athnet/ath/x/checks/keeper"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leaseskeeper "github.com/athnet/ath/x/leases/keeper"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerskeeper "github.com/athnet/ath/x/providers/keeper"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// Keepers of all modules, built bottom-up by newKeepers and never changed afterwards.
type Keepers struct {
	Consensus    consensuskeeper.Keeper
	Account      authkeeper.AccountKeeper
	Bank         bankkeeper.BaseKeeper
	Staking      *stakingkeeper.Keeper
	Distribution distrkeeper.Keeper
	Slashing     slashingkeeper.Keeper
	Evidence     *evidencekeeper.Keeper
	FeeGrant     feegrantkeeper.Keeper
	Authz        authzkeeper.Keeper
	Upgrade      *upgradekeeper.Keeper
	Gov          *govkeeper.Keeper
	Epochs       *epochskeeper.Keeper

	IBC         *ibckeeper.Keeper
	Transfer    *transferkeeper.Keeper
	LightClient ibctm.LightClientModule

	Ath       *athkeeper.Keeper
	Providers *providerskeeper.Keeper
	Leases    *leaseskeeper.Keeper
	Checks    *checkskeeper.Keeper
}

// core is what modules are made of, before an application runs them.
type core struct {
	*Keepers
	encoding Encoding
	stores   storeKeys
	modules  *module.Manager
	basics   module.BasicManager
}

// newCore builds keepers and modules and registers their types. versions and deliver are nil where nothing runs.
func newCore(
	enc Encoding, logger log.Logger, opts servertypes.AppOptions, router *baseapp.MsgServiceRouter,
	versions xp.ProtocolVersionSetter, deliver genesis.TxHandler,
) core {
	c := core{encoding: enc, stores: newStoreKeys()}
	c.Keepers = newKeepers(builder{
		enc: enc, stores: c.stores, opts: opts, router: router, versions: versions, log: logger,
		authority: authtypes.NewModuleAddress(govtypes.ModuleName).String(),
	})
	c.modules = module.NewManagerFromMap(newModules(enc, c.Keepers, deliver))
	c.basics = module.NewBasicManagerFromManager(c.modules, genesisOverrides())
	c.basics.RegisterLegacyAminoCodec(enc.Amino)
	c.basics.RegisterInterfaces(enc.Registry)
	return c
}

// builder carries what every constructor asks for.
type builder struct {
	enc       Encoding
	stores    storeKeys
	opts      servertypes.AppOptions
	router    *baseapp.MsgServiceRouter
	versions  xp.ProtocolVersionSetter
	authority string
	log       log.Logger
}

// kv opens a module's persistent store.
func (b builder) kv(name string) corestore.KVStoreService {
	return runtime.NewKVStoreService(b.stores.kv[name])
}

// newKeepers builds the keepers. It is the only place that knows which concrete keeper fulfils which interface.
func newKeepers(b builder) *Keepers {
	k := &Keepers{}
	b.base(k)
	b.validators(k)
	b.governance(k)
	b.ibc(k)
	b.market(k)
	return k
}

// base builds accounts, coins and what every transaction needs.
func (b builder) base(k *Keepers) {
	cdc := b.enc.Codec
	k.Consensus = consensuskeeper.NewKeeper(cdc, b.kv(consensustypes.StoreKey), b.authority, runtime.EventService{})
	k.Account = authkeeper.NewAccountKeeper(cdc, b.kv(authtypes.StoreKey), authtypes.ProtoBaseAccount, modulePermissions(),
		AccountAddresses, athtypes.Bech32Prefix, b.authority, authkeeper.WithUnorderedTransactions(true))
	k.Bank = bankkeeper.NewBaseKeeper(cdc, b.kv(banktypes.StoreKey), k.Account, BlockedAddresses(), b.authority, b.log).
		WithObjStoreKey(b.stores.object[banktypes.ObjectStoreKey])
	k.FeeGrant = feegrantkeeper.NewKeeper(cdc, b.kv(feegrant.StoreKey), k.Account).SetBankKeeper(k.Bank)
	k.Authz = authzkeeper.NewKeeper(b.kv(authzkeeper.StoreKey), cdc, b.router, k.Account).SetBankKeeper(k.Bank)
	epochs := epochskeeper.NewKeeper(b.kv(epochstypes.StoreKey), cdc)
	k.Epochs = &epochs
}

// validators builds what secures the chain, and the token that it pays with: x/ath knows from staking's hooks who signs.
func (b builder) validators(k *Keepers) {
	cdc := b.enc.Codec
	k.Staking = stakingkeeper.NewKeeper(cdc, b.kv(stakingtypes.StoreKey), k.Account, k.Bank, b.authority,
		ValidatorAddresses, ConsensusAddresses)
	k.Distribution = distrkeeper.NewKeeper(cdc, b.kv(distrtypes.StoreKey), k.Account, k.Bank, k.Staking,
		authtypes.FeeCollectorName, b.authority)
	k.Slashing = slashingkeeper.NewKeeper(cdc, b.enc.Amino, b.kv(slashingtypes.StoreKey), k.Staking, b.authority)
	k.Ath = athkeeper.NewKeeper(athkeeper.Deps{
		Cdc: b.enc.Codec, StoreService: b.kv(athtypes.StoreKey), PositionsService: b.kv(athtypes.PositionsStoreKey),
		ObjectStoreKey: b.stores.object[athtypes.ObjectStoreKey],
		Bank:           k.Bank, Staking: stakingkeeper.NewMsgServerImpl(k.Staking), Addresses: AccountAddresses, Validators: k.Staking,
		Authority: b.authority, Logger: b.log,
	})
	k.Staking.SetHooks(stakingtypes.NewMultiStakingHooks(k.Distribution.Hooks(), k.Slashing.Hooks(), k.Ath.StakingHooks()))
	k.Evidence = evidencekeeper.NewKeeper(cdc, b.kv(evidencetypes.StoreKey), k.Staking, k.Slashing, AccountAddresses,
		runtime.ProvideCometInfoService())
}

// governance builds what changes the chain.
func (b builder) governance(k *Keepers) {
	skip := make(map[int64]bool)
	for _, height := range cast.ToIntSlice(b.opts.Get(server.FlagUnsafeSkipUpgrades)) {
		skip[int64(height)] = true
	}
	k.Upgrade = upgradekeeper.NewKeeper(skip, b.kv(upgradetypes.StoreKey), b.enc.Codec,
		cast.ToString(b.opts.Get(flags.FlagHome)), b.versions, b.authority)
	k.Gov = govkeeper.NewKeeper(b.enc.Codec, b.kv(govtypes.StoreKey), k.Account, k.Bank, k.Distribution,
		b.router, govtypes.DefaultConfig(), b.authority,
		govkeeper.NewDefaultCalculateVoteResultsAndVotingPower(k.Staking))
	// Proposals of the old kind carry text only; without a router they would crash their transaction.
	k.Gov.SetLegacyRouter(govv1beta1.NewRouter().AddRoute(govtypes.RouterKey, govv1beta1.ProposalHandler))
}

// ibc builds the doors to other chains: token transfer over Tendermint light clients, classic channels and IBC v2.
func (b builder) ibc(k *Keepers) {
	cdc := b.enc.Codec
	k.IBC = ibckeeper.NewKeeper(cdc, b.kv(ibcexported.StoreKey), k.Upgrade, b.authority)
	k.Transfer = transferkeeper.NewKeeper(cdc, AccountAddresses, b.kv(transfertypes.StoreKey), k.IBC.ChannelKeeper,
		b.router, k.Account, k.Bank, b.authority)
	k.IBC.SetRouter(porttypes.NewRouter().AddRoute(transfertypes.ModuleName, transfer.NewIBCModule(k.Transfer)))
	k.IBC.SetRouterV2(ibcapi.NewRouter().AddRoute(transfertypes.PortID, transferv2.NewIBCModule(k.Transfer)))
	k.LightClient = ibctm.NewLightClientModule(cdc, k.IBC.ClientKeeper.GetStoreProvider())
	k.IBC.ClientKeeper.AddRoute(ibctm.ModuleName, &k.LightClient)
}

// market builds our own modules, each on those below it only.
func (b builder) market(k *Keepers) {
	k.Providers = providerskeeper.NewKeeper(providerskeeper.Deps{
		Cdc: b.enc.Codec, StoreService: b.kv(providerstypes.StoreKey),
		Vault: k.Ath, Stream: k.Ath, Economy: k.Ath, Figures: k.Ath, Addresses: AccountAddresses, Authority: b.authority, Logger: b.log,
	})
	k.Leases = leaseskeeper.NewKeeper(leaseskeeper.Deps{
		Cdc: b.enc.Codec, StoreService: b.kv(leasestypes.StoreKey), ObjectStoreKey: b.stores.object[leasestypes.ObjectStoreKey],
		Vault: k.Ath, Providers: k.Providers, Addresses: AccountAddresses, Authority: b.authority, Logger: b.log,
	})
	k.Checks = checkskeeper.NewKeeper(checkskeeper.Deps{
		Cdc: b.enc.Codec, StoreService: b.kv(checkstypes.StoreKey),
		Vault: k.Ath, Providers: k.Providers, Leases: k.Leases, Addresses: AccountAddresses, Authority: b.authority, Logger: b.log,
	})
}
