// The yardstick: what a competent C programmer would write in an afternoon to do the same broker and Redis operations for
// a job as `tollway worker` does, in one thread, Redis calls one by one, no policy, no retries, no reconnecting.
//
//     plain_loop AMQP_URL REDIS_HOST REDIS_PORT ADMIT.lua FINISH.lua
//
// For each job from the four lanes (prefetch 256 each): EVALSHA admit, EVALSHA finish, publish the cost event (mandatory,
// persistent), publish the result event (persistent), and ack when both are confirmed. Channel 1 consumes and acks,
// channel 2 publishes; confirms are processed as they come, acks cover every delivery whose turn has come.
// Runs until SIGTERM.

#include "common.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONSUMING = 1,
    PUBLISHING = 2,
    PREFETCH = 256,
    RING = 4 * PREFETCH,  // deliveries that can be open at once, a power of two
    TEXT = 1024,
};

static const char *const LANES[] = {"critical", "high", "standard", "low"};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

// What the loop needs of a job.
typedef struct {
    char id[129], user[129], tier[16], lane[32];
    char encoded_user[180];
} job_t;

typedef struct {
    redisContext *context;
    char run_id[64], admit_sha[64], finish_sha[64];
} redis_t;

// Deliveries and their two publications by tag. Delivery tags count from 1 on the channel, publications from 1 too:
// those of delivery d are 2d-1 and 2d, because every delivery publishes both in its turn.
typedef struct {
    unsigned char confirms[RING];  // of a delivery: bit 0 and bit 1, its publications that are confirmed
    uint64_t acked;                // deliveries up to this one are acked
    uint64_t published;            // publications so far
} window_t;

// --- Redis ----------------------------------------------------------------------------------------------------------

static redisReply *good(redis_t *redis, redisReply *reply, const char *what)
{
    if (reply == NULL)
        die("%s: %s", what, redis->context->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        die("%s: %s", what, reply->str);
    return reply;
}

static void load_script(redis_t *redis, const char *path, char sha[64])
{
    char *source = read_file(path);
    redisReply *reply = good(redis, redisCommand(redis->context, "SCRIPT LOAD %s", source), path);
    snprintf(sha, 64, "%s", reply->str);
    freeReplyObject(reply);
    free(source);
}

static void open_redis(redis_t *redis, const char *host, int port, const char *admit, const char *finish)
{
    redis->context = redisConnect(host, port);
    if (redis->context == NULL || redis->context->err)
        die("connect to Redis: %s", redis->context ? redis->context->errstr : "no memory");
    redisReply *info = good(redis, redisCommand(redis->context, "INFO server"), "INFO");
    const char *found = strstr(info->str, "run_id:");
    if (found == NULL || sscanf(found, "run_id:%63[0-9a-f]", redis->run_id) != 1)
        die("Redis tells no run_id");
    freeReplyObject(info);
    load_script(redis, admit, redis->admit_sha);
    load_script(redis, finish, redis->finish_sha);
    // Grants may begin at once: nobody held a lease in this Redis before.
    freeReplyObject(good(redis, redisCommand(redis->context, "SET {tollway}:epoch %s:0", redis->run_id), "SET"));
}

// EVALSHA with the key prefix and the arguments of the script's header; the first word of the answer must be `expected`.
static void call_script(redis_t *redis, const char *name, const char *sha, const char **words, int count,
                        const char *expected)
{
    const char *argv[32] = {"EVALSHA", sha, "1", "{tollway}:"};
    if (count > 28)
        die("%s: too many arguments", name);
    memcpy(argv + 4, words, count * sizeof *words);
    redisReply *reply = good(redis, redisCommandArgv(redis->context, count + 4, argv, NULL), name);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || reply->element[0]->str == NULL ||
        strcmp(reply->element[0]->str, expected) != 0)
        die("%s did not answer '%s'", name, expected);
    freeReplyObject(reply);
}

// The arguments stand in the headers of Sources/Admission/Scripts/admit.lua and finish.lua.
static void admit_and_finish(redis_t *redis, const job_t *job, uint64_t delivery, const char *run, const char *cost,
                             const char *result, const char *output)
{
    char lease[192];
    const char *digest = "0123456789abcdef0123456789abcdef";
    snprintf(lease, sizeof lease, "plain.%llu/%s", (unsigned long long)delivery, job->id);

    const char *admit[] = {
        redis->run_id, job->id, job->encoded_user, digest, job->lane, "1000", "30000", lease, run, "echo/echo/1",
        "5", "604800000", "", "1", "0", "", "", "", "plain", "256",
    };
    call_script(redis, "admit", redis->admit_sha, admit, sizeof admit / sizeof *admit, "admitted");

    const char *finish[] = {
        lease, job->id, job->encoded_user, digest, run, "succeeded", result, output, "86400000", "3600000", "1", "",
        "1", cost, "",
    };
    call_script(redis, "finish", redis->finish_sha, finish, sizeof finish / sizeof *finish, "finished");
}

