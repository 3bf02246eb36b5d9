// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Frames are what both directions of a session consist of: kind (1 byte), length (4 bytes, big endian), payload.
//
//	exec      client: Start, then Input…, InputEnd, Resize…      worker: Output…, Errors…, Exit
//	forward   client: Input…, InputEnd                           worker: Output…, OutputEnd, Exit
//
// A stream that ends without Exit broke: how the command ended, or whether all bytes came, is then not known.
const (
	FrameStart     byte = iota + 1 // Start as JSON; first
	FrameInput                     // bytes for the command or port
	FrameInputEnd                  // no more of them
	FrameResize                    // rows, columns: 2 bytes each, big endian
	FrameOutput                    // bytes of the command's stdout, or of the port
	FrameErrors                    // bytes of its stderr
	FrameOutputEnd                 // the port sends no more
	FrameExit                      // Exit as JSON; last
)

const (
	// MaxFrame bounds a frame's payload, so that no peer makes the other hold much.
	MaxFrame = 64 << 10
	// Chunk is how much output a frame takes.
	Chunk = 32 << 10
	// MaxCommand bounds the words of a command, MaxTerm the name of a terminal.
	MaxCommand, MaxTerm = 1024, 64
	frameHead           = 5
)

// ErrFrame means that a peer does not keep to the protocol.
var ErrFrame = errors.New("malformed frame")

// Start begins an exec session.
type Start struct {
	Command []string `json:"command"`
	TTY     bool     `json:"tty,omitempty"`
	Stdin   bool     `json:"stdin,omitempty"` // Input will come
	Rows    uint16   `json:"rows,omitempty"`
	Columns uint16   `json:"columns,omitempty"`
	Term    string   `json:"term,omitempty"` // kind of terminal, such as xterm-256color
}

// Exit is how a session ended: a command's exit code, or why there is none.
type Exit struct {
	Code  int    `json:"code"`
	Error *Error `json:"error,omitempty"`
}

// WriteFrame writes one frame in one Write.
func WriteFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("%w: %d bytes; want at most %d", ErrFrame, len(payload), MaxFrame)
	}
	b := make([]byte, frameHead, frameHead+len(payload))
	b[0] = kind
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	_, err := w.Write(append(b, payload...))
	return err
}

// WriteJSON writes a frame whose payload is JSON.
func WriteJSON(w io.Writer, kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return WriteFrame(w, kind, b)
}

// ReadFrame reads a frame; the payload lies in buf, which has MaxFrame bytes, until the next one. io.EOF is an end between frames.
func ReadFrame(r io.Reader, buf []byte) (kind byte, payload []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] < FrameStart || head[0] > FrameExit || size > MaxFrame {
		return 0, nil, fmt.Errorf("%w: kind %d of %d bytes", ErrFrame, head[0], size)
	}
	if (head[0] == FrameInputEnd || head[0] == FrameOutputEnd) && size != 0 {
		return 0, nil, fmt.Errorf("%w: an end has no payload", ErrFrame)
	}
	payload = buf[:size]
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return head[0], payload, nil
}

// DecodeStart reads the payload of the first frame.
func DecodeStart(payload []byte) (Start, error) {
	var s Start
	if err := json.Unmarshal(payload, &s); err != nil {
		return s, fmt.Errorf("%w: start: %w", ErrFrame, err)
	}
	switch {
	case len(s.Command) == 0 || s.Command[0] == "":
		return s, fmt.Errorf("%w: start: no command", ErrFrame)
	case len(s.Command) > MaxCommand:
		return s, fmt.Errorf("%w: start: %d words in a command; want at most %d", ErrFrame, len(s.Command), MaxCommand)
	case len(s.Term) > MaxTerm:
		return s, fmt.Errorf("%w: start: name of the terminal: %d bytes; want at most %d", ErrFrame, len(s.Term), MaxTerm)
	}
	for _, c := range []byte(s.Term) {
		if c <= ' ' || c > '~' || c == '=' {
			return s, fmt.Errorf("%w: start: name of the terminal", ErrFrame)
		}
	}
	return s, nil
}

// EncodeSize is the payload of FrameResize.
func EncodeSize(rows, columns uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, rows), columns)
}

// DecodeSize reads the payload of FrameResize.
func DecodeSize(payload []byte) (rows, columns uint16, err error) {
	if len(payload) != 4 {
		return 0, 0, fmt.Errorf("%w: a size has 4 bytes", ErrFrame)
	}
	return binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:]), nil
}
