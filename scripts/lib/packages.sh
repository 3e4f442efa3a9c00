#!/usr/bin/env bash
# Installs Debian or Ubuntu packages, only those that are missing. Sourced by scripts after steps.sh.

BUILD_PACKAGES=(librabbitmq-dev libhiredis-dev libpq-dev libsqlite3-dev libjemalloc-dev pkg-config)
SERVER_PACKAGES=(rabbitmq-server redis-server redis-tools postgresql)
SPEECH_PACKAGES=(espeak-ng python3-venv)
MEDIA_PACKAGES=(ffmpeg librsvg2-bin fonts-dejavu-core)
CLIENT_PACKAGES=(amqp-tools openssl)
BROWSER_PACKAGES=(chromium chromium-driver)

# install_missing PACKAGE...
install_missing() {
  local package missing=() sudo=()
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu; going on in the hope that it has what these packages hold: $*"
    return 0
  fi
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    echo "All there: $*"
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    sudo=(sudo)
    command -v sudo >/dev/null ||
      fail "packages are missing and there is neither root nor sudo to install them." "As root: apt-get install ${missing[*]}"
  fi
  echo "Installing with apt-get: ${missing[*]}"
  without_services "${sudo[@]}" || fail "could not prepare the installation." "As root: apt-get install ${missing[*]}"
  "${sudo[@]}" apt-get update -qq || echo "apt-get update failed; trying with the lists at hand."
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; then
    with_services "${sudo[@]}"
    fail "apt-get could not install: ${missing[*]}." "Install them by hand, then run this again."
  fi
  with_services "${sudo[@]}"
}

# The server packages would start a RabbitMQ, a Redis and a PostgreSQL of the system; only their programs are wanted. Debian's way to
# say so is a policy script that answers 101. One that is there already is left alone.
POLICY=/usr/sbin/policy-rc.d
OUR_POLICY=''

without_services() {
  [ ! -e "$POLICY" ] || return 0
  printf '#!/bin/sh\nexit 101\n' | "$@" tee "$POLICY" >/dev/null && "$@" chmod +x "$POLICY" && OUR_POLICY=yes
}

with_services() {
  [ -z "$OUR_POLICY" ] || "$@" rm -f "$POLICY"
  OUR_POLICY=''
}

# The toolchain is the one thing that is not installed here.
require_swift() {
  command -v swift >/dev/null ||
    fail "there is no Swift toolchain in PATH." "Install Swift 6.2 or newer (https://www.swift.org/install), then run this again."
  swift --version 2>/dev/null | head -n 1
}
