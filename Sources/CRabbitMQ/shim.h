#pragma once
// The door to librabbitmq: the headers where this system keeps them, and what Swift cannot call itself.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif
#include <sys/time.h>

static inline amqp_table_entry_t tollway_text(const char *key, const char *value) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = amqp_cstring_bytes(value);
  return entry;
}

static inline amqp_table_entry_t tollway_capability(const char *key) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

// amqp_login_with_properties is variadic (the SASL arguments), which Swift cannot call. The library announces only the
// last two capabilities by itself; without the others the broker would drop a consumer in silence (its queue deleted)
// and never say that it is blocked. It copies what it is given.
static inline amqp_rpc_reply_t tollway_login_plain(amqp_connection_state_t state, const char *vhost, int frame_max,
                                                   int heartbeat, const char *name, const char *version,
                                                   const char *user, const char *password) {
  amqp_table_entry_t capabilities[6] = {
      tollway_capability("consumer_cancel_notify"), tollway_capability("connection.blocked"),
      tollway_capability("publisher_confirms"),     tollway_capability("basic.nack"),
      tollway_capability("exchange_exchange_bindings"), tollway_capability("authentication_failure_close")};
  amqp_table_entry_t entries[4] = {tollway_text("product", "tollway"), tollway_text("version", version),
                                   tollway_text("connection_name", name)};
  entries[3].key = amqp_cstring_bytes("capabilities");
  entries[3].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[3].value.value.table.num_entries = 6;
  entries[3].value.value.table.entries = capabilities;
  amqp_table_t properties = {4, entries};
  return amqp_login_with_properties(state, vhost, 0, frame_max, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user,
                                    password);
}
