#!/usr/bin/env bash
# Private RabbitMQ, Redis and PostgreSQL servers for the tests, the demo and the benchmarks: started without systemd, as whoever
# runs this, on loopback only, each with everything it writes under one directory. Sourced by scripts, and a command:
#
#   servers.sh start-redis     DIR [--port N] [--append-only] [--shifted-clock]
#   servers.sh start-sentinels DIR
#   servers.sh start-broker    DIR [--port N] [--tls]
#   servers.sh start-postgres  DIR [--port N]
#   servers.sh stop DIR    # orderly; by force after 20 s
#   servers.sh kill DIR    # as a crash would
#
# DIR afterwards holds `url` (a broker with --tls also `amqps_url` and `ca.pem`; a broker also `rabbitmqctl`, a command
# for this node), `pid` and `log`. Starting again in the same DIR keeps its ports and its data. Stop before removing DIR.
#
# --shifted-clock: the server's wall clock is ahead of ours by as many seconds as the file DIR/clock says (a fraction or
# a minus are allowed, the newline at its end is not optional), 0 at first; or stands still at the seconds since 1970
# behind a =. Writing the file moves the running server: echo $((40 * 86400)) >DIR/clock. Its timers are not shifted.
# Any other program with the environment LD_PRELOAD=DIR/shifted_clock.so SHIFTED_CLOCK=DIR/clock has the same clock.
#
# start-sentinels: a primary and its replica in DIR/redis-1 and DIR/redis-2, each a server that can be stopped, killed
# and started by itself, and three sentinels in DIR/sentinel-1 to -3 that put the replica in the primary's place when
# that has not answered for a second. DIR/url names the sentinels. `stop` and `kill` take DIR or one of the five. A
# former primary that `start-redis DIR/redis-1` starts again is made a replica within about ten seconds.
#
# start-postgres: DIR/url names the database `postgres` and its only user, tollway, who may do everything and needs no
# password; DIR/socket holds the Unix socket. Nothing is lost by `kill`. For root it runs as the user postgres, who must
# be able to reach DIR.

. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

# Whom PostgreSQL runs as for root.
POSTGRES_USER=${POSTGRES_USER:-postgres}
SHIFTED_CLOCK_SOURCE=$(dirname "$PROCESSES_SH")/shifted_clock.c

# --- Redis ---------------------------------------------------------------------------------------------------------

# redis_answers PORT PID: it is that process that answers, not another Redis that holds the port.
redis_answers() {
  local line
  exec 4<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'INFO server\r\n' >&4
  while IFS= read -r -t 2 -u 4 line; do
    case "$line" in process_id:*) break ;; esac
  done
  exec 4>&-
  [ "$line" = "process_id:$2"$'\r' ]
}

start_redis() {
  local dir append=no shifted=no wanted=''
  dir=$(prepare_directory "$1") || return 1
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --port) wanted=$2; shift 2 ;;
      --append-only) append=yes; shift ;;
      --shifted-clock) shifted=yes; shift ;;
      *) say "start-redis: unknown option $1"; return 2 ;;
    esac
  done
  require redis-server redis-server || return 1
  stop_server "$dir"
  [ "$shifted" = no ] || make_clock "$dir" || return 1
  on_free_ports "$dir" "$wanted" launch_redis "$append" "$shifted"
}

# Makes DIR/clock, unless it is there, and the library that shifts a program's clock by it.
make_clock() {
  local dir=$1 compiler
  compiler=$(command -v cc || command -v clang) ||
    { say "There is no C compiler. On Debian or Ubuntu: apt-get install gcc"; return 1; }
  [ -s "$dir/clock" ] || echo 0 >"$dir/clock"
  "$compiler" -shared -fPIC -O2 -o "$dir/shifted_clock.so" "$SHIFTED_CLOCK_SOURCE" ||
    { say "$SHIFTED_CLOCK_SOURCE could not be compiled."; return 1; }
}

