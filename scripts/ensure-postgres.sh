#!/bin/sh
# Makes sure that the Postgres server programs are installed: the tests start a
# throw-away server of their own and never use one that runs already. $1 is throwpg.
set -eu
throwpg=$1

if "$throwpg" -check 2>/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	"$throwpg" -check # says what to install
fi
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	"$throwpg" -check
fi

echo "installing the Postgres server programs with apt-get" >&2
# Debian's package would otherwise create a cluster and start it.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
	$sudo mkdir -p /etc/postgresql-common
	echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	-o Dpkg::Options::=--force-confold postgresql </dev/null >&2
"$throwpg" -check
