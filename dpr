#!/bin/sh
# The dpr command of this checkout: ./dpr status. It installs and bundles what is missing, and prints nothing but its own output.
exec node "$(dirname -- "$0")/services/client/bin.mjs" "$@"
