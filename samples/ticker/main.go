// SPDX-License-Identifier: Apache-2.0

// Command ticker is a sample workload for whoever wants to see that a lease's work goes on: it writes a numbered line every so often, until
// it is told to end.
//
//	tick RUN NUMBER TIME    RUN is another one after every start, NUMBER goes up from 1, TIME is RFC 3339 with nanoseconds
//
//	EVERY_MS   milliseconds between two lines; 250 where unset
//	PORT       TCP port that answers every connection with RUN; none where unset
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	every := 250 * time.Millisecond
	if s := os.Getenv("EVERY_MS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "EVERY_MS: want a whole number from 1, have %q\n", s)
			os.Exit(64)
		}
		every = time.Duration(n) * time.Millisecond
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	var run [4]byte
	_, _ = rand.Read(run[:]) // never fails
	name := hex.EncodeToString(run[:])
	if port := os.Getenv("PORT"); port != "" {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go answer(l, name)
	}
	ticks := time.NewTicker(every)
	for n := 1; ; n++ {
		fmt.Printf("tick %s %d %s\n", name, n, time.Now().UTC().Format(time.RFC3339Nano))
		select {
		case <-ticks.C:
		case <-end:
			return
		}
	}
}

// answer gives everybody who connects the text.
func answer(l net.Listener, text string) {
	for {
		c, err := l.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer c.Close()
			fmt.Fprintln(c, text)
		}()
	}
}
