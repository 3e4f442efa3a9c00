#!/usr/bin/env bash
# Ports and processes for the scripts beside it. A process is recorded in a file `pid` or `*.pid` as its id and its start
# time, so that only our own are ever signalled, a reused id never. Sourced by scripts, and a command:
#
#   processes.sh guard ROOT OWNER [--remove]
#
# which returns at once and leaves a watcher: when the process OWNER has ended, however it ended, everything recorded
# under ROOT is killed and, if wanted, ROOT removed.

PROCESSES_SH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/processes.sh

say() { printf '%s\n' "$*" >&2; }

# require COMMAND PACKAGE
require() {
  command -v "$1" >/dev/null && return 0
  say "$1 is not installed. On Debian or Ubuntu: apt-get install $2"
  return 1
}

prepare_directory() {
  mkdir -p "$1" && (cd "$1" && pwd -P) || { say "Cannot make the directory $1."; return 1; }
}

# --- ports ---------------------------------------------------------------------------------------------------------

# Below the range from which the kernel takes ports for outgoing connections.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    if ! accepts "$port"; then
      echo "$port"
      return 0
    fi
  done
  say "No free port found between 20000 and 29999 on 127.0.0.1."
  return 1
}

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that the directory keeps over restarts: kept_port FILE [WANTED]
kept_port() {
  if [ -n "${2:-}" ]; then
    echo "$2" >"$1"
  elif [ ! -s "$1" ]; then
    free_port >"$1" || return 1
  fi
  cat "$1"
}

# --- processes -----------------------------------------------------------------------------------------------------

# Ticks since boot at which a process started; fails when there is none, or only a zombie.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] && echo "${20}"
}

# record_process FILE PID: a child of this shell, whose end the shell shall not announce.
record_process() {
  echo "$2 $(start_time "$2")" >"$1"
  disown "$2"
}

# The id of the process recorded in FILE, if it still runs.
running_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$1" && [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# wait_gone FILE SECONDS: until the recorded process has ended.
wait_gone() {
  local until=$((SECONDS + $2))
  while running_pid "$1" >/dev/null; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.05
  done
}

# end_process FILE SIGNAL SECONDS: signals the recorded process, by force when it has not ended in time.
end_process() {
  local pid
  if pid=$(running_pid "$1"); then
    kill "-$2" "$pid" 2>/dev/null
    if ! wait_gone "$1" "$3"; then
      say "Process $pid did not end within $3 s of SIG$2; killing it."
      kill -KILL "$pid" 2>/dev/null
      wait_gone "$1" 10
    fi
  fi
  rm -f "$1"
}

# wait_ready WHAT SECONDS PIDFILE LOG PROBE...: until PROBE succeeds; fails at once when the process has ended.
wait_ready() {
  local what=$1 seconds=$2 pidfile=$3 log=$4 until=$((SECONDS + $2))
  shift 4
  until "$@" 2>/dev/null; do
    if ! running_pid "$pidfile" >/dev/null; then
      say "$what ended while it started. The end of its log ($log):"
    elif [ "$SECONDS" -ge "$until" ]; then
      say "$what was not ready within $seconds s. The end of its log ($log):"
    else
      sleep 0.1
      continue
    fi
    tail -n 15 "$log" >&2
    return 1
  done
}

# kill_recorded ROOT: ends by force whatever is recorded anywhere under ROOT.
kill_recorded() {
  local file
  while IFS= read -r file; do
    end_process "$file" KILL 10
  done < <(find "$1" \( -name pid -o -name '*.pid' \) -not -name guard.pid -type f 2>/dev/null)
}

# A process of its own that outlives its starter only to clean up after it.
guard() {
  local root owner started
  root=$(prepare_directory "$1") && owner=$2 && started=$(start_time "$owner") || return 1
  (
    cd / && exec setsid bash "$PROCESSES_SH" guard-loop "$root" "$owner" "$started" "${3:-}"
  ) </dev/null >/dev/null 2>"$root/guard.log" &
  record_process "$root/guard.pid" $!
}

guard_loop() {
  while [ "$(start_time "$2")" = "$3" ] && [ -d "$1" ]; do sleep 0.5; done
  kill_recorded "$1"
  [ "$4" != --remove ] || rm -rf "$1"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  case "${1:-}" in
    guard) shift; guard "$@" ;;
    guard-loop) shift; guard_loop "$@" ;;
    *) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
fi
