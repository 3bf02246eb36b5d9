// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"github.com/cosmos/cosmos-sdk/client"
)

// clientKeys are the entries of client.toml.
var clientKeys = []string{"chain-id", "keyring-backend", "keyring-default-keyname", "output", "node", "broadcast-mode"}

// configCommand shows and changes client.toml, from which all client commands take what the command line leaves out.
func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config [key] [value]",
		Short:   "Show or change the client's defaults: " + strings.Join(clientKeys, ", "),
		Example: "  athd config\n  athd config chain-id ath-1\n  athd config node tcp://rpc.example.org:26657",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := viper.New()
			file.SetConfigFile(filepath.Join(client.GetClientContextFromCmd(cmd).HomeDir, "config", "client.toml"))
			if err := file.ReadInConfig(); err != nil {
				return fmt.Errorf("read client configuration: %w", err)
			}
			if len(args) > 0 && !slices.Contains(clientKeys, args[0]) {
				return fmt.Errorf("config: no entry %q; there are %s", args[0], strings.Join(clientKeys, ", "))
			}
			switch len(args) {
			case 0:
				all := make(map[string]string, len(clientKeys))
				for _, key := range clientKeys {
					all[key] = file.GetString(key)
				}
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(all)
			case 1:
				_, err := fmt.Fprintln(cmd.OutOrStdout(), file.GetString(args[0]))
				return err
			}
			file.Set(args[0], args[1])
			return file.WriteConfig()
		},
	}
	return cmd
}
