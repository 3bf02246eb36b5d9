// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/pack"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// maxPath is PATH_MAX of Linux, maxElement NAME_MAX.
const maxPath, maxElement = 4096, 255

// pathOf reads the path of a request.
func pathOf(req *http.Request) (string, error) {
	p := req.URL.Query().Get("path")
	if !path.IsAbs(p) || len(p) > maxPath || strings.ContainsRune(p, 0) {
		return "", refuse(http.StatusBadRequest, fmt.Sprintf("path: want an absolute one of at most %d bytes", maxPath), "such as /data/results")
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean, nil
}

// diskOf is what a service's storage takes, in bytes.
func (w *Worker) diskOf(key runtime.Key) int64 {
	intent, _ := w.book.intent(key.Lease)
	m, _ := w.book.manifest(intent.ManifestHash)
	for _, s := range m.Services {
		if s.Name == key.Service {
			return int64(s.Resources.DiskMiB) << 20
		}
	}
	return 0
}

// servePutFiles unpacks a tenant's archive in its workload.
func (w *Worker) servePutFiles(rw http.ResponseWriter, req *http.Request) error {
	to, err := pathOf(req)
	if err != nil {
		return err
	}
	asked := req.URL.Query().Get("name")
	name := asked
	if name == "" || len(name) > maxElement || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return refuse(http.StatusBadRequest, "name: want the name of a file", "send the last element of what is copied")
	}
	e, err := w.enter(req, access.ScopeFiles)
	if err != nil {
		return err
	}
	defer e.end()
	dir := ""
	err = w.whenUp(e.ctx, e.key, func() (err error) {
		dir, name, err = w.target(e.ctx, e.key, to, asked)
		return err
	})
	if err != nil {
		return wordsFor(cause(e.ctx, err))
	}
	body, done := w.watched(e.ctx, rw, req.Body)
	defer done()
	sum, err := w.unpack(e.ctx, e.key, dir, name, body)
	err = w.whyEnded(e.key, err)
	switch {
	case err == nil:
		return answer(rw, api.Copied{Path: path.Join(dir, name), Files: sum.Files, Bytes: sum.Bytes})
	case e.ctx.Err() != nil:
		return wordsFor(cause(e.ctx, err))
	case errors.Is(err, pack.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, err.Error(), "copy less, or deploy with more storage")
	case errors.Is(err, pack.ErrUnsafe), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(http.StatusUnprocessableEntity, err.Error(), "send files, directories and symbolic links below one name")
	default:
		words := wordsFor(err)
		if words.Code == http.StatusInternalServerError {
			w.log.Warn("a tenant's files were not taken", "lease_id", e.key.Lease, "err", err)
		}
		return words
	}
}

// target says where a copy goes, as cp does: into a directory that is there, else by its new name into one that is there.
func (w *Worker) target(ctx context.Context, key runtime.Key, to, name string) (dir, as string, err error) {
	isDir, err := w.runtime.IsDir(ctx, key, path.Clean(to))
	if err == nil && isDir {
		return path.Clean(to), name, nil
	}
	if err != nil && !errors.Is(err, runtime.ErrNoPath) {
		return "", "", err
	}
	if strings.HasSuffix(to, "/") {
		return "", "", fmt.Errorf("%w: %s is no directory", runtime.ErrNoPath, to)
	}
	dir, as = path.Split(to)
	dir = path.Clean(dir)
	if isDir, err = w.runtime.IsDir(ctx, key, dir); err == nil && !isDir {
		err = fmt.Errorf("%w: %s is no directory", runtime.ErrNoPath, dir)
	}
	return dir, as, err
}

// unpack takes an archive's teeth out on its way into a workload.
func (w *Worker) unpack(ctx context.Context, key runtime.Key, dir, name string, body io.Reader) (pack.Sum, error) {
	clean, feed := io.Pipe()
	type filtered struct {
		sum pack.Sum
		err error
	}
	done := make(chan filtered, 1)
	go func() {
		sum, err := pack.Filter(feed, body, name, w.diskOf(key))
		feed.CloseWithError(err)
		done <- filtered{sum, err}
	}()
	err := w.runtime.CopyIn(ctx, key, dir, clean)
	_ = clean.CloseWithError(io.ErrClosedPipe) // always nil
	f := <-done
	if f.err != nil && !errors.Is(f.err, io.ErrClosedPipe) {
		return f.sum, f.err
	}
	return f.sum, errors.Join(err, f.err)
}

// serveGetFiles packs a tenant's files.
func (w *Worker) serveGetFiles(rw http.ResponseWriter, req *http.Request) error {
	from, err := pathOf(req)
	if err != nil {
		return err
	}
	e, err := w.enter(req, access.ScopeFiles)
	if err != nil {
		return err
	}
	defer e.end()
	var files io.ReadCloser
	err = w.whenUp(e.ctx, e.key, func() (err error) {
		files, err = w.runtime.CopyOut(e.ctx, e.key, path.Clean(from))
		return err
	})
	if err != nil {
		return wordsFor(cause(e.ctx, err))
	}
	defer files.Close()
	stop := context.AfterFunc(e.ctx, func() { _ = files.Close() })
	defer stop()
	rw.Header().Set("Content-Type", "application/x-tar")
	rw.WriteHeader(http.StatusOK)
	if err := sendAll(rw, files, w.sessions.idle); err != nil {
		w.log.Debug("a tenant's files did not all go out", "lease_id", e.key.Lease, "err", err)
		panic(http.ErrAbortHandler) // the client must not take what it has for all
	}
	return nil
}

// sendAll hands a stream on to a reader who may be slow, but not stand still.
func sendAll(rw http.ResponseWriter, from io.Reader, idle time.Duration) error {
	ctl := http.NewResponseController(rw)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := ctl.SetWriteDeadline(time.Now().Add(idle)); err != nil {
				return err
			}
			if _, err := rw.Write(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// watched is a request's body that ends with the session, and when nothing comes for too long.
func (w *Worker) watched(ctx context.Context, rw http.ResponseWriter, body io.Reader) (io.Reader, func()) {
	e := &ender{ctl: http.NewResponseController(rw)}
	timer := time.AfterFunc(w.sessions.idle, e.expire)
	stop := context.AfterFunc(ctx, e.expire)
	return lively{body, func() { timer.Reset(w.sessions.idle) }}, func() {
		stop()
		timer.Stop()
		e.close()
	}
}

type lively struct {
	io.Reader
	alive func()
}

func (l lively) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if n > 0 {
		l.alive()
	}
	return n, err
}
