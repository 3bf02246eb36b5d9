#!/usr/bin/env bash
# A private Docker engine for tests and for `make run` where no engine runs: dockerd.sh start|stop|restart|containerd|dockerd DIR
# start prints DOCKER_HOST=unix://…; an engine that already answers there is used. stop ends it and removes DIR's engine data.
# restart is for an engine that has lost a container (ath-worker --engine-restart): dockerd alone ends and starts; several workers at once
# are one. containerd and dockerd start one half of an engine that was killed, and do not wait for it.
set -euo pipefail

usage() { echo "usage: $0 start|stop|restart|containerd|dockerd DIR" >&2; exit 2; }
[ $# -eq 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
sock=$dir/docker.sock
pidfile=$dir/dockerd.pid
runtime=$dir/containerd.sock
runtimepid=$dir/containerd.pid
# Kernel limit of a unix socket's path.
if [ $((${#runtime} + 5)) -gt 107 ]; then # containerd.sock.ttrpc is the longest
  echo "dockerd.sh: socket path $runtime.ttrpc is longer than 107 bytes; choose a shorter directory" >&2
  exit 1
fi

answers() { curl -fsS --max-time 2 --unix-socket "$sock" http://docker/_ping >/dev/null 2>&1; }
alive() { # alive PIDFILE: its name is the program's; one that was killed may leave a file, and its number may be another's now
  local name
  name=$(basename "$1" .pid)
  [ -s "$1" ] && awk -v n="$name" '/^Name:/ {is = $2 == n} /^State:/ {is = is && $2 != "Z"} END {exit !is}' "/proc/$(cat "$1")/status" 2>/dev/null
}
end() { # end PIDFILE: asks, and waits up to 10 s
  alive "$1" || return 0
  kill "$(cat "$1")"
  for _ in $(seq 100); do alive "$1" || break; sleep 0.1; done
}

# containerd apart from dockerd, as on a provider's machine: each may be killed and started without the other.
containerd_() {
  alive "$runtimepid" && return 0
  # What dockerd does not use is off: it would cost seconds at each start.
  cat >"$dir/containerd.toml" <<END
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
END
  setsid nohup containerd --config "$dir/containerd.toml" --address "$runtime" --root "$dir/containerd" --state "$dir/exec/containerd" \
    --log-level warn >>"$dir/containerd.log" 2>&1 </dev/null &
  echo $! >"$runtimepid"
}

dockerd_() {
  alive "$pidfile" && return 0
  rm -f "$dir/exec/engine.pid" "$sock" # its own file: it does not start where one has a number that lives
  # live-restore: workloads outlive the engine, as on a provider's machine. No default bridge: engines would share it.
  setsid nohup dockerd -H "unix://$sock" --containerd "$runtime" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/exec/engine.pid" \
    --live-restore --bridge none --log-level warn >>"$dir/dockerd.log" 2>&1 </dev/null &
  echo $! >"$pidfile"
}

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
    containerd_
    dockerd_
    for _ in $(seq 150); do
      answers && break
      sleep 0.2
    done
    answers || { echo "dockerd.sh: no answer within 30 s; the end of $dir/dockerd.log:" >&2; tail -5 "$dir/dockerd.log" >&2; exit 1; }
  fi
  echo "DOCKER_HOST=unix://$sock"
  ;;
restart)
  exec 9>"$dir/restart.lock"
  flock -n 9 || { flock 9; exit 0; }
  end "$pidfile"
  dockerd_ 9>&-
  ;;
containerd) containerd_ ;;
dockerd) dockerd_ ;;
stop)
  if answers; then
    for id in $(curl -fsS --unix-socket "$sock" 'http://docker/containers/json?all=1' | grep -o '"Id":"[0-9a-f]*"' | cut -d'"' -f4); do
      curl -fsS -o /dev/null -X DELETE --unix-socket "$sock" "http://docker/containers/$id?force=1&v=1" || true
    done
    curl -fsS -o /dev/null -X POST --unix-socket "$sock" http://docker/networks/prune || true
  fi
  end "$pidfile"
  end "$runtimepid"
  # containerd mounts below exec-root may outlive a killed engine.
  awk -v d="$dir/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  rm -rf "$dir/data" "$dir/exec" "$dir/containerd" "$sock" "$pidfile" "$runtime" "$runtime.ttrpc" "$runtimepid"
  ;;
*) usage ;;
esac
