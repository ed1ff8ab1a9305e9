#!/bin/sh
# Installs yodel: picks the archive for this system, verifies it, and puts the
# program into ~/.local/bin.
#
#   install.sh [--dir DIR] [--from URL]
#
# --from is where the archives of a release and their SHA256SUMS are; the
# install.sh of a release knows its own.
set -eu

RELEASE=
dir=$HOME/.local/bin

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "expected [--dir DIR] [--from URL], not $1"
  case $1 in
    --dir) dir=$2 ;;
    --from) RELEASE=$2 ;;
    *) fail "expected [--dir DIR] [--from URL], not $1" ;;
  esac
  shift 2
done
[ -n "$RELEASE" ] || fail "say with --from URL where the release is"

if command -v curl >/dev/null; then
  download() { curl -fsSL --retry 2 -o "$2" "$1"; }
elif command -v wget >/dev/null; then
  download() { wget -q -O "$2" "$1"; }
else
  fail "curl or wget is needed"
fi
if command -v sha256sum >/dev/null; then
  sha256() { sha256sum "$1"; }
elif command -v shasum >/dev/null; then
  sha256() { shasum -a 256 "$1"; }
else
  fail "sha256sum or shasum is needed"
fi
for tool in tar gzip; do
  command -v "$tool" >/dev/null || fail "$tool is needed"
done

case $(uname -s) in
  Linux) system=unknown-linux-gnu ;;
  Darwin) system=apple-darwin ;;
  *) fail "there is no archive for $(uname -s)" ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=x86_64 ;;
  aarch64 | arm64) machine=aarch64 ;;
  *) fail "there is no archive for $(uname -m)" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

download "$RELEASE/SHA256SUMS" "$work/SHA256SUMS" || fail "cannot download $RELEASE/SHA256SUMS"
line=$(grep -E "  yodel-[^ ]*-$machine-$system\.tar\.gz\$" "$work/SHA256SUMS") ||
  fail "$RELEASE has no archive for $machine-$system"
archive=${line#*  }
download "$RELEASE/$archive" "$work/$archive" || fail "cannot download $RELEASE/$archive"
sum=$(sha256 "$work/$archive")
[ "${sum%% *}" = "${line%% *}" ] || fail "$archive has the wrong checksum: not installed"

tar -xzf "$work/$archive" -C "$work"
mkdir -p "$dir" || fail "cannot make $dir"
# Moved into place, so that a program that runs keeps its file.
cp "$work/${archive%.tar.gz}/yodel" "$dir/.yodel.new" || fail "cannot write to $dir"
chmod 755 "$dir/.yodel.new"
mv "$dir/.yodel.new" "$dir/yodel"

echo "installed ${archive%.tar.gz} as $dir/yodel"
case :$PATH: in
  *":$dir:"*) ;;
  *) echo "$dir is not in your PATH: add it, or start $dir/yodel" ;;
esac
