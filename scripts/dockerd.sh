#!/usr/bin/env bash
# A private Docker engine for tests and for `make run` where no engine runs: dockerd.sh start|stop DIR
# start prints DOCKER_HOST=unix://…; an engine that already answers there is used. stop ends it and removes DIR's engine data.
set -euo pipefail

usage() { echo "usage: $0 start|stop DIR" >&2; exit 2; }
[ $# -eq 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
sock=$dir/docker.sock
pidfile=$dir/dockerd.pid
# Kernel limit of a unix socket's path.
if [ ${#sock} -gt 107 ]; then
  echo "dockerd.sh: socket path $sock is longer than 107 bytes; choose a shorter directory" >&2
  exit 1
fi

answers() { curl -fsS --max-time 2 --unix-socket "$sock" http://docker/_ping >/dev/null 2>&1; }
alive() { [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }

case $1 in
start)
  if ! answers; then
    command -v dockerd >/dev/null || {
      echo "dockerd.sh: no dockerd; install it with: apt-get install --no-install-recommends docker.io" >&2
      exit 1
    }
    if [ "$(id -u)" != 0 ]; then
      echo "dockerd.sh: dockerd needs root; run as root, or set DOCKER_HOST to an engine that runs" >&2
      exit 1
    fi
    alive || rm -f "$pidfile" "$sock"
    # live-restore: workloads outlive the engine, as on a provider's machine. No default bridge: engines would share it.
    setsid nohup dockerd -H "unix://$sock" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$pidfile" \
      --live-restore --bridge none --log-level warn >"$dir/dockerd.log" 2>&1 </dev/null &
    for _ in $(seq 150); do
      answers && break
      sleep 0.2
    done
    answers || { echo "dockerd.sh: no answer within 30 s; the end of $dir/dockerd.log:" >&2; tail -5 "$dir/dockerd.log" >&2; exit 1; }
  fi
  echo "DOCKER_HOST=unix://$sock"
  ;;
stop)
  if answers; then
    for id in $(curl -fsS --unix-socket "$sock" 'http://docker/containers/json?all=1' | grep -o '"Id":"[0-9a-f]*"' | cut -d'"' -f4); do
      curl -fsS -o /dev/null -X DELETE --unix-socket "$sock" "http://docker/containers/$id?force=1&v=1" || true
    done
    curl -fsS -o /dev/null -X POST --unix-socket "$sock" http://docker/networks/prune || true
  fi
  if alive; then
    pid=$(cat "$pidfile")
    kill "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  # containerd mounts below exec-root may outlive a killed engine.
  awk -v d="$dir/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  rm -rf "$dir/data" "$dir/exec" "$sock" "$pidfile"
  ;;
*) usage ;;
esac
