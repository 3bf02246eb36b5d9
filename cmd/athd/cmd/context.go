// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/flags"

	"github.com/athnet/ath/offchain/deploy"
)

const flagContext = "context"

// contextKeys are the flags that a context may set: where the network is, and who asks.
var contextKeys = []string{
	flags.FlagNode, flags.FlagGRPC, flags.FlagChainID, flags.FlagFrom, flagIndexer, flags.FlagKeyringBackend, flags.FlagKeyringDir, flags.FlagGasPrices,
	flags.FlagFeeGranter,
}

// ownFlagsOnly marks commands whose flags are what is to be written down, not defaults for what they do.
const ownFlagsOnly = "ath-own-flags"

var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)

// contextFile is config/contexts.json of the home directory.
type contextFile struct {
	Current  string                       `json:"current,omitempty"`
	Contexts map[string]map[string]string `json:"contexts"`
}

func contextPath(cmd *cobra.Command) string {
	home, _ := cmd.Flags().GetString(flags.FlagHome)
	return filepath.Join(home, "config", "contexts.json")
}

func readContexts(cmd *cobra.Command) (contextFile, error) {
	f := contextFile{Contexts: map[string]map[string]string{}}
	raw, err := os.ReadFile(contextPath(cmd))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return f, &deploy.Problem{Text: "the contexts can't be read", Remedy: "mend or remove " + contextPath(cmd), Err: err}
	}
	if f.Contexts == nil {
		f.Contexts = map[string]map[string]string{}
	}
	return f, nil
}

// write replaces the file at once: a reader finds the old one or the new one.
func (f contextFile) write(cmd *cobra.Command) error {
	path := contextPath(cmd)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), "contexts-*") // 0600
	if err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	_, err = next.Write(append(raw, '\n'))
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write contexts: %w", err), os.Remove(next.Name()))
	}
	return nil
}

// get returns a context by name.
func (f contextFile) get(name string) (map[string]string, error) {
	if c, ok := f.Contexts[name]; ok {
		return c, nil
	}
	remedy := "athd context set " + name + " --node … makes it"
	if len(f.Contexts) > 0 {
		remedy = "there are " + strings.Join(slices.Sorted(maps.Keys(f.Contexts)), ", ") + "; " + remedy
	}
	return nil, &deploy.Problem{Text: fmt.Sprintf("there is no context %q", name), Remedy: remedy}
}

// current is the context that a command line stands in: --context or ATHD_CONTEXT, else the one that was chosen; "" for none.
func (f contextFile) current(cmd *cobra.Command) string {
	if name, _ := cmd.Flags().GetString(flagContext); name != "" {
		return name
	}
	return f.Current
}

// setFlagsFromContext sets what command line and environment leave out. Commands that run or prepare a node are not meant: there
// a chain-id is a new chain's.
func setFlagsFromContext(cmd *cobra.Command) error {
	if isNodeCommand(cmd) || !usesContext(cmd) {
		return nil
	}
	f, err := readContexts(cmd)
	if err != nil {
		return err
	}
	name := f.current(cmd)
	if name == "" {
		return nil
	}
	values, err := f.get(name)
	if err != nil {
		return err
	}
	for _, key := range contextKeys {
		flag := cmd.Flags().Lookup(key)
		value, ok := values[key]
		// Some queries have a number of the name --from.
		if !ok || flag == nil || flag.Changed || flag.Value.Type() != "string" {
			continue
		}
		if err := cmd.Flags().Set(key, value); err != nil {
			return fmt.Errorf("context %s: --%s: %w", name, key, err)
		}
	}
	return nil
}

// usesContext says whether a command talks to a node or uses keys.
func usesContext(cmd *cobra.Command) bool {
	top := cmd
	for top.HasParent() && top.Parent().HasParent() {
		top = top.Parent()
	}
	switch top.Name() {
	case "context", "config", "testnet":
		return false
	}
	return cmd.Flags().Lookup(flags.FlagNode) != nil || cmd.Flags().Lookup(flags.FlagKeyringBackend) != nil
}

func contextCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "context",
		Short: "Names for a network, a key and what else would have to be said each time",
		Long: "A context holds --" + strings.Join(contextKeys, ", --") + ".\n" +
			"A flag counts more than its environment variable, that more than the context, the context more than client.toml.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(contextListCommand(), contextSetCommand(), contextUseCommand(), contextShowCommand(), contextDeleteCommand())
	return cmd
}

// contextLine is one line of `context list`.
type contextLine struct {
	Name    string            `json:"name"`
	Current bool              `json:"current"`
	Values  map[string]string `json:"values"`
}

func contextListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the contexts", Example: "  athd context list\n  athd context list --output json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := wantsJSON(cmd)
			if err != nil {
				return err
			}
			f, err := readContexts(cmd)
			if err != nil {
				return err
			}
			lines := []contextLine{}
			for _, name := range slices.Sorted(maps.Keys(f.Contexts)) {
				lines = append(lines, contextLine{Name: name, Current: name == f.current(cmd), Values: f.Contexts[name]})
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), lines)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "CURRENT\tNAME\tCHAIN-ID\tNODE\tFROM")
			for _, l := range lines {
				mark := ""
				if l.Current {
					mark = "*"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", mark, l.Name, l.Values[flags.FlagChainID], l.Values[flags.FlagNode], l.Values[flags.FlagFrom])
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringP(flags.FlagOutput, "o", "text", "form of the answer (text|json)")
	return cmd
}

func contextSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Make a context, or change what is named of it; an empty value takes an entry out",
		Example: "  athd context set main --node tcp://rpc.example.org:26657 --chain-id ath-1 --from alice\n" +
			"  athd context set main --indexer \"\"",
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeContext, Annotations: map[string]string{ownFlagsOnly: ""},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !contextName.MatchString(args[0]) {
				return fmt.Errorf("context %q: want up to 63 letters, digits, dots, dashes and underscores", args[0])
			}
			f, err := readContexts(cmd)
			if err != nil {
				return err
			}
			values, known := f.Contexts[args[0]]
			if values == nil {
				values = map[string]string{}
			}
			said := false
			for _, key := range contextKeys {
				if !cmd.Flags().Changed(key) {
					continue
				}
				said = true
				if value, _ := cmd.Flags().GetString(key); value != "" {
					values[key] = value
				} else {
					delete(values, key)
				}
			}
			if !said && known {
				return fmt.Errorf("context %s: nothing to change; give --%s", args[0], strings.Join(contextKeys, ", --"))
			}
			f.Contexts[args[0]] = values
			if f.Current == "" { // the first one is meant
				f.Current = args[0]
			}
			return f.write(cmd)
		},
	}
	for _, key := range contextKeys {
		cmd.Flags().String(key, "", "what commands in this context get as --"+key)
	}
	return cmd
}

func contextUseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Choose the context of the commands that follow", Example: "  athd context use main",
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeContexts(cmd, args[0], func(f *contextFile) { f.Current = args[0] })
		},
	}
}

// changeContexts changes the file in which a context stands.
func changeContexts(cmd *cobra.Command, name string, change func(*contextFile)) error {
	f, err := readContexts(cmd)
	if err != nil {
		return err
	}
	if _, err := f.get(name); err != nil {
		return err
	}
	change(&f)
	return f.write(cmd)
}

func contextShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show [NAME]", Short: "Show a context, without NAME the one in use", Example: "  athd context show\n  athd context show main --output json",
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := wantsJSON(cmd)
			if err != nil {
				return err
			}
			f, err := readContexts(cmd)
			if err != nil {
				return err
			}
			name := f.current(cmd)
			if len(args) > 0 {
				name = args[0]
			}
			if name == "" {
				return errors.New("no context is in use; athd context use NAME chooses one")
			}
			values, err := f.get(name)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), contextLine{Name: name, Current: name == f.current(cmd), Values: values})
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "context\t%s\n", name)
			for _, key := range slices.Sorted(maps.Keys(values)) {
				fmt.Fprintf(w, "%s\t%s\n", key, values[key])
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringP(flags.FlagOutput, "o", "text", "form of the answer (text|json)")
	return cmd
}

func contextDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a context; keys stay", Example: "  athd context delete main",
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeContexts(cmd, args[0], func(f *contextFile) {
				delete(f.Contexts, args[0])
				if f.Current == args[0] {
					f.Current = ""
				}
			})
		},
	}
}
