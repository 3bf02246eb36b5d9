// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrInvalid says that a file is not a valid SDL file; the error's text names every place.
	ErrInvalid = errors.New("invalid manifest")
	// ErrNotOffered says that a file is valid and asks for something that is not offered; every such feature is named.
	ErrNotOffered = errors.New("feature not offered")
)

// Problem is one thing to say about one place of a file.
type Problem struct {
	// File, Line and Column, from 1.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Path of the value, such as services.web.expose[0].port.
	Path string `json:"path"`
	// Feature that is not offered, such as "persistent-storage"; empty for errors and warnings.
	Feature string `json:"feature,omitempty"`
	// Text says what is wrong and what was expected.
	Text string `json:"text"`
}

// String is "file:line:column: path: text (feature)".
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Text
	if p.Feature != "" {
		s += " (" + p.Feature + ")"
	}
	return s
}

// Error is the list of problems for which a file was refused.
type Error struct {
	// Kind is ErrInvalid or ErrNotOffered.
	Kind error
	// Problems in order of the file; at least one.
	Problems []Problem
}

// Error has one problem per line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return e.Kind.Error() + ":\n  " + strings.Join(lines, "\n  ")
}

// Unwrap makes errors.Is(err, ErrInvalid) and errors.Is(err, ErrNotOffered) work.
func (e *Error) Unwrap() error { return e.Kind }
