#!/bin/bash
# Re-creates the corpus from the package registries, with their ordinary clients (npm, pip, apt-get), at the versions of
# manifest.tsv. Downloads about 1.8 GB and unpacks 4.3 GB; what is there already is not fetched again.
#
# usage: fetch.sh FOLDER      downloads go to FOLDER/downloads, files to FOLDER/files
# env:   PYTHON               a python3 with a recent pip (default: python3)
# Needs: npm, apt-get and dpkg-deb (Debian, any release). Packages for other architectures come through an apt state of
# their own: the system's is untouched. Prints no registry's address. Exits 1 if a file is missing at the end.
set -u
[ $# = 1 ] || { sed -n 's/^# \(usage: .*\)/\1/p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
out=$1/files dl=$1/downloads py=${PYTHON:-python3}
mkdir -p "$dl"/{npm,pypi,deb} "$out"
hide() { sed -E 's#[a-z]+://[^ ]+#(address)#g'; }
want=$("$py" "$here/lay_out.py" wanted "$out")

get_npm() { # NAME@VERSION
  local f="$dl/npm/${1//\//+}.tgz" t
  [ -s "$f" ] && return 0
  t=$(mktemp -d)
  npm pack --silent --ignore-scripts --pack-destination "$t" "$1" >/dev/null 2>&1
  mv "$t"/*.tgz "$f" 2>/dev/null || echo "not fetched: npm $1"
  rm -rf "$t"
}

get_pypi() { # WHEEL-FILE-NAME: exactly that wheel, whatever platform it is for
  local w=$1 name ver tag abi plat impl num pv v t
  [ -s "$dl/pypi/$w" ] && return 0
  IFS=- read -r name ver tag abi plat <<< "${w%.whl}"
  plat=${plat%%.*} tag=${tag##*.}
  impl=${tag:0:2} num=${tag:2}
  case $num in 2|3|"") pv="3.13 3.14";; *) pv="${num:0:1}.${num:1}";; esac
  t=$(mktemp -d)
  for v in $pv; do
    "$py" -m pip download -q --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: \
      --implementation "$impl" --python-version "$v" --abi "$abi" --platform "$plat" -d "$t" "$name==$ver" >/dev/null 2>&1
    [ -f "$t/$w" ] && break
  done
  mv "$t/$w" "$dl/pypi/" 2>/dev/null || echo "not fetched: pypi $w"
  rm -rf "$t"
}
export -f get_npm get_pypi; export dl py

grep '^npm:' <<< "$want" | cut -d: -f2- | xargs -r -P3 -d '\n' -I{} bash -c 'get_npm "$1"' _ {}
grep '^pypi:' <<< "$want" | cut -d: -f2- | xargs -r -P2 -d '\n' -I{} bash -c 'get_pypi "$1"' _ {}

# Debian: bookworm for every architecture it has, trixie for riscv64.
debs=$(grep '^deb:' <<< "$want" | cut -d: -f2- | while IFS= read -r s; do
  v=${s#*=} p=${s%%=*}
  a=${p##*:} p=${p%:*}
  [ -s "$dl/deb/${p}_${v//:/%3a}_$a.deb" ] && continue
  if [ "$a" = all ]; then echo "$p=$v"; else echo "$p:$a=$v"; fi
done)
if [ -n "$debs" ]; then
  st=$dl/apt-state
  mkdir -p "$st"/{lists/partial,cache/archives/partial,preferences.d}
  : > "$st/status"
  uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
        grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  { echo "deb [arch=amd64,arm64,armel,armhf,i386,mips64el,mipsel,ppc64el,s390x signed-by=$key] $uri bookworm main"
    echo "deb [arch=riscv64 signed-by=$key] $uri trixie main"; } > "$st/sources.list"
  cat > "$st/apt.conf" <<X
Dir::State "$st"; Dir::State::status "$st/status"; Dir::State::lists "$st/lists"; Dir::Cache "$st/cache";
Dir::Etc::sourcelist "$st/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "$st/preferences.d";
APT::Architecture "amd64"; APT::Architectures "amd64,arm64,armel,armhf,i386,mips64el,mipsel,ppc64el,s390x,riscv64";
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "3";
X
  export APT_CONFIG=$st/apt.conf
  apt-get update -qq 2>&1 | hide
  # One package that is gone must not stop the rest: a second try goes one by one.
  # shellcheck disable=SC2086 # one word a package is meant
  (cd "$dl/deb" && { apt-get download -qq $debs >/dev/null 2>&1 ||
    for s in $debs; do apt-get download -qq "$s" 2>&1 | hide | grep '^E:' | sed "s|^|not fetched: deb $s |"; done; })
  unset APT_CONFIG
fi

"$py" "$here/lay_out.py" unpack "$dl" "$out"
