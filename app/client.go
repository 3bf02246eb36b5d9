// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"
	"cosmossdk.io/core/appmodule"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/types/module"
)

// Client is the part of the application that a command line needs: what modules there are and how their messages look. Its
// stores are never opened. It costs a few milliseconds, the whole application a hundred.
type Client struct {
	Encoding
	Basics  module.BasicManager
	Modules map[string]appmodule.AppModule
}

// NewClient returns the command line's part of the application.
func NewClient() (*Client, error) {
	enc, err := NewEncoding()
	if err != nil {
		return nil, fmt.Errorf("build client: %w", err)
	}
	core := newCore(enc, log.NewNopLogger(), noOptions{}, baseapp.NewMsgServiceRouter(), nil, nil)
	c := &Client{Encoding: core.encoding, Basics: core.basics, Modules: make(map[string]appmodule.AppModule)}
	for name, m := range core.modules.Modules {
		if m, ok := m.(appmodule.AppModule); ok {
			c.Modules[name] = m
		}
	}
	return c, nil
}

// Commands returns the modules' own descriptions of their commands.
func (c *Client) Commands() map[string]*autocliv1.ModuleOptions {
	options := make(map[string]*autocliv1.ModuleOptions)
	for name, m := range c.Modules {
		if m, ok := m.(interface {
			AutoCLIOptions() *autocliv1.ModuleOptions
		}); ok {
			options[name] = m.AutoCLIOptions()
		}
	}
	return options
}

// noOptions is an app.toml without any entry.
type noOptions struct{}

func (noOptions) Get(string) any { return nil }
