// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFrames(t *testing.T) {
	var wire bytes.Buffer
	require.NoError(t, WriteJSON(&wire, FrameStart, Start{Command: []string{"ls"}, TTY: true}))
	require.NoError(t, WriteFrame(&wire, FrameInput, []byte("x")))
	require.NoError(t, WriteFrame(&wire, FrameInputEnd, nil))
	require.NoError(t, WriteFrame(&wire, FrameResize, EncodeSize(24, 300)))
	require.ErrorIs(t, WriteFrame(&wire, FrameInput, make([]byte, MaxFrame+1)), ErrFrame)
	buf := make([]byte, MaxFrame)
	kind, payload, err := ReadFrame(&wire, buf)
	require.NoError(t, err)
	require.Equal(t, FrameStart, kind)
	s, err := DecodeStart(payload)
	require.NoError(t, err)
	require.Equal(t, Start{Command: []string{"ls"}, TTY: true}, s)
	kind, payload, err = ReadFrame(&wire, buf)
	require.NoError(t, err)
	require.Equal(t, FrameInput, kind)
	require.Equal(t, "x", string(payload))
	kind, _, err = ReadFrame(&wire, buf)
	require.NoError(t, err)
	require.Equal(t, FrameInputEnd, kind)
	kind, payload, err = ReadFrame(&wire, buf)
	require.NoError(t, err)
	require.Equal(t, FrameResize, kind)
	rows, columns, err := DecodeSize(payload)
	require.NoError(t, err)
	require.Equal(t, [2]uint16{24, 300}, [2]uint16{rows, columns})
	_, _, err = ReadFrame(&wire, buf)
	require.ErrorIs(t, err, io.EOF)
}

func TestFramesRefused(t *testing.T) {
	buf := make([]byte, MaxFrame)
	for name, wire := range map[string]string{
		"unknown kind":       "\x00\x00\x00\x00\x00",
		"kind of the future": "\x63\x00\x00\x00\x00",
		"too long":           "\x02\x00\x01\x00\x01" + strings.Repeat("x", MaxFrame+1),
		"end with a payload": "\x03\x00\x00\x00\x01x",
	} {
		_, _, err := ReadFrame(strings.NewReader(wire), buf)
		require.ErrorIs(t, err, ErrFrame, name)
	}
	_, _, err := ReadFrame(strings.NewReader("\x02\x00\x00\x00\x02x"), buf)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	for name, start := range map[string]Start{
		"no command":     {},
		"empty command":  {Command: []string{""}},
		"too many words": {Command: make([]string, MaxCommand+1)},
		"long terminal":  {Command: []string{"a"}, Term: strings.Repeat("x", MaxTerm+1)},
		"odd terminal":   {Command: []string{"a"}, Term: "x\nLD_PRELOAD=y"},
	} {
		if name == "too many words" {
			start.Command[0] = "a"
		}
		b, err := json.Marshal(start)
		require.NoError(t, err)
		_, err = DecodeStart(b)
		require.ErrorIs(t, err, ErrFrame, name)
	}
	_, _, err = DecodeSize([]byte{1})
	require.ErrorIs(t, err, ErrFrame)
}

// FuzzFrames: whatever bytes come, nothing panics, no frame is longer than the bound, and what was read is what was written.
func FuzzFrames(f *testing.F) {
	var seed bytes.Buffer
	require.NoError(f, WriteJSON(&seed, FrameStart, Start{Command: []string{"sh"}, TTY: true, Rows: 24, Columns: 80, Term: "xterm"}))
	require.NoError(f, WriteFrame(&seed, FrameResize, EncodeSize(1, 2)))
	require.NoError(f, WriteFrame(&seed, FrameInput, []byte("ls\n")))
	f.Add(seed.Bytes())
	f.Add(binary.BigEndian.AppendUint32([]byte{FrameInput}, MaxFrame+1))
	f.Fuzz(func(t *testing.T, wire []byte) {
		in, out, buf := bytes.NewReader(wire), new(bytes.Buffer), make([]byte, MaxFrame)
		for {
			kind, payload, err := ReadFrame(in, buf)
			if err != nil {
				require.True(t, errors.Is(err, ErrFrame) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
				break
			}
			require.NoError(t, WriteFrame(out, kind, payload))
			switch kind {
			case FrameStart:
				if s, err := DecodeStart(payload); err == nil {
					require.NotEmpty(t, s.Command[0])
				}
			case FrameResize:
				if rows, columns, err := DecodeSize(payload); err == nil {
					require.Equal(t, payload, EncodeSize(rows, columns))
				}
			}
		}
		require.True(t, bytes.HasPrefix(wire, out.Bytes()))
	})
}
