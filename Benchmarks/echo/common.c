#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void check(int status, const char *what)
{
    if (status < 0)
        die("%s: %s", what, amqp_error_string2(status));
}

void check_rpc(amqp_rpc_reply_t reply, const char *what)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        die("%s: %s", what, amqp_error_string2(reply.library_error));
    die("%s: the broker refused it (method 0x%08X)", what, reply.reply.id);
}

amqp_connection_state_t open_broker(const char *url, int channels)
{
    char *copy = strdup(url);
    struct amqp_connection_info info;
    if (copy == NULL || amqp_parse_url(copy, &info) != AMQP_STATUS_OK || info.ssl)
        die("not an amqp:// URL");

    amqp_connection_state_t broker = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(broker);
    if (socket == NULL)
        die("no memory for a socket");
    check(amqp_socket_open(socket, info.host, info.port), "connect to the broker");
    check_rpc(amqp_login(broker, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password),
              "log in");
    for (int channel = 1; channel <= channels; channel++) {
        amqp_channel_open(broker, channel);
        check_rpc(amqp_get_rpc_reply(broker), "open a channel");
    }
    free(copy);
    return broker;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        die("cannot read %s", path);
    long size = ftell(file);
    rewind(file);
    char *text = malloc(size + 1);
    if (text == NULL || fread(text, 1, size, file) != (size_t)size)
        die("cannot read %s", path);
    fclose(file);
    text[size] = 0;
    return text;
}

long positive(const char *text, const char *name)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != 0 || value < 1)
        die("%s must be a whole number of at least 1, not '%s'", name, text);
    return value;
}
