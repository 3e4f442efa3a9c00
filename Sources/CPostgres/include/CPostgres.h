#pragma once
// The door to libpq, 14 or newer (pipelines). The library is loaded when it is asked for, not with the process: it
// brings some twenty others (Kerberos, LDAP, TLS) and 3 MB of their pages, and most processes never open a ledger.
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif

#ifndef LIBPQ_HAS_PIPELINING
#error "libpq 14 or newer is needed"
#endif

// Loads the library; no function of this header may be called before this has succeeded once. NULL, or why it could
// not be loaded, for as long as the process lives. Any thread may call, any number of times.
const char *tollway_pq_load(void);

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
