# Sourced by the launchers: finds a Python, and has set_up.py make or check the environment below .tributary.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
STATE=${TRIBUTARY_STATE_DIR:-$CHECKOUT/.tributary}

# Sets PYTHON to an interpreter of a supported version. coincurve, which signs and recovers, has no wheel for 3.14 yet.
find_python() {
  local name found='' supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
  for name in ${TRIBUTARY_PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    PYTHON=$(command -v "$name") || continue
    if "$PYTHON" -c "$supported" 2>/dev/null; then return; fi
    found="${found:-$("$PYTHON" --version 2>&1) at $PYTHON}"
  done
  echo "Tributary needs Python 3.11, 3.12 or 3.13, and there is ${found:-no Python on PATH}." >&2
  exit 1
}

# set_up run|test|full: returns once the environment is there; warm, within a fraction of a second.
set_up() {
  find_python
  "$PYTHON" -I "$CHECKOUT/scripts/set_up.py" "$1"
}
