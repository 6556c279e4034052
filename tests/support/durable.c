// What a power cut would leave: each file below $DURABLE_FROM as it was when it was synced last, copied to $DURABLE_TO.
// Loaded into the daemon with LD_PRELOAD (tests/it/power.rs).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void keep(int fd) {
    const char *from = getenv("DURABLE_FROM"), *to = getenv("DURABLE_TO");
    char link[64], path[PATH_MAX], copy[PATH_MAX], fresh[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!from || !to || length < 0) return;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    struct stat file;
    // Only what lies in the directory itself: the database with its log.
    if ((size_t)(name - path) != strlen(from) || strncmp(path, from, strlen(from)) != 0) return;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return;
    snprintf(copy, sizeof copy, "%s%s", to, name);
    // Whoever looks sees a whole file.
    snprintf(fresh, sizeof fresh, "%s%s.%d", to, name, fd);
    int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    static __thread char bytes[1 << 16];
    off_t at = 0;
    ssize_t read;
    while (out >= 0 && (read = pread(fd, bytes, sizeof bytes, at)) > 0) {
        if (write(out, bytes, read) != read) abort();
        at += read;
    }
    if (out < 0 || close(out) != 0 || rename(fresh, copy) != 0) abort();
}

static int synced(const char *call, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
