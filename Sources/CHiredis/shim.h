#pragma once
// The door to hiredis. Only the argv calls are used, which are not variadic.
#include <hiredis/hiredis.h>

// Whether the hiredis this program is built against brings TLS: since 1.0 it does so with a header of its own. The two
// versions have different sonames, so what the build saw is what the loader will find.
static inline int tollway_hiredis_has_tls(void) {
#if defined(__has_include) && __has_include(<hiredis/hiredis_ssl.h>)
  return 1;
#else
  return 0;
#endif
}