# launch_redis DIR WANTED_PORT APPEND_ONLY SHIFTED_CLOCK
launch_redis() {
  local dir=$1 port clock=()
  port=$(kept_port "$dir/port" "$2") || return 1
  [ "$4" = no ] || clock=(env LD_PRELOAD="$dir/shifted_clock.so" SHIFTED_CLOCK="$dir/clock")
  mkdir -p "$dir/data"
  # What sentinels changed is kept in a file.
  touch "$dir/redis.conf"
  (
    cd "$dir" && exec setsid "${clock[@]}" redis-server "$dir/redis.conf" --bind 127.0.0.1 --port "$port" \
      --dir "$dir/data" --daemonize no --save '' --appendonly "$3" --enable-debug-command local \
      --repl-diskless-sync-delay 0
  ) </dev/null >>"$dir/log" 2>&1 &
  record_process "$dir/pid" $!
  wait_ready "Redis on port $port" 60 "$dir/pid" "$dir/log" redis_answers "$port" $! ||
    { stop_server "$dir"; return 1; }
  echo "redis://127.0.0.1:$port/0" >"$dir/url"
}

# --- Redis with Sentinel -------------------------------------------------------------------------------------------

start_sentinels() {
  local dir port number hosts=()
  dir=$(prepare_directory "$1") || return 1
  [ $# = 1 ] || { say "start-sentinels: unknown option $2"; return 2; }
  stop_server "$dir"
  start_redis "$dir/redis-1" && start_redis "$dir/redis-2" || { stop_server "$dir"; return 1; }
  if [ ! -e "$dir/url" ]; then
    port=$(cat "$dir/redis-1/port")
    redis_cli "$dir/redis-2" replicaof 127.0.0.1 "$port" >/dev/null &&
      redis_cli "$dir/redis-2" config rewrite >/dev/null &&
      wait_ready "The replica" 60 "$dir/redis-2/pid" "$dir/redis-2/log" is_in_step "$dir/redis-2" ||
      { stop_server "$dir"; return 1; }
  fi
  for number in 1 2 3; do
    mkdir -p "$dir/sentinel-$number"
    on_free_ports "$dir/sentinel-$number" '' launch_sentinel "$port" || { stop_server "$dir"; return 1; }
    hosts+=("127.0.0.1:$(cat "$dir/sentinel-$number/port")")
  done
  for number in 1 2 3; do
    wait_ready "Sentinel $number" 60 "$dir/sentinel-$number/pid" "$dir/sentinel-$number/log" \
      sentinel_knows_all "$dir/sentinel-$number" || { stop_server "$dir"; return 1; }
  done
  (IFS=,; echo "redis+sentinel://${hosts[*]}/tollway/0") >"$dir/url"
}

# launch_sentinel DIR '' PORT_OF_PRIMARY: the last only matters for a new one, a former one remembers its primary.
launch_sentinel() {
  local dir=$1 port
  port=$(kept_port "$dir/port") || return 1
  [ -s "$dir/sentinel.conf" ] || cat >"$dir/sentinel.conf" <<CONFIGURATION
bind 127.0.0.1
dir "$dir"
sentinel monitor tollway 127.0.0.1 $3 2
sentinel down-after-milliseconds tollway 1000
sentinel failover-timeout tollway 3000
CONFIGURATION
  (
    cd "$dir" && exec setsid redis-server "$dir/sentinel.conf" --sentinel --port "$port" --daemonize no
  ) </dev/null >>"$dir/log" 2>&1 &
  record_process "$dir/pid" $!
  wait_ready "Sentinel on port $port" 60 "$dir/pid" "$dir/log" redis_answers "$port" $! ||
    { stop_server "$dir"; return 1; }
  touch "$dir/url"
}

is_in_step() { redis_cli "$1" role | grep -qx connected; }

# sentinel_knows_all DIR: the two other sentinels and the replica, so that the primary may fail from now on.
sentinel_knows_all() {
  local known
  known=" $(redis_cli "$1" sentinel master tollway | paste -sd ' ') "
  [[ $known == *' flags master '* && $known == *' num-slaves 1 '* && $known == *' num-other-sentinels 2 '* ]]
}

redis_cli() {
  local port
  port=$(cat "$1/port") || return 1
  shift
  redis-cli -h 127.0.0.1 -p "$port" "$@"
}

# --- RabbitMQ ------------------------------------------------------------------------------------------------------

# The distribution's wrapper in /usr/sbin insists on root or on a user of its own; the script behind it does not.
rabbitmq_home() {
  local bin
  for bin in /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq/sbin /usr/local/sbin; do
    if [ -x "$bin/rabbitmq-server" ]; then
      echo "$bin"
      return 0
    fi
  done
  say "RabbitMQ is not installed: no rabbitmq-server in /usr/lib/rabbitmq. On Debian or Ubuntu: apt-get install rabbitmq-server"
  return 1
}

# Sends the protocol header and waits for the first byte of connection.start: the listener is up and served.
broker_answers() {
  local byte
  grep -q 'Server startup complete' "$2"/logs/*.log 2>/dev/null || return 1
  exec 4<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'AMQP\x00\x00\x09\x01' >&4
  IFS= read -r -t 2 -N 1 -u 4 byte
  exec 4>&-
  [ "$byte" = $'\x01' ]
}

# A certificate authority and a certificate for localhost and 127.0.0.1, both made here and worth nothing elsewhere.
make_certificates() {
  local dir=$1
  [ -s "$dir/ca.pem" ] && [ -s "$dir/server.pem" ] && return 0
  require openssl openssl || return 1
  (
    cd "$dir" && umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=Tollway test CA' \
      -keyout ca.key -out ca.pem &&
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=localhost' \
        -keyout server.key -out server.csr &&
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out server.pem \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  ) >"$dir/openssl.log" 2>&1 || { say "openssl could not make test certificates:"; tail -n 5 "$dir/openssl.log" >&2; return 1; }
}

# Writes the node's configuration and `env`, what its server and its rabbitmqctl need in their environment.
configure_broker() {
  local dir=$1 port=$2 tls_port=$3 epmd_port dist_port cookie
  epmd_port=$(kept_port "$dir/epmd_port") && dist_port=$(kept_port "$dir/dist_port") || return 1
  mkdir -p "$dir/home" "$dir/logs" "$dir/data"
  cookie=$dir/home/.erlang.cookie
  [ -s "$cookie" ] || (umask 077 && od -An -N20 -tx1 /dev/urandom | tr -d ' \n' >"$cookie")
  chmod 400 "$cookie"
  echo '[].' >"$dir/enabled_plugins"
  {
    echo "listeners.tcp.1 = 127.0.0.1:$port"
    echo "disk_free_limit.absolute = 50MB"
    echo "raft.wal_max_size_bytes = 67108864"
    if [ -n "$tls_port" ]; then
      echo "listeners.ssl.1 = 127.0.0.1:$tls_port"
      echo "ssl_options.cacertfile = $dir/ca.pem"
      echo "ssl_options.certfile = $dir/server.pem"
      echo "ssl_options.keyfile = $dir/server.key"
      echo "ssl_options.verify = verify_none"
      echo "ssl_options.fail_if_no_peer_cert = false"
    fi
  } >"$dir/rabbitmq.conf"
  cat >"$dir/env" <<ENVIRONMENT
export HOME='$dir/home'
export ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=tollway-$port@localhost RABBITMQ_DIST_PORT=$dist_port
export RABBITMQ_CTL_DIST_PORT_MIN=20000 RABBITMQ_CTL_DIST_PORT_MAX=29999
export RABBITMQ_CONF_ENV_FILE='$dir/no-env.conf' RABBITMQ_ADVANCED_CONFIG_FILE='$dir/no-advanced.config'
export RABBITMQ_CONFIG_FILE='$dir/rabbitmq.conf' RABBITMQ_ENABLED_PLUGINS_FILE='$dir/enabled_plugins'
export RABBITMQ_MNESIA_BASE='$dir/data' RABBITMQ_LOG_BASE='$dir/logs' RABBITMQ_PID_FILE='$dir/node_pid'
ENVIRONMENT
  cat >"$dir/rabbitmqctl" <<COMMAND
#!/bin/sh
. '$dir/env'
exec '$(rabbitmq_home)/rabbitmqctl' "\$@"
COMMAND
  chmod +x "$dir/rabbitmqctl"
}

start_broker() {
  local dir tls=no wanted='' bin
  dir=$(prepare_directory "$1") || return 1
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --port) wanted=$2; shift 2 ;;
      --tls) tls=yes; shift ;;
      *) say "start-broker: unknown option $1"; return 2 ;;
    esac
  done
  bin=$(rabbitmq_home) && require epmd erlang-base || return 1
  stop_server "$dir"
  on_free_ports "$dir" "$wanted" launch_broker "$bin" "$tls"
}

# launch_broker DIR WANTED_PORT DIRECTORY_OF_RABBITMQ TLS
launch_broker() {
  local dir=$1 bin=$3 port tls_port=''
  port=$(kept_port "$dir/port" "$2") || return 1
  if [ "$4" = yes ]; then
    make_certificates "$dir" && tls_port=$(kept_port "$dir/tls_port") || return 1
  fi
  configure_broker "$dir" "$port" "$tls_port" || return 1
  rm -f "$dir"/logs/*.log
  # An epmd of its own, in the foreground: the node would start a shared one that outlives everything.
  (
    cd "$dir" && . ./env && exec setsid epmd
  ) </dev/null >"$dir/epmd.log" 2>&1 &
  record_process "$dir/epmd.pid" $!
  wait_ready "epmd" 60 "$dir/epmd.pid" "$dir/epmd.log" accepts "$(cat "$dir/epmd_port")" || { stop_server "$dir"; return 1; }
  # RUNNING_UNDER_SYSTEMD: the script becomes the node instead of a parent of it, so that its pid is the node's.
  (
    cd "$dir" && . ./env && exec env RUNNING_UNDER_SYSTEMD=true \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
      setsid "$bin/rabbitmq-server"
  ) </dev/null >>"$dir/log" 2>&1 &
  record_process "$dir/pid" $!
  wait_ready "RabbitMQ on port $port" 180 "$dir/pid" "$dir/log" broker_answers "$port" "$dir" ||
    { stop_server "$dir"; return 1; }
  echo "amqp://guest:guest@127.0.0.1:$port/%2F" >"$dir/url"
  [ -z "$tls_port" ] || echo "amqps://guest:guest@localhost:$tls_port/%2F?cacertfile=$dir/ca.pem" >"$dir/amqps_url"
}

# --- PostgreSQL ----------------------------------------------------------------------------------------------------

# The newest one, as the distribution or its makers install it.
postgres_home() {
  local bin
  bin=$(ls -d /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$bin" ] && [ -x "$bin/initdb" ]; then
    echo "$bin"
    return 0
  fi
  say "PostgreSQL is not installed: no initdb in /usr/lib/postgresql. On Debian or Ubuntu: apt-get install postgresql"
  return 1
}

# as_postgres COMMAND...: becomes that command, as somebody else when we are root, with whom it refuses to run.
as_postgres() {
  [ "$(id -u)" = 0 ] || exec "$@"
  exec setpriv --reuid="$POSTGRES_USER" --regid="$POSTGRES_USER" --clear-groups "$@"
}

start_postgres() {
  local dir wanted='' bin
  dir=$(prepare_directory "$1") || return 1
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --port) wanted=$2; shift 2 ;;
      *) say "start-postgres: unknown option $1"; return 2 ;;
    esac
  done
  bin=$(postgres_home) || return 1
  stop_server "$dir"
  make_cluster "$dir" "$bin" || return 1
  on_free_ports "$dir" "$wanted" launch_postgres "$bin"
}

# Makes DIR/data, unless it is there; trusts everybody who can reach it.
make_cluster() {
  local dir=$1
  mkdir -p "$dir/data" "$dir/socket" && chmod 700 "$dir/data" || return 1
  if [ "$(id -u)" = 0 ]; then
    chown -R "$POSTGRES_USER" "$dir/data" "$dir/socket" || return 1
    (as_postgres test -x "$dir/data") || { say "The user $POSTGRES_USER cannot enter $dir."; return 1; }
  fi
  [ ! -e "$dir/data/PG_VERSION" ] || return 0
  (
    cd / && as_postgres "$2/initdb" --pgdata "$dir/data" --username tollway --auth trust --encoding UTF8 --locale C \
      --no-sync --no-instructions
  ) </dev/null >"$dir/initdb.log" 2>&1 ||
    { say "initdb failed. The end of its log ($dir/initdb.log):"; tail -n 5 "$dir/initdb.log" >&2; return 1; }
}

# launch_postgres DIR WANTED_PORT DIRECTORY_OF_POSTGRES
launch_postgres() {
  local dir=$1 bin=$3 port socket former
  port=$(kept_port "$dir/port" "$2") || return 1
  # A killed one that nobody has waited for is still there to PostgreSQL's eyes.
  read -r former 2>/dev/null <"$dir/data/postmaster.pid" && ! start_time "$former" >/dev/null &&
    rm -f "$dir/data/postmaster.pid" "$dir"/socket/.s.PGSQL.*
  # The path of a Unix socket has at most 107 bytes.
  socket=$dir/socket
  [ ${#socket} -le 85 ] || socket=''
  (
    cd / && as_postgres setsid "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$port" \
      -c unix_socket_directories="$socket" -c fsync=on -c max_connections=100
  ) </dev/null >>"$dir/log" 2>&1 &
  record_process "$dir/pid" $!
  wait_ready "PostgreSQL on port $port" 120 "$dir/pid" "$dir/log" postgres_answers "$dir" $! ||
    { stop_server "$dir"; return 1; }
  echo "postgres://tollway@127.0.0.1:$port/postgres" >"$dir/url"
}

# postgres_answers DIR PID: what the server writes down itself when it takes connections, so that it is that process.
postgres_answers() {
  local lines
  mapfile -t lines <"$1/data/postmaster.pid" && [ "${lines[0]:-}" = "$2" ] && [[ ${lines[7]:-} == ready* ]]
}

# --- all -----------------------------------------------------------------------------------------------------------

# on_free_ports DIR WANTED_PORT LAUNCH ARGUMENT...: a port that was free when it was chosen may be taken when it is used;
# a new server then tries others. One that was asked for, or that clients know, stays.
on_free_ports() {
  local dir=$1 wanted=$2 launch=$3
  shift 3
  for _ in 1 2 3; do
    "$launch" "$dir" "$wanted" "$@" && return 0
    [ -z "$wanted" ] && [ ! -e "$dir/url" ] || return 1
    grep -qE 'already_used|eaddrinuse|Address already in use' "$dir/log" "$dir"/*.log || return 1
    say "A port was taken meanwhile; trying others."
    rm -f "$dir/port" "$dir/tls_port" "$dir/epmd_port" "$dir/dist_port" "$dir/log"
  done
  return 1
}

# By TERM a PostgreSQL would wait for its clients to leave.
stop_server() {
  if [ -e "$1/data/PG_VERSION" ]; then end_server "$1" INT 20; else end_server "$1" TERM 20; fi
}

# A PostgreSQL's children would go on with what they are at.
kill_server() {
  local pid child
  if [ -e "$1/data/PG_VERSION" ] && pid=$(running_pid "$1/pid"); then
    for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do
      echo "$child $(start_time "$child")" >"$1/child-$child.pid"
    done
  fi
  end_server "$1" KILL 10
  for child in "$1"/child-*.pid; do [ ! -e "$child" ] || end_process "$child" KILL 10; done
}

# end_server DIR SIGNAL SECONDS: sentinels first, they would act on the end of the others.
end_server() {
  local member
  for member in "$1"/sentinel-[1-3] "$1"/redis-[1-2] "$1"; do end_process "$member/pid" "$2" "$3"; done
  end_process "$1/epmd.pid" TERM 5
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  if [ $# -lt 2 ]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
  fi
  action=$1
  shift
  case "$action" in
    start-redis) start_redis "$@" ;;
    start-sentinels) start_sentinels "$@" ;;
    start-broker) start_broker "$@" ;;
    start-postgres) start_postgres "$@" ;;
    stop) stop_server "$1" ;;
    kill) kill_server "$1" ;;
    *) say "servers.sh: unknown action $action"; exit 2 ;;
  esac
fi
