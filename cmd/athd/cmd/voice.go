// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cast"
	"github.com/spf13/cobra"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/app/beaconkey"
	"github.com/athnet/ath/app/pricefeed"
)

// newVoice is what a node says when it votes, from its configuration.
func newVoice(logger log.Logger, opts servertypes.AppOptions) (app.Voice, error) {
	var voice app.Voice
	price := priceConfig(opts)
	if err := price.Validate(); err != nil {
		return voice, err
	}
	if price.Source != "" {
		feed := pricefeed.Start(price, logger)
		voice.Price, voice.Close = feed, feed.Close
	}
	key, err := beaconkey.Load(beaconkey.Path(cast.ToString(opts.Get(flags.FlagHome))))
	switch {
	case errors.Is(err, beaconkey.ErrNone): // it votes without
	case err != nil:
		return app.Voice{}, errors.Join(err, closeVoice(voice))
	default:
		logger.Info("contributes to the random beacon with the key that is in use", "newest", base64.StdEncoding.EncodeToString(key.Newest().Public()))
		voice.Beacon = key
	}
	return voice, nil
}

func closeVoice(voice app.Voice) error {
	if voice.Close == nil {
		return nil
	}
	return voice.Close()
}

// priceConfig reads the table [price] of app.toml. Entries that an older file lacks have their defaults.
func priceConfig(opts servertypes.AppOptions) pricefeed.Config {
	config := pricefeed.DefaultConfig()
	config.Source = cast.ToString(opts.Get("price.source"))
	config.From = cast.ToString(opts.Get("price.from"))
	config.JSONPath = cast.ToString(opts.Get("price.json-path"))
	if interval := opts.Get("price.interval"); interval != nil {
		config.Interval = cast.ToDuration(interval)
	}
	if timeout := opts.Get("price.timeout"); timeout != nil {
		config.Timeout = cast.ToDuration(timeout)
	}
	if age := opts.Get("price.max-age"); age != nil {
		config.MaxAge = cast.ToDuration(age)
	}
	return config
}

// priceCommand groups what concerns the price that a validator votes for.
func priceCommand() *cobra.Command {
	price := &cobra.Command{
		Use:   "price",
		Short: "The price of ATH that this validator votes for",
		Long: "A validator says what an ATH is worth when it votes; the network takes the median. Where it gets that from is the table\n" +
			"[price] of app.toml: a file, a command or an HTTP address. Without a source it votes without a price.",
	}
	price.AddCommand(&cobra.Command{
		Use:     "check",
		Short:   "Ask the configured source once and print what this node would vote",
		Example: "  athd price check\n  athd price check --home ~/.athd",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config := priceConfig(server.GetServerContextFromCmd(cmd).Viper)
			if err := config.Validate(); err != nil {
				return err
			}
			if config.Source == "" {
				return fmt.Errorf("no source is configured: set source and from in the table [price] of app.toml")
			}
			nanos, err := config.Ask(cmd.Context())
			if err != nil {
				return err
			}
			usd := new(big.Rat).SetFrac(new(big.Int).SetUint64(nanos), big.NewInt(1_000_000_000)).FloatString(9)
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s USD per ATH\n", usd)
			return err
		},
	})
	return price
}
