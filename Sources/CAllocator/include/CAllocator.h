#pragma once

/// Settings of jemalloc, by the name under which it looks for them; nobody reads them where it is not linked.
extern const char *malloc_conf;
