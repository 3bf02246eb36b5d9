// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"errors"
	"net"
	"time"
)

// lookupTime is what an answer of DNS may take, all tries included.
const lookupTime = 10 * time.Second

// Resolver asks DNS. The texts of a name; none and no error where DNS says for certain that there are none; an error where it says nothing.
type Resolver func(ctx context.Context, name string) ([]string, error)

// NewResolver asks the resolver at address (host:port), or the machine's own where that is empty.
func NewResolver(address string) Resolver { return newResolver(address, lookupTime) }

func newResolver(address string, limit time.Duration) Resolver {
	r := &net.Resolver{PreferGo: true}
	if address != "" {
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	return func(ctx context.Context, name string) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		texts, err := r.LookupTXT(ctx, name+".") // whole: the machine's search list is not for names of strangers
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound && !dns.IsTemporary && !dns.IsTimeout {
			return nil, nil
		}
		return texts, err
	}
}
