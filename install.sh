#!/bin/sh
# Installs yodel: picks the archive for this system, verifies it, and puts the
# program into ~/.local/bin, and its man page into ~/.local/share/man/man1.
#
#   install.sh [--dir DIR] [--from URL]
#
# --from is where the archives of a release and their SHA256SUMS are; the
# install.sh of a release knows its own.
set -eu

RELEASE=

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

# All in a function: what was downloaded only in part does nothing.
main() {
  dir=${HOME:+$HOME/.local/bin}
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "expected [--dir DIR] [--from URL], not $1"
    case $1 in
      --dir) dir=${2%/} ;;
      --from) RELEASE=${2%/} ;;
      *) fail "expected [--dir DIR] [--from URL], not $1" ;;
    esac
    shift 2
  done
  [ -n "$RELEASE" ] || fail "say with --from URL where the release is"
  case $dir in
    "") fail "say with --dir DIR where to install" ;;
    -*) dir=./$dir ;;
  esac

  if command -v curl >/dev/null; then
    download() {
      curl -fsSL --retry 2 --connect-timeout 15 --speed-limit 1 --speed-time 30 -o "$2" "$1"
    }
  elif command -v wget >/dev/null; then
    download() { wget -q -T 30 -O "$2" "$1"; }
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
    MINGW* | MSYS* | CYGWIN*) fail "on Windows, run: powershell -c \"irm $RELEASE/install.ps1 | iex\"" ;;
    *) fail "there is no archive for $(uname -s)" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no archive for $(uname -m)" ;;
  esac

  work=$(mktemp -d) || fail "cannot make a temporary folder"
  new=
  trap 'rm -rf "$work" ${new:+"$new"}' EXIT
  trap 'exit 1' HUP INT TERM

  download "$RELEASE/SHA256SUMS" "$work/SHA256SUMS" || fail "cannot download $RELEASE/SHA256SUMS"
  line=$(grep -E "  yodel-[^ ]*-$machine-$system\.tar\.gz\$" "$work/SHA256SUMS" | head -n 1)
  [ -n "$line" ] || fail "$RELEASE has no archive for $machine-$system"
  archive=${line#*  }
  download "$RELEASE/$archive" "$work/$archive" || fail "cannot download $RELEASE/$archive"
  sum=$(sha256 "$work/$archive")
  [ "${sum%% *}" = "${line%% *}" ] || fail "$archive has the wrong checksum: not installed"

  tar -xzf "$work/$archive" -C "$work" || fail "cannot unpack $archive"
  program=$work/${archive%.tar.gz}/yodel
  if [ ! -f "$program" ] || [ -L "$program" ]; then fail "$archive has no program"; fi
  [ ! -d "$dir/yodel" ] || fail "$dir/yodel is a folder"
  mkdir -p "$dir" || fail "cannot make $dir"
  # Moved into place, so that a program that runs keeps its file, and only when it starts here.
  new=$(mktemp "$dir/.yodel.XXXXXX") || fail "cannot write to $dir"
  cp "$program" "$new" || fail "cannot write to $dir"
  chmod 755 "$new"
  "$new" --version >/dev/null || fail "the program of $archive does not start on this system"
  mv "$new" "$dir/yodel"
  # man looks there for the programs of a folder that is called bin. The program works without it.
  case $dir in
    */bin)
      man=${dir%bin}share/man/man1
      if mkdir -p "$man" && rm -f "$man/yodel.1"; then
        cp "$work/${archive%.tar.gz}/yodel.1" "$man" || :
      fi
      ;;
  esac

  echo "installed ${archive%.tar.gz} as $dir/yodel"
  case :$PATH: in
    *":$dir:"*) ;;
    *) echo "$dir is not in your PATH: add it, or start $dir/yodel" ;;
  esac
}

main "$@"
