#!/usr/bin/env bash
# Makes an empty Debian 12 root, clones this repository into it and runs the two
# commands of the README there, with nothing done by hand.
#
#   tools/fresh_root_test.sh [FOLDER]     as root; needs mmdebstrap
#
# Packages come from where this machine gets its own.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

root=${1:-$(mktemp -d)}
mounted=()
clean_up() {
  for point in "${mounted[@]}"; do umount -l "$point"; done
  rm -rf --one-file-system "$root"
}
trap clean_up EXIT

# The machine's own sources of Debian's packages, in either format.
is_debian='[[:space:]]bookworm([[:space:]-]|$)'
list=$(mktemp)
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -s "$file" ]; then grep -E '^deb ' "$file" || true; fi
done | grep -E "$is_debian" >"$list" || true
if ! [ -s "$list" ]; then
  for file in /etc/apt/sources.list.d/*.sources; do
    if grep -qE "^Suites:.*$is_debian" "$file"; then
      cat "$file"
      echo
    fi
  done >"$list"
fi

# shellcheck disable=SC2016  # "$1" is the root, filled in by mmdebstrap
mmdebstrap --variant=apt --mode=root --include=git,ca-certificates \
  --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
  --setup-hook='mkdir -p "$1/etc/apt/apt.conf.d"' \
  --setup-hook='cp -a /etc/apt/apt.conf.d/. "$1/etc/apt/apt.conf.d/"' \
  bookworm "$root" - <"$list"
rm -f "$list"

for name in resolv.conf hosts; do
  if [ -e "/etc/$name" ]; then cp -L "/etc/$name" "$root/etc/$name"; fi
done
for point in proc sys dev; do
  mount --rbind "/$point" "$root/$point"
  mounted+=("$root/$point")
done

mkdir -p "$root/repository"
git bundle create "$root/repository/all.bundle" HEAD
inside() {
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+http_proxy="$http_proxy"} \
    ${https_proxy:+https_proxy="$https_proxy"} \
    bash -euc "$1"
}
inside 'git clone -q /repository/all.bundle /repository/ImageAdapt'
inside 'cd /repository/ImageAdapt && ./client --input samples/coast.jpg \
  --output out.png --rotate NINETY_DEG --mean && test -s out.png'
inside 'cd /repository/ImageAdapt && ./test'
inside 'cd /repository/ImageAdapt && git status --porcelain'
echo "fresh root: both commands work"
