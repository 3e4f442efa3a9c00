#!/usr/bin/env bash
# A Python virtual environment with clients that are not ours, for the tests that drive the fleet from outside.
# Sourced by scripts after steps.sh.

PYTHON_PACKAGES=(pika redis jsonschema selenium schemathesis)

# python_environment DIR: makes it, or does nothing when it already holds these packages.
python_environment() {
  local dir=$1 stamp="$1/.packages"
  if [ "$(cat "$stamp" 2>/dev/null)" = "${PYTHON_PACKAGES[*]}" ] && "$dir/bin/python" -c '' 2>/dev/null; then
    echo "All there: ${PYTHON_PACKAGES[*]}"
    return 0
  fi
  rm -rf "$dir"
  python3 -m venv "$dir" ||
    fail "python3 could not make a virtual environment in $dir." "On Debian or Ubuntu: apt-get install python3-venv"
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "${PYTHON_PACKAGES[@]}" ||
    fail "pip could not install ${PYTHON_PACKAGES[*]}." "Is PyPI, or a mirror set up in pip's configuration, reachable?"
  echo "${PYTHON_PACKAGES[*]}" >"$stamp"
  echo "Installed: ${PYTHON_PACKAGES[*]}"
}
