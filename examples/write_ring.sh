#!/bin/sh
# Write shades of grey into a ring that webcapd shows; docs/frames.md tells the format.
#
#     sh write_ring.sh /run/user/1000/grey.wcf [FRAMES]
set -eu
path=$1 frames=${2:-0}
width=64 height=48
size=$((width * height))
stride=$(((64 + size + 4095) / 4096 * 4096))

# A number as so many bytes, the lowest first.
number() {
  value=$1 bytes=$2
  while [ "$bytes" -gt 0 ]; do
    # shellcheck disable=SC2059 # The byte is the format.
    printf "\\$(printf %03o $((value & 255)))"
    value=$((value >> 8)) bytes=$((bytes - 1))
  done
}

# Write what comes in at a place of the file, whole.
at() {
  dd of=/dev/fd/9 bs=1M iflag=fullblock oflag=seek_bytes conv=notrunc seek="$1" status=none
}

# Descriptor 9 stays open, and locked: that says that somebody writes.
exec 9<>"$path.new"
flock 9
fallocate -l $((4096 + 2 * stride)) "$path.new"
{
  printf WCFRING1
  number 4096 4 && number 2 4 && number "$stride" 8
  number "$(date +%s%N)" 8 && number $$ 4 && number 0 4
  printf grey
} | at 0
mv "$path.new" "$path"

frame=0
while [ "$frames" -eq 0 ] || [ "$frame" -lt "$frames" ]; do
  frame=$((frame + 1))
  slot=$((4096 + frame % 2 * stride))
  number $((2 * frame - 1)) 8 | at "$slot"
  {
    number "$size" 4 && printf GREY
    number "$width" 4 && number "$height" 4 && number "$width" 4 && number 0 4
    number 0 8 && number "$(date +%s%N)" 8
    number 0 16
    # shellcheck disable=SC2059
    head -c "$size" /dev/zero | tr '\0' "\\$(printf %03o $((frame & 255)))"
  } | at $((slot + 8))
  number $((2 * frame)) 8 | at "$slot"
  number "$frame" 8 | at 64
  touch "$path"
  sleep 0.1 9>&-
done
