// Fills the lanes: publishes jobs of task type echo, of 40 users over the four tiers, persistent, mandatory, confirmed.
//
//     publish AMQP_URL JOBS
//
// First it declares the queue bench.results for all result events, where `measure` counts them. Job i is of user i modulo 40, whose tier is the user's number modulo 4; it goes to that tier's lane.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 40, WINDOW = 1000 };

static const char *const TIERS[] = {"tier1", "tier2", "tier3", "tier4"};
static const char *const LANES[] = {"low", "standard", "high", "critical"};

// Which publications are confirmed, by tag from 1. Confirms come in any order across queues, and one with `multiple` covers
// all before it.
typedef struct {
    unsigned char *is_confirmed;
    uint64_t sent;
    uint64_t below;  // all up to this one are confirmed
} window_t;

// Waits until all but the last `most` publications are confirmed.
static void settle(amqp_connection_state_t broker, window_t *window, uint64_t most)
{
    while (window->sent - window->below > most) {
        amqp_frame_t frame;
        check(amqp_simple_wait_frame(broker, &frame), "wait for a confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
            die("the broker did not take a job; is the topology declared?");
        const amqp_basic_ack_t *ack = frame.payload.method.decoded;
        window->is_confirmed[ack->delivery_tag] = 1;
        if (ack->multiple && ack->delivery_tag > window->below)
            window->below = ack->delivery_tag;
        while (window->below < window->sent && window->is_confirmed[window->below + 1])
            window->below++;
        amqp_maybe_release_buffers(broker);
    }
}

static void declare_results(amqp_connection_state_t broker)
{
    amqp_queue_declare(broker, 1, bytes_of("bench.results"), 0, 0, 0, 0, amqp_empty_table);
    check_rpc(amqp_get_rpc_reply(broker), "declare bench.results");
    amqp_queue_bind(broker, 1, bytes_of("bench.results"), bytes_of("results"), bytes_of("#"), amqp_empty_table);
    check_rpc(amqp_get_rpc_reply(broker), "bind bench.results");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: publish AMQP_URL JOBS");
    uint64_t jobs = positive(argv[2], "JOBS");
    window_t window = {.is_confirmed = calloc(jobs + 2, 1)};
    if (window.is_confirmed == NULL)
        die("no memory for %llu jobs", (unsigned long long)jobs);
    amqp_connection_state_t broker = open_broker(argv[1], 1);
    declare_results(broker);
    amqp_confirm_select(broker, 1);
    check_rpc(amqp_get_rpc_reply(broker), "confirm.select");

    amqp_basic_properties_t properties = {0};
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.content_type = bytes_of("application/json");
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;

    for (uint64_t job = 0; job < jobs; job++) {
        unsigned user = job % USERS, tier = user % 4;
        char body[512];
        snprintf(body, sizeof body,
                 "{\"id\":\"bench-%08llu\",\"userId\":\"user-%02u\",\"taskType\":\"echo\",\"userTier\":\"%s\","
                 "\"payload\":{\"usage\":{\"characters\":66},\"text\":\"Once upon a time there was a lane for everybody, "
                 "and a gate that let them through one by one.\"},\"seriesId\":\"bench\",\"model\":null,"
                 "\"metadata\":{\"source\":\"benchmark\"}}",
                 (unsigned long long)job, user, TIERS[tier]);
        check(amqp_basic_publish(broker, 1, bytes_of("jobs"), bytes_of(LANES[tier]), 1, 0, &properties,
                                 bytes_of(body)),
              "publish a job");
        window.sent = job + 1;
        settle(broker, &window, WINDOW);
    }
    settle(broker, &window, 0);
    amqp_connection_close(broker, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(broker);
    return 0;
}
