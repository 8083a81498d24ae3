#!/bin/sh
# Installs Chromium where apt-get can, for the tests that look at the pages in a browser.
# Without it they are skipped, and say so.
set -eu
for name in chromium chromium-browser google-chrome chrome-headless-shell; do
	command -v "$name" >/dev/null && exit 0
done
skip() {
	echo "no Chromium: $1; the pages will not be looked at in a browser" >&2
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
echo "installing Chromium with apt-get" >&2
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 || skip "apt-get update failed"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium </dev/null >&2 || skip "apt-get install failed"
