// A machine's wall clock that somebody sets: $CLOCK_STEP names a file of eight bytes, the seconds by which it is wrong (a
// native integer). Loaded into the daemon with LD_PRELOAD (tests/it/clock.rs), and from there into all that it starts,
// whatever their environment: they share the machine. No other clock is touched: the kernel's own monotonic ones do not step.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ENV_MAX 500

static const volatile int64_t *step;
static int (*real)(clockid_t, struct timespec *);
static char library[4200], file[4200];

__attribute__((constructor)) static void begin(void) {
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("CLOCK_STEP"), *preload = getenv("LD_PRELOAD");
    int fd = path && preload ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *shared = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) abort();
    snprintf(library, sizeof library, "LD_PRELOAD=%s", preload);
    snprintf(file, sizeof file, "CLOCK_STEP=%s", path);
    step = shared;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!real) begin();
    int result = real(clock, at);
    if (result == 0 && step && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *step;
    return result;
}

// What is between fork and exec may not allocate.
static void with_clock(char *const from[], char *to[ENV_MAX]) {
    int count = 0;
    if (step) to[count++] = library, to[count++] = file;
    for (; from && *from; from++) {
        if (count == ENV_MAX - 1) abort();
        to[count++] = *from;
    }
    to[count] = NULL;
}

int execvp(const char *program, char *const arguments[]) {
    char *env[ENV_MAX];
    with_clock(environ, env);
    return execvpe(program, arguments, env);
}

int posix_spawnp(pid_t *pid, const char *program, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const arguments[], char *const from[]) {
    char *env[ENV_MAX];
    with_clock(from, env);
    typeof(posix_spawnp) *spawn = (typeof(posix_spawnp) *)dlsym(RTLD_NEXT, "posix_spawnp");
    return spawn(pid, program, actions, attributes, arguments, env);
}
