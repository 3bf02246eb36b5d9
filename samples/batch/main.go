// SPDX-License-Identifier: Apache-2.0

// Command batch is a sample workload that ends: it hashes for a while, takes memory if told to, and exits with a code.
//
//	SECONDS    how long it works; 3 where unset
//	FILL_MIB   memory that it takes and touches before it works; 0 where unset
//	EXIT_CODE  what it ends with; 0 where unset
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"log"
	"os"
	"strconv"
	"time"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	work := time.Duration(number("SECONDS", 3)) * time.Second
	fill, code := number("FILL_MIB", 0), number("EXIT_CODE", 0)
	held := make([][]byte, 0, fill)
	for i := range fill {
		block := make([]byte, 1<<20)
		for j := 0; j < len(block); j += 4096 {
			block[j] = 1 // the kernel counts a page once it is touched
		}
		held = append(held, block)
		if (i+1)%16 == 0 {
			log.Printf("holds %d MiB", i+1)
		}
	}
	sum := sha256.Sum256([]byte("ath sample batch"))
	rounds := 0
	for end := time.Now().Add(work); time.Now().Before(end); rounds += 1000 {
		for range 1000 {
			sum = sha256.Sum256(sum[:])
		}
	}
	log.Printf("done: %d hashes, last %s, %d MiB held, exit code %d", rounds, hex.EncodeToString(sum[:8]), len(held), code)
	os.Exit(code)
}

// number reads an environment variable; what is not a whole number ends the job with 64.
func number(name string, otherwise int) int {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		log.Printf("%s: want a whole number, have %q", name, s)
		os.Exit(64)
	}
	return n
}
