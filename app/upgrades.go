// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"
)

// release is one coordinated upgrade of the network: its plan's name, the stores that come and go, and what runs once
// before the modules' own migrations (nil where those suffice).
type release struct {
	name    string
	stores  storetypes.StoreUpgrades
	prepare func(ctx context.Context, app *App) error
}

// releases of the network, oldest first. The first network starts from a genesis file and needs none.
var releases []release

// setUpgrades registers the releases and, where this start is one, opens the stores with its changes.
func (app *App) setUpgrades() error {
	plan, err := app.Upgrade.ReadUpgradeInfoFromDisk()
	if err != nil {
		return fmt.Errorf("read upgrade plan: %w", err)
	}
	for _, r := range releases {
		app.Upgrade.SetUpgradeHandler(r.name, app.upgradeHandler(r))
		if plan.Name == r.name && !app.Upgrade.IsSkipHeight(plan.Height) {
			app.SetStoreLoader(upgradetypes.UpgradeStoreLoader(plan.Height, &r.stores))
		}
	}
	return nil
}

func (app *App) upgradeHandler(r release) upgradetypes.UpgradeHandler {
	return func(ctx context.Context, _ upgradetypes.Plan, from module.VersionMap) (module.VersionMap, error) {
		if r.prepare != nil {
			if err := r.prepare(ctx, app); err != nil {
				return nil, fmt.Errorf("upgrade %s: %w", r.name, err)
			}
		}
		return app.modules.RunMigrations(ctx, app.configurator, from)
	}
}
