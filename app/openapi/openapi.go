// SPDX-License-Identifier: Apache-2.0

// Package openapi holds the description of the REST API that a node serves. scripts/openapi.sh writes it from the proto files.
package openapi

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var document []byte

// Handler serves the description as an OpenAPI 2.0 document.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(document); err != nil {
			return // the client has gone
		}
	})
}
