#pragma once
// The door to libpq, 14 or newer (pipelines), and what Swift cannot spell: fields named by a character constant.
#include <libpq-fe.h>

#ifndef LIBPQ_HAS_PIPELINING
#error "libpq 14 or newer is needed"
#endif

static inline const char *tollway_pq_sqlstate(const PGresult *result) {
  return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

// The first line that the server says; never its DETAIL, which quotes values.
static inline const char *tollway_pq_primary_message(const PGresult *result) {
  return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

static inline void tollway_pq_drop_notice(void *argument, const PGresult *result) {
  (void)argument;
  (void)result;
}

// By itself libpq prints notices to standard error.
static inline void tollway_pq_be_quiet(PGconn *connection) {
  PQsetNoticeReceiver(connection, tollway_pq_drop_notice, NULL);
}
