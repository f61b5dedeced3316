/* Write moving colours into a ring that webcapd shows; docs/frames.md tells the format.
 *
 *     cc -O2 -o write_ring write_ring.c
 *     ./write_ring /run/user/1000/colours.wcf [WIDTH HEIGHT FPS FRAMES]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 3 };
struct header { char magic[8]; uint32_t size, slots; uint64_t stride, run; uint32_t pid, mode;
                char label[24]; uint64_t latest; };
struct slot { uint64_t seq; uint32_t size; char fourcc[4]; uint32_t width, height, stride, flags;
              uint64_t monotonic, realtime; uint32_t crc, dirty[2], zero; uint8_t pixels[]; };

static uint64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv) {
    uint32_t width = argc > 2 ? atoi(argv[2]) : 640, height = argc > 3 ? atoi(argv[3]) : 480;
    long fps = argc > 4 ? atol(argv[4]) : 30, frames = argc > 5 ? atol(argv[5]) : 0;
    uint64_t stride = (sizeof(struct slot) + 4ul * width * height + 4095) / 4096 * 4096;
    char unnamed[4096];
    if (argc < 2 || snprintf(unnamed, sizeof unnamed, "%s.new", argv[1]) >= 4096) return 2;
    int fd = open(unnamed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0 || posix_fallocate(fd, 0, 4096 + SLOTS * stride) || flock(fd, LOCK_EX)) return 1;
    uint8_t *ring = mmap(0, 4096 + SLOTS * stride, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) return 1;
    struct header *header = (struct header *)ring;
    *header = (struct header){"WCFRING1", 4096, SLOTS, stride, now(CLOCK_REALTIME), getpid(), 0,
                              "colours", 0};
    if (rename(unnamed, argv[1])) return 1;
    for (uint64_t n = 1; !frames || n <= (uint64_t)frames; n++) {
        struct slot *slot = (struct slot *)(ring + 4096 + n % SLOTS * stride);
        __atomic_store_n(&slot->seq, 2 * n - 1, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the odd number before the pixels */
        *slot = (struct slot){2 * n - 1, 4 * width * height, {'X', 'R', '2', '4'}, width, height,
                              4 * width, 0, now(CLOCK_MONOTONIC), now(CLOCK_REALTIME), 0, {0}, 0};
        uint8_t *pixel = slot->pixels;
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++, pixel += 4)
                pixel[0] = x + n, pixel[1] = y + n, pixel[2] = n, pixel[3] = 0;
        __atomic_store_n(&slot->seq, 2 * n, __ATOMIC_RELEASE); /* and these before the even one */
        __atomic_store_n(&header->latest, n, __ATOMIC_RELEASE);
        futimens(fd, NULL); /* wakes the readers */
        usleep(1000000 / fps);
    }
}
