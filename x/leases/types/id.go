// SPDX-License-Identifier: Apache-2.0

package types

import (
	"strconv"
	"strings"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// LeaseID names a lease: "tenant/number". Numbers are per tenant, so that no two tenants write one counter (ADR-0004).
type LeaseID struct {
	Tenant sdk.AccAddress
	Number uint64
}

// String returns "tenant/number".
func (id LeaseID) String() string {
	return idString(id.Tenant.String(), id.Number)
}

func idString(tenant string, number uint64) string {
	return tenant + "/" + strconv.FormatUint(number, 10)
}

// ParseLeaseID returns only valid ids; ErrInvalidLeaseID otherwise.
func ParseLeaseID(s string) (LeaseID, error) {
	tenant, number, ok := strings.Cut(s, "/")
	if !ok {
		return LeaseID{}, ErrInvalidLeaseID.Wrapf("%q: want tenant/number, such as ath1…/7", s)
	}
	addr, err := sdk.AccAddressFromBech32(tenant)
	if err != nil {
		return LeaseID{}, ErrInvalidLeaseID.Wrapf("%q: tenant: %v", s, err)
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || number != strconv.FormatUint(n, 10) {
		return LeaseID{}, ErrInvalidLeaseID.Wrapf("%q: number: want a whole number from 1", s)
	}
	return LeaseID{Tenant: addr, Number: n}, nil
}
