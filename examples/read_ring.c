/* Read a ring and write its pixels to standard output; docs/frames.md tells the format.
 *
 *     cc -O2 -o read_ring read_ring.c
 *     ./read_ring colours.wcf | ffplay -f rawvideo -pixel_format bgr0 -video_size 640x480 -
 *
 * It ends with the writer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

static int fd;

static uint64_t number_at(off_t offset, size_t bytes) {
    uint64_t number = 0; /* of a machine whose lowest byte comes first */
    return pread(fd, &number, bytes, offset) == (ssize_t)bytes ? number : 0;
}

int main(int argc, char **argv) {
    char magic[8], events[4096];
    fd = argc > 1 ? open(argv[1], O_RDONLY | O_NOFOLLOW) : -1;
    if (fd < 0 || pread(fd, magic, 8, 0) != 8 || memcmp(magic, "WCFRING1", 8)) return 1;
    uint64_t slots = number_at(12, 4), stride = number_at(16, 8), last = 0;
    uint8_t *payload = stride > 64 && stride < 1 << 30 ? malloc(stride) : NULL;
    int bell = inotify_init1(IN_CLOEXEC), alive = 1;
    if (!payload || slots < 2 || inotify_add_watch(bell, argv[1], IN_ATTRIB | IN_CLOSE_WRITE) < 0)
        return 1;
    while (alive) {
        /* First, so that the last frame of one who has ended is read, too. */
        alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
        if (!alive) flock(fd, LOCK_UN);
        for (int attempt = 0; attempt < 8; attempt++) {
            uint64_t number = number_at(64, 8), slot = 4096 + number % slots * stride;
            if (number == last) break;
            uint64_t before = number_at(slot, 8), size = number_at(slot + 8, 4);
            if (size > stride - 64) size = stride - 64;
            ssize_t got = pread(fd, payload, size, slot + 64);
            /* Else the writer has come round to this slot meanwhile. */
            if (got == (ssize_t)size && before == 2 * number && number_at(slot, 8) == before) {
                last = number;
                for (ssize_t done = 0, part; done < got; done += part)
                    if ((part = write(1, payload + done, got - done)) <= 0) return 1;
                break;
            }
        }
        if (alive && read(bell, events, sizeof events) <= 0) return 1;
    }
}
