// SPDX-License-Identifier: Apache-2.0

// liar
package main

func main() {}
