// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

const (
	// MaxOperators bounds a provider's record.
	MaxOperators = 16
	// MaxIDs bounds the work of one message about many Containers.
	MaxIDs = 500
	// MaxContact and MaxDomain bound a provider's record.
	MaxContact = 256
	MaxDomain  = 253
)

// The Validate methods check all that needs neither state nor an address codec. Addresses are parsed by the message server.

// Validate checks a registration's form.
func (m *MsgRegisterProvider) Validate() error {
	if m.Tier != Tier_TIER_EDGE && m.Tier != Tier_TIER_ENTERPRISE {
		return ErrInvalidField.Wrapf("tier: want edge or enterprise, have %d", m.Tier)
	}
	return validateProfile(m.Operators, m.Country, m.Contact, m.Domain)
}

// Validate checks an update's form.
func (m *MsgUpdateProvider) Validate() error {
	return validateProfile(m.Operators, m.Country, m.Contact, m.Domain)
}

func validateProfile(operators []string, country, contact, domain string) error {
	if len(operators) > MaxOperators {
		return ErrInvalidField.Wrapf("operators: want at most %d, have %d", MaxOperators, len(operators))
	}
	if country != "" && !isCountry(country) {
		return ErrInvalidField.Wrapf("country: want two upper-case letters, such as DE, have %.8q", country)
	}
	if !isText(contact, MaxContact) {
		return ErrInvalidField.Wrapf("contact: want at most %d bytes of UTF-8 without control characters", MaxContact)
	}
	if domain != "" && !isHostname(domain) {
		return ErrInvalidField.Wrapf("domain: want a DNS name of at most %d bytes, have %.260q", MaxDomain, domain)
	}
	return nil
}

// Validate checks a registration's form; maxBatch is the parameter.
func (m *MsgRegisterContainers) Validate(maxBatch uint32) error {
	if len(m.Containers) == 0 || uint64(len(m.Containers)) > uint64(maxBatch) {
		return ErrInvalidField.Wrapf("containers: want 1 to %d, have %d", maxBatch, len(m.Containers))
	}
	if m.MaxStake.IsNil() || !m.MaxStake.IsPositive() {
		return ErrInvalidField.Wrapf("max_stake: want a positive amount of uath; query the stake first")
	}
	for i, c := range m.Containers {
		if err := c.Validate(); err != nil {
			return At(i, err)
		}
	}
	return nil
}

// At says at which index of a message's containers an error is.
func At(i int, err error) error { return errors.Wrapf(err, "containers[%d]", i) }

// Validate checks an update's form.
func (m *MsgUpdateContainer) Validate() error {
	if err := validateFingerprint(m.Fingerprint); err != nil {
		return err
	}
	if err := validateReach(m.Endpoint, m.Connectivity, m.Region); err != nil {
		return err
	}
	if err := validateWindows(m.Windows); err != nil {
		return err
	}
	return m.Spec.Validate()
}

// Validate checks the message's form.
func (m *MsgSetMaintenance) Validate() error {
	if !isText(m.Reason, MaxText) {
		return ErrInvalidField.Wrapf("reason: want at most %d bytes of UTF-8 without control characters", MaxText)
	}
	return validateIDs(m.Ids)
}

// Validate checks the message's form.
func (m *MsgRetireContainers) Validate() error { return validateIDs(m.Ids) }

// Validate checks the message's form.
func (m *MsgHeartbeat) Validate() error {
	if err := validateIDs(m.Ids); err != nil {
		return err
	}
	return validateFaults(m.Faults, m.Ids)
}

// Validate checks the message's form.
func (m *MsgTopUpStake) Validate() error {
	if m.MaxStake.IsNil() || !m.MaxStake.IsPositive() {
		return ErrInvalidField.Wrap("max_stake: want a positive amount of uath")
	}
	return validateIDs(m.Ids)
}

// Validate checks the message's form.
func (m *MsgOpenTicket) Validate() error { return m.Damage().Validate() }

// Damage is what the ticket claims.
func (m *MsgOpenTicket) Damage() Damage {
	return Damage{Provider: m.Provider, Container: m.Container, Reason: m.Reason, Evidence: m.Evidence, Amount: m.Amount}
}

// Validate checks the message's form.
func (m *MsgSettleTickets) Validate() error {
	if len(m.Ids) > MaxSettledTickets {
		return ErrInvalidField.Wrapf("ids: want 1 to %d, have %d", MaxSettledTickets, len(m.Ids))
	}
	return validateIDs(m.Ids)
}

// validateIDs refuses lists that are empty, too long or name a Container twice.
func validateIDs(ids []uint64) error {
	if len(ids) == 0 || len(ids) > MaxIDs {
		return ErrInvalidField.Wrapf("ids: want 1 to %d, have %d", MaxIDs, len(ids))
	}
	seen := make(map[uint64]struct{}, len(ids))
	for i, id := range ids {
		if _, ok := seen[id]; ok {
			return ErrInvalidField.Wrapf("ids[%d]: %d is named twice", i, id)
		}
		seen[id] = struct{}{}
	}
	return nil
}

// Validate checks classes and that none is named twice.
func (m *MsgSetClasses) Validate() error {
	if len(m.Classes) == 0 || len(m.Classes) > MaxClassesPerMsg {
		return ErrInvalidField.Wrapf("classes: want 1 to %d, have %d", MaxClassesPerMsg, len(m.Classes))
	}
	return validateClasses(m.Classes)
}

func validateClasses(classes []Class) error {
	seen := make(map[string]struct{}, len(classes))
	for i, c := range classes {
		if err := c.Validate(); err != nil {
			return err
		}
		if _, ok := seen[c.Name]; ok {
			return ErrInvalidParams.Wrapf("classes[%d]: %s is named twice", i, c.Name)
		}
		seen[c.Name] = struct{}{}
	}
	return nil
}
