// SPDX-License-Identifier: Apache-2.0

package pricefeed

import (
	"fmt"
	"math/big"
	"strings"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// nanos is how many 10^-9 USD a dollar has.
var nanos = big.NewRat(1_000_000_000, 1)

// maxDecimal bounds the length of a price in characters; 10^-9 to 10^6 USD need 16.
const maxDecimal = 64

// ParsePrice reads a price in USD per ATH, such as 0.0312 or 3.12e-2, and returns it in 10^-9 USD, rounded down.
func ParsePrice(text string) (uint64, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxDecimal || strings.ContainsAny(text, "/_xXpP") || exponent(text) > maxDecimal {
		return 0, fmt.Errorf("price %.80q: want USD per ATH as a decimal number, such as 0.0312", text)
	}
	price, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("price %q: want USD per ATH as a decimal number, such as 0.0312", text)
	}
	price.Mul(price, nanos)
	whole := new(big.Int).Quo(price.Num(), price.Denom())
	if whole.Sign() <= 0 || whole.Cmp(big.NewInt(athtypes.MaxPrice)) > 0 {
		return 0, fmt.Errorf("price %q: want 0.000000001 to 1000000 USD per ATH", text)
	}
	return whole.Uint64(), nil
}

// exponent is the size of a number's exponent: 1e999999999 is short and would fill the memory.
func exponent(text string) int {
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return 0
	}
	size := 0
	for _, c := range text[at+1:] {
		switch {
		case c == '+' || c == '-':
		case c >= '0' && c <= '9':
			size = min(size*10+int(c-'0'), maxDecimal+1)
		default:
			return maxDecimal + 1
		}
	}
	return size
}
