#include "CPostgres.h"

#include <dlfcn.h>
#include <pthread.h>

// Each function of libpq that is used here stands under its own name and goes on to the loaded library; the compiler
// holds every line against libpq's header. Hidden, so that the library's own calls do not come back to them.
#define FORWARD(result, name, parameters, arguments)              \
  static __typeof__(&name) loaded_##name;                         \
  __attribute__((visibility("hidden"))) result name parameters { return loaded_##name arguments; }
#include "forwards.h"
#undef FORWARD

static char failure[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fail(void) {
  const char *reason = dlerror();
  size_t length = 0;
  for (; reason && reason[length] && length < sizeof failure - 1; length++) failure[length] = reason[length];
  if (length == 0) failure[0] = '?';
}

static void load(void) {
  void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail();
#define FORWARD(result, name, parameters, arguments) \
  if (!(loaded_##name = (__typeof__(&name))dlsym(library, #name))) return fail();
#include "forwards.h"
#undef FORWARD
}

const char *tollway_pq_load(void) {
  pthread_once(&once, load);
  return failure[0] ? failure : NULL;
}
