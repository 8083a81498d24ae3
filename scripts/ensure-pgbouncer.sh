#!/bin/sh
# Installs pgbouncer where apt-get can, for the tests that read through a pooler. Without it
# they are skipped, and say so. It is not started: the tests start their own.
set -eu
for name in pgbouncer /usr/sbin/pgbouncer /usr/local/sbin/pgbouncer; do
	command -v "$name" >/dev/null && exit 0
done
skip() {
	echo "no pgbouncer: $1; nothing will be read through a pooler" >&2
	exit 0
}
command -v apt-get >/dev/null || skip "there is no apt-get"
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	skip "installing it needs root"
fi
echo "installing pgbouncer with apt-get" >&2
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 || skip "apt-get update failed"
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
	-o Dpkg::Options::=--force-confold pgbouncer </dev/null >&2 || skip "apt-get install failed"