// --- jobs and events ------------------------------------------------------------------------------------------------

// Copies the string member `name`, up to `size` - 1 characters. The benchmark's own jobs have no escapes.
static void member(const char *body, const char *name, char *value, size_t size)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *found = strstr(body, pattern);
    if (found == NULL)
        die("a job without %s", name);
    found += strlen(pattern);
    size_t length = strcspn(found, "\"");
    if (length >= size)
        die("a job whose %s is too long", name);
    memcpy(value, found, length);
    value[length] = 0;
}

static void base64url(const char *text, char *output)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at += 3) {
        unsigned rest = length - at;
        unsigned bits = (unsigned char)text[at] << 16 | (rest > 1 ? (unsigned char)text[at + 1] << 8 : 0) |
                        (rest > 2 ? (unsigned char)text[at + 2] : 0);
        *output++ = digits[bits >> 18];
        *output++ = digits[bits >> 12 & 63];
        if (rest > 1)
            *output++ = digits[bits >> 6 & 63];
        if (rest > 2)
            *output++ = digits[bits & 63];
    }
    *output = 0;
}

static void read_job(const char *body, const char *lane, job_t *job)
{
    member(body, "id", job->id, sizeof job->id);
    member(body, "userId", job->user, sizeof job->user);
    member(body, "userTier", job->tier, sizeof job->tier);
    snprintf(job->lane, sizeof job->lane, "%s", lane);
    base64url(job->user, job->encoded_user);
}

static void timestamp(char text[32])
{
    struct timespec now;
    struct tm parts;
    char seconds[20];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, 32, "%s.%03uZ", seconds, (unsigned)(now.tv_nsec / 1000000) % 1000);
}

static void write_events(const job_t *job, const char *run, char cost[TEXT], char result[TEXT], char output[TEXT])
{
    char now[32];
    timestamp(now);
    snprintf(cost, TEXT,
             "{\"specversion\":\"1.0\",\"id\":\"%s/%s/1\",\"source\":\"/tollway/worker\","
             "\"type\":\"dev.tollway.cost.recorded.v1\",\"subject\":\"%s\",\"time\":\"%s\","
             "\"datacontenttype\":\"application/json\",\"data\":{\"jobId\":\"%s\",\"run\":\"%s\",\"attempt\":1,"
             "\"seriesId\":\"bench\",\"userId\":\"%s\",\"tier\":\"%s\",\"taskType\":\"echo\",\"provider\":\"echo\","
             "\"model\":\"echo\",\"modelVersion\":null,\"outcome\":\"success\",\"usage\":[{\"unit\":\"characters\","
             "\"quantity\":\"66\",\"source\":\"provider\"}],\"cost\":{\"amount\":\"0.000000000000\","
             "\"currency\":\"USD\",\"basis\":\"price_book\",\"priceId\":null},\"chargePeriod\":\"%.7s\","
             "\"corrects\":null}}",
             job->id, run, job->user, now, job->id, run, job->user, job->tier, now);
    snprintf(output, TEXT, "{\"echo\":{\"usage\":{\"characters\":66},\"text\":\"Once upon a time there was a lane for "
                           "everybody, and a gate that let them through one by one.\"}}");
    snprintf(result, TEXT,
             "{\"jobId\":\"%s\",\"userId\":\"%s\",\"tier\":\"%s\",\"taskType\":\"echo\",\"status\":\"succeeded\","
             "\"provider\":\"echo\",\"model\":\"echo\",\"modelVersion\":null,\"usage\":[{\"unit\":\"characters\","
             "\"quantity\":\"66\"}],\"cost\":{\"amount\":\"0.000000000000\",\"currency\":\"USD\"},\"attempts\":"
             "[{\"n\":1,\"provider\":\"echo\",\"model\":\"echo\",\"outcome\":\"success\",\"ms\":0}],"
             "\"seriesId\":\"bench\",\"metadata\":{\"source\":\"benchmark\"},\"run\":\"%s\",\"error\":null,"
             "\"queuedAt\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\",\"output\":",
             job->id, job->user, job->tier, run, now, now, now);
}

static void publish(amqp_connection_state_t broker, const char *exchange, const char *key, int mandatory,
                    const char *type, const char *id, const char *body)
{
    amqp_basic_properties_t properties = {0};
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
    properties.content_type = bytes_of(type);
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    properties.message_id = bytes_of(id);
    check(amqp_basic_publish(broker, PUBLISHING, bytes_of(exchange), bytes_of(key), mandatory, 0, &properties,
                             bytes_of(body)),
          "publish an event");
}

// --- the loop -------------------------------------------------------------------------------------------------------

