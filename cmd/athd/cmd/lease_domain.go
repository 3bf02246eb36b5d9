// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/hostname"
)

// domainRecord is what a host name's owner publishes in DNS.
type domainRecord struct {
	Host   string `json:"host"`
	Type   string `json:"type"`
	Record string `json:"record"`
	Value  string `json:"value"`
}

func leaseDomainCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use:   "domain HOST…",
		Short: "Say what to publish in DNS so that your leases are served under your own host names",
		Long: "A worker with an ingress serves a lease under the host names of its file (accept:) once their owner has published a TXT record for each.\n" +
			"The record is bound to your address, this chain and the name; it stays the same for all your leases and workers, and can be published\n" +
			"before there is one. Leave it there: it is looked for every ten minutes. *.example.org stands for any one part.",
		Example: "  athd lease domain www.example.org\n  athd lease domain '*.example.org' --output json",
		Args:    cobra.MinimumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		records, err := domainRecords(t.node.ChainID(), t.signer.address, args)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), records)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "HOST\tRECORD\tTYPE\tVALUE")
		for _, r := range records {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Host, r.Record, r.Type, r.Value)
		}
		return w.Flush()
	})
}

func domainRecords(chainID, tenant string, hosts []string) ([]domainRecord, error) {
	out := make([]domainRecord, 0, len(hosts))
	for _, h := range hosts {
		host, err := hostname.Wanted(h)
		if err != nil {
			return nil, fmt.Errorf("%w; want one such as www.example.org or *.example.org", err)
		}
		record, value := api.Challenge(chainID, tenant, host)
		out = append(out, domainRecord{Host: host, Type: "TXT", Record: record, Value: value})
	}
	return out, nil
}

func leaseCertificateCommand() *cobra.Command {
	var chain, key string
	var remove bool
	cmd := withTenant(&cobra.Command{
		Use:   "certificate LEASE HOST",
		Short: "Hand in a TLS certificate for one of a lease's host names",
		Long: "The worker serves the certificate and key for HOST as long as the lease is open there; it forgets both with the lease. Hand in the next one\n" +
			"before it expires. The provider could read the key, as it can read the workload.",
		Example: "  athd lease certificate 1 www.example.org --cert fullchain.pem --key privkey.pem\n  athd lease certificate 1 www.example.org --remove",
		Args:    cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		cert, err := readCertificate(chain, key, remove)
		if err != nil {
			return err
		}
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		container, err := t.containerOf(cmd.Context(), id)
		if err != nil {
			return err
		}
		client, err := t.Worker(container, access.ScopeNames, access.ScopeStatus)
		if err != nil {
			return err
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
		defer cancel()
		if err := client.PutCertificate(ctx, id.String(), args[1], cert); err != nil {
			return err
		}
		status, err := client.Status(ctx, id.String())
		if err != nil {
			return err
		}
		for _, s := range status.Services {
			for _, n := range s.Names {
				if n.Host != args[1] {
					continue
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), n)
				}
				fmt.Fprintln(cmd.OutOrStdout(), describeName(n))
				return nil
			}
		}
		return fmt.Errorf("%s took the certificate and does not name %s any more; look at athd lease status", container.Endpoint, args[1])
	})
	cmd.Flags().StringVar(&chain, "cert", "", "file with the certificate and those between it and its authority, in PEM")
	cmd.Flags().StringVar(&key, "key", "", "file with its key, in PEM")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the certificate back")
	return cmd
}

// readCertificate reads both files; nil is to take the certificate back.
func readCertificate(chain, key string, remove bool) (*api.Certificate, error) {
	if remove != (chain == "" && key == "") || !remove && (chain == "" || key == "") {
		return nil, errors.New("want --cert and --key, or --remove")
	}
	if remove {
		return nil, nil
	}
	var cert api.Certificate
	for path, to := range map[string]*string{chain: &cert.Chain, key: &cert.Key} {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
		*to = string(b)
	}
	return &cert, nil
}

// printNames says under which names a service is reached, and what the others wait for.
func printNames(w io.Writer, s api.Service) {
	for _, n := range s.Names {
		fmt.Fprintf(w, "name %s\t%s\n", s.Name, describeName(n))
	}
}

func describeName(n api.Name) string {
	text := n.Host + ": " + n.State
	if n.State == api.NameReady {
		text = n.Host
		if n.URL != "" {
			text = n.URL
		}
		switch n.Certificate {
		case api.CertTenant:
			text += ", your certificate until " + n.Until.Format(time.RFC3339)
		case api.CertWorker:
			text += ", known by the worker key (ingress.ca of --output json)"
		}
	}
	if n.Detail != "" {
		text += "; " + n.Detail
	}
	return text
}
