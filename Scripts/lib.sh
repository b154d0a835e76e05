# Shared by the scripts: installs packages and builds Hale.
# shellcheck shell=sh disable=SC2034 # The lists are read by the scripts.

# The backtracer would outlive a killed process.
export SWIFT_BACKTRACE=enable=no

swift_wanted=6.2
build_packages="libsqlite3-dev zlib1g-dev libbrotli-dev libzstd-dev libroaring-dev libssl-dev libcurl4-openssl-dev pkg-config"
test_packages="python3-venv curl sqlite3 strace prometheus chromium"

fail() {
  echo "$*" >&2
  exit 1
}

# Fails with a line on how to get Swift, if it is missing or too old.
need_swift() {
  found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  lowest=$(printf '%s\n%s\n' "$swift_wanted" "${found:-0}" | sort -V | head -n 1)
  [ "$lowest" = "$swift_wanted" ] && return
  fail "Hale needs Swift $swift_wanted or newer${found:+ (found $found)}: get it from https://www.swift.org/install"
}

# Whether the contents of a Debian package are present, from any source.
is_there() {
  case $1 in
    libsqlite3-dev) has_header sqlite3.h ;;
    zlib1g-dev) has_header zlib.h ;;
    libbrotli-dev) has_header brotli/decode.h ;;
    libzstd-dev) has_header zstd.h ;;
    libroaring-dev) has_header roaring/roaring.h ;;
    libssl-dev) has_header openssl/evp.h ;;
    libcurl4-openssl-dev) has_header curl/curl.h ;;
    binutils) command -v strip >/dev/null ;;
    netavark | aardvark-dns) [ -e "/usr/lib/podman/$1" ] ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

has_header() {
  # Debian has some headers in a directory of the architecture.
  for folder in /usr/include /usr/local/include /usr/include/*-linux-gnu; do
    [ -e "$folder/$1" ] && return
  done
  return 1
}

# Installs missing packages; without apt-get it fails with their names.
need_packages() {
  missing=""
  for package in "$@"; do
    is_there "$package" || missing="$missing $package"
  done
  [ -z "$missing" ] && return
  command -v apt-get >/dev/null ||
    fail "Missing (by their names in Debian):$missing. Install them and try again."
  as_root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "Missing:$missing. Install them as root: apt-get install$missing"
    as_root=sudo
  fi
  echo "Installing$missing" >&2
  # shellcheck disable=SC2086 # Both are lists of words.
  {
    $as_root apt-get -q -o DPkg::Lock::Timeout=300 update >&2 &&
      $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >&2
  } || fail "Could not install$missing"
}

# Creates the Python environment of the tests in the repository at $1, with the packages of
# Tests/requirements.txt, and again when that file changes.
prepare_python() {
  cmp -s "$1/Tests/requirements.txt" "$1/.build-venv/requirements.txt" && return
  rm -rf "$1/.build-venv"
  python3 -m venv "$1/.build-venv" &&
    "$1/.build-venv/bin/python" -m pip -q --disable-pip-version-check install \
      -r "$1/Tests/requirements.txt" &&
    cp "$1/Tests/requirements.txt" "$1/.build-venv/requirements.txt"
}

# Hosts have no Swift, so that the standard library is linked statically. The other flags save two
# megabytes: no symbol stands for others to link with, and there is no table to unwind exceptions by,
# which Swift has none of. GNU ld leaves its entries out, too.
release_flags="-c release --static-swift-stdlib -Xlinker --no-export-dynamic -Xlinker --no-eh-frame-hdr"
# GNU ld packs relative relocations, which glibc reads from 2.36 on. Swift's default linker does not.
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
if [ "$(printf 'glibc 2.36\n%s\n' "$glibc" | sort -V | head -n 1)" = "glibc 2.36" ]; then
  release_flags="$release_flags -Xswiftc -use-ld=bfd -Xlinker -z -Xlinker pack-relative-relocs"
  link_script='SECTIONS { /DISCARD/ : { *(.eh_frame) } } INSERT BEFORE .text;'
fi

# Builds a program as it is released (hale by default), and prints its path.
build_release() {
  mkdir -p "$1/.build" && echo "${link_script-}" >"$1/.build/release.ld" || return
  # shellcheck disable=SC2086 # A list of words.
  swift build --package-path "$1" $release_flags --product "${2:-hale}" \
    ${link_script:+-Xlinker -T -Xlinker "$(realpath "$1")/.build/release.ld"} >&2 || return
  release_path "$@"
}

# Prints the path of a program that was built as it is released.
release_path() {
  # shellcheck disable=SC2086 # A list of words.
  printf '%s/%s\n' \
    "$(swift build --package-path "$1" $release_flags --show-bin-path)" "${2:-hale}"
}