static void run_job(amqp_connection_state_t broker, redis_t *redis, window_t *window, const char *body,
                    const char *lane, uint64_t delivery)
{
    job_t job;
    char run[32], cost[TEXT], result[2 * TEXT], output[TEXT], cost_id[200], result_id[200], key[64];
    read_job(body, lane, &job);
    snprintf(run, sizeof run, "c%llx", (unsigned long long)delivery);
    write_events(&job, run, cost, result, output);
    admit_and_finish(redis, &job, delivery, run, cost, result, output);

    snprintf(cost_id, sizeof cost_id, "%s/%s/1", job.id, run);
    snprintf(result_id, sizeof result_id, "%s/%s", job.id, run);
    snprintf(key, sizeof key, "%s.echo.echo", job.tier);
    strcat(strcat(result, output), "}");
    window->confirms[delivery % RING] = 0;
    publish(broker, "costs", key, 1, "application/cloudevents+json", cost_id, cost);
    publish(broker, "results", "echo.succeeded", 0, "application/json", result_id, result);
    window->published += 2;
    if (window->published != 2 * delivery)
        die("publications and deliveries are out of step");
}

// Notes what is confirmed and acks every delivery that is complete, in order. Confirms may come out of order, and one
// with `multiple` may cover some that came before.
static void on_confirm(amqp_connection_state_t broker, window_t *window, const amqp_basic_ack_t *ack)
{
    uint64_t first = ack->multiple ? 2 * window->acked + 1 : ack->delivery_tag;
    for (uint64_t tag = first; tag <= ack->delivery_tag; tag++)
        window->confirms[((tag + 1) / 2) % RING] |= 1 << tag % 2;
    uint64_t complete = window->acked;
    while (complete < window->published / 2 && window->confirms[(complete + 1) % RING] == 3)
        complete++;
    if (complete > window->acked) {
        check(amqp_basic_ack(broker, CONSUMING, complete, 1), "ack");
        window->acked = complete;
    }
}

static void subscribe(amqp_connection_state_t broker)
{
    amqp_basic_qos(broker, CONSUMING, 0, PREFETCH, 0);
    check_rpc(amqp_get_rpc_reply(broker), "basic.qos");
    amqp_confirm_select(broker, PUBLISHING);
    check_rpc(amqp_get_rpc_reply(broker), "confirm.select");
    for (size_t lane = 0; lane < sizeof LANES / sizeof *LANES; lane++) {
        char queue[32];
        snprintf(queue, sizeof queue, "jobs.%s", LANES[lane]);
        amqp_basic_consume(broker, CONSUMING, bytes_of(queue), bytes_of(LANES[lane]), 0, 0, 0, amqp_empty_table);
        check_rpc(amqp_get_rpc_reply(broker), "basic.consume");
    }
}

// Reads the message that follows a basic.deliver and runs its job.
static void on_delivery(amqp_connection_state_t broker, redis_t *redis, window_t *window,
                        const amqp_basic_deliver_t *deliver)
{
    char lane[32];
    amqp_message_t message;
    uint64_t delivery = deliver->delivery_tag;
    snprintf(lane, sizeof lane, "%.*s", (int)deliver->consumer_tag.len, (char *)deliver->consumer_tag.bytes);
    check_rpc(amqp_read_message(broker, CONSUMING, &message, 0), "read a message");
    char body[4096];
    if (message.body.len >= sizeof body)
        die("a job of more than %zu bytes", sizeof body);
    memcpy(body, message.body.bytes, message.body.len);
    body[message.body.len] = 0;
    amqp_destroy_message(&message);
    run_job(broker, redis, window, body, lane, delivery);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("usage: plain_loop AMQP_URL REDIS_HOST REDIS_PORT ADMIT.lua FINISH.lua");
    static redis_t redis;
    static window_t window;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    open_redis(&redis, argv[2], (int)positive(argv[3], "REDIS_PORT"), argv[4], argv[5]);
    amqp_connection_state_t broker = open_broker(argv[1], 2);
    subscribe(broker);

    while (!stopping) {
        amqp_frame_t frame;
        struct timeval patience = {.tv_sec = 1};
        int status = amqp_simple_wait_frame_noblock(broker, &frame, &patience);
        if (status == AMQP_STATUS_TIMEOUT)
            continue;
        check(status, "wait for a frame");
        if (frame.frame_type != AMQP_FRAME_METHOD)
            die("a frame out of place");
        switch (frame.payload.method.id) {
        case AMQP_BASIC_DELIVER_METHOD:
            on_delivery(broker, &redis, &window, frame.payload.method.decoded);
            break;
        case AMQP_BASIC_ACK_METHOD:
            on_confirm(broker, &window, frame.payload.method.decoded);
            break;
        default:
            die("the broker sent method 0x%08X", frame.payload.method.id);
        }
        amqp_maybe_release_buffers_on_channel(broker, CONSUMING);
        amqp_maybe_release_buffers_on_channel(broker, PUBLISHING);
    }
    redisFree(redis.context);
    amqp_connection_close(broker, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(broker);
    return 0;
}
