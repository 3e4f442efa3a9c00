// What the three programs of this benchmark share: loud failure, a broker connection, clocks.
#ifndef TOLLWAY_BENCH_COMMON_H
#define TOLLWAY_BENCH_COMMON_H

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>

// Prints a sentence and exits with 1.
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Dies unless the library call, or the broker's answer to the last RPC, was good.
void check(int status, const char *what);
void check_rpc(amqp_rpc_reply_t reply, const char *what);

// Logs in to amqp://user:password@host:port/vhost and opens channels 1 to `channels`.
amqp_connection_state_t open_broker(const char *url, int channels);

// Monotonic, in seconds.
double seconds_now(void);

// The whole file, terminated by a zero byte; freed by the caller.
char *read_file(const char *path);

// A whole number of at least 1 from an argument.
long positive(const char *text, const char *name);

static inline amqp_bytes_t bytes_of(const char *text) { return amqp_cstring_bytes(text); }

#endif
