// Preloaded into a program (LD_PRELOAD), shifts its wall clock by the seconds that the file named by SHIFTED_CLOCK
// holds, as a decimal number with a sign or without, and a newline: 3456000 is forty days ahead. A number after = is
// the time itself, in seconds since 1970: the clock stands still there. Read at every look at the clock, so that
// writing the file moves the clock of the running program; an unfinished line changes nothing yet. Clocks that measure
// durations go on undisturbed. Debian's libfaketime will not do: it hangs in programs with jemalloc, as redis-server
// is, because it allocates memory while jemalloc asks it for the time.
//
//   cc -shared -fPIC -O2 -o shifted_clock.so shifted_clock.c

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long billion = 1000000000;

// Moves a time by what the file says, all in nanoseconds. Calls nothing that allocates, for the caller may be an
// allocator.
static long long shifted(long long now) {
  static _Atomic long long last;
  static _Atomic int stands;
  static const char *_Atomic path;  // kept, because a program may rebuild its environment
  if (!path) path = getenv("SHIFTED_CLOCK");
  if (!path) return now;
  char text[64];
  ssize_t count = -1;
  int before = errno;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    count = read(file, text, sizeof text - 1);
    close(file);
  }
  errno = before;
  if (count > 0) {
    text[count] = 0;
    char *end, *number = text + (text[0] == '=');
    double seconds = strtod(number, &end);
    if (end > number && *end == '\n') {
      stands = number > text;
      // Microseconds, which is what a double holds of a time since 1970.
      last = (long long)(seconds * 1e6 + (seconds < 0 ? -0.5 : 0.5)) * 1000;
    }
  }
  return stands ? last : now + last;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  long long time = shifted(now->tv_sec * (long long)billion + now->tv_nsec);
  now->tv_sec = time / billion;
  now->tv_nsec = time % billion;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;  // obsolete, and no caller gives one
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now) *now = precise.tv_sec;
  return precise.tv_sec;
}
