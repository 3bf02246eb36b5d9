// SPDX-License-Identifier: Apache-2.0

package types

// Validate checks what needs no state. Addresses are checked where they are parsed.
func (m *MsgBuyLicences) Validate() error {
	if m.Count == 0 || m.Count > MaxBatch {
		return ErrInvalidBatch.Wrapf("count: want 1 to %d, have %d", MaxBatch, m.Count)
	}
	return nil
}

// Validate checks what needs no state.
func (m *MsgEndLicences) Validate() error { return validateIDs(m.Ids) }

// Validate checks what needs no state.
func (m *MsgTransferLicences) Validate() error { return validateIDs(m.Ids) }

// Validate checks what needs no state.
func (m *MsgDelegateLicences) Validate() error { return validateIDs(m.Ids) }

// Validate checks what needs no state.
func (m *MsgAcceptLicences) Validate() error { return validateIDs(m.Ids) }

// Validate checks what needs no state: either part may be missing, but not both.
func (m *MsgSubmitReport) Validate() error {
	if len(m.Commit) == 0 && m.Reveal == nil {
		return ErrInvalidReport.Wrap("commit, reveal: both are missing")
	}
	if len(m.Commit) != 0 && len(m.Commit) != HashSize {
		return ErrInvalidReport.Wrapf("commit: want %d bytes, have %d", HashSize, len(m.Commit))
	}
	if m.Reveal == nil {
		if len(m.Salt) != 0 {
			return ErrInvalidReport.Wrap("salt: given without a reveal")
		}
		return nil
	}
	if len(m.Salt) != HashSize {
		return ErrInvalidReport.Wrapf("salt: want %d bytes, have %d", HashSize, len(m.Salt))
	}
	return m.Reveal.Validate()
}

func validateIDs(ids []uint64) error {
	if len(ids) == 0 || len(ids) > MaxBatch {
		return ErrInvalidBatch.Wrapf("ids: want 1 to %d, have %d", MaxBatch, len(ids))
	}
	seen := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return ErrInvalidBatch.Wrapf("ids: %d is there twice", id)
		}
		seen[id] = true
	}
	return nil
}
