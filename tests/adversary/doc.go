// SPDX-License-Identifier: Apache-2.0

// Package adversary plays parties that want more than their share against the keepers of a whole application.
package adversary
