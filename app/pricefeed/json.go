// SPDX-License-Identifier: Apache-2.0

package pricefeed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pick follows a path such as data.prices.0.usd through a JSON document to a number, or a string that holds one.
func pick(document []byte, path string) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // as it is written: no float may round it
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("read answer as JSON: %w", err)
	}
	if path != "" {
		for _, step := range strings.Split(path, ".") {
			next, err := descend(value, step)
			if err != nil {
				return "", fmt.Errorf("json-path %q at %q: %w", path, step, err)
			}
			value = next
		}
	}
	switch value := value.(type) {
	case json.Number:
		return value.String(), nil
	case string:
		return value, nil
	default:
		return "", fmt.Errorf("json-path %q leads to a %T; want a number", path, value)
	}
}

func descend(value any, step string) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		next, ok := value[step]
		if !ok {
			return nil, errors.New("there is no such field")
		}
		return next, nil
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(value) {
			return nil, fmt.Errorf("want an index from 0 to %d", len(value)-1)
		}
		return value[i], nil
	default:
		return nil, errors.New("there is nothing below a plain value")
	}
}
