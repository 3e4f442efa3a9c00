#include "CAllocator.h"

// Read by jemalloc before main. Two arenas: a worker has few threads that allocate, and each arena keeps memory for itself.
const char *malloc_conf = "narenas:2,dirty_decay_ms:2000";
