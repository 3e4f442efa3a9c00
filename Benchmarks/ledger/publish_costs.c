// Publishes cost events as a worker does, each another attempt, of 400 users over the four tiers and four providers:
// persistent, confirmed.
//
//     publish_costs AMQP_URL EXCHANGE EVENTS [RATE]
//
// At most RATE a second, evenly, or as fast as the broker confirms. Each event carries the time of its publication.
// Prints the seconds from the first publication to the last confirm.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { USERS = 400, WINDOW = 1000 };

static const char *const TIERS[] = {"FREE", "PRO", "BUSINESS", "ENTERPRISE"};
static const char *const PROVIDERS[] = {"openai", "anthropic", "elevenlabs", "piper"};

// Confirms come in the order of their tags from one queue; one with `multiple` covers all before it.
static void settle(amqp_connection_state_t broker, uint64_t sent, uint64_t *confirmed, uint64_t most)
{
    while (sent - *confirmed > most) {
        amqp_frame_t frame;
        check(amqp_simple_wait_frame(broker, &frame), "wait for a confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
            die("the broker did not take an event; is the topology declared?");
        const amqp_basic_ack_t *ack = frame.payload.method.decoded;
        if (ack->delivery_tag > *confirmed)
            *confirmed = ack->delivery_tag;
        amqp_maybe_release_buffers(broker);
    }
}

static void wait_until(double instant)
{
    double left = instant - seconds_now();
    if (left > 0) {
        struct timespec pause = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (time_t)left) * 1e9)};
        nanosleep(&pause, NULL);
    }
}

static void write_event(char *body, size_t size, uint64_t number)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    char instant[32];
    strftime(instant, sizeof instant, "%Y-%m-%dT%H:%M:%S", &parts);
    unsigned user = number % USERS, input = 100 + number % 900, output = 50 + number % 400;
    snprintf(body, size,
             "{\"specversion\":\"1.0\",\"id\":\"bench-%08llu/m4x2k9/1\",\"source\":\"/tollway/worker\","
             "\"type\":\"dev.tollway.cost.recorded.v1\",\"subject\":\"user-%03u\",\"time\":\"%s.%03ldZ\","
             "\"datacontenttype\":\"application/json\",\"data\":{\"jobId\":\"bench-%08llu\",\"run\":\"m4x2k9\","
             "\"attempt\":1,\"seriesId\":null,\"userId\":\"user-%03u\",\"tier\":\"%s\",\"taskType\":\"llm\","
             "\"provider\":\"%s\",\"model\":\"gpt-5-mini\",\"modelVersion\":null,\"outcome\":\"success\",\"usage\":["
             "{\"unit\":\"input_tokens\",\"quantity\":\"%u\",\"source\":\"provider\"},"
             "{\"unit\":\"output_tokens\",\"quantity\":\"%u\",\"source\":\"provider\"}],"
             "\"cost\":{\"amount\":\"0.%09u000\",\"currency\":\"USD\",\"basis\":\"price_book\","
             "\"priceId\":\"openai/gpt-5-mini@2025-08-07\"},\"chargePeriod\":\"%.7s\",\"corrects\":null}}",
             (unsigned long long)number, user, instant, now.tv_nsec / 1000000, (unsigned long long)number, user,
             TIERS[user % 4], PROVIDERS[number % 4], input, output, input * 250 + output * 2000, instant);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5)
        die("usage: publish_costs AMQP_URL EXCHANGE EVENTS [RATE]");
    uint64_t events = positive(argv[3], "EVENTS"), confirmed = 0;
    long rate = argc == 5 ? positive(argv[4], "RATE") : 0;
    amqp_connection_state_t broker = open_broker(argv[1], 1);
    amqp_confirm_select(broker, 1);
    check_rpc(amqp_get_rpc_reply(broker), "confirm.select");

    amqp_basic_properties_t properties = {0};
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.content_type = bytes_of("application/cloudevents+json");
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;

    double begin = seconds_now();
    for (uint64_t number = 0; number < events; number++) {
        char body[1024];
        if (rate > 0)
            wait_until(begin + (double)number / rate);
        write_event(body, sizeof body, number);
        check(amqp_basic_publish(broker, 1, bytes_of(argv[2]), bytes_of("pro.llm.openai"), 1, 0, &properties,
                                 bytes_of(body)),
              "publish an event");
        settle(broker, number + 1, &confirmed, WINDOW);
    }
    settle(broker, events, &confirmed, 0);
    printf("%.3f\n", seconds_now() - begin);
    amqp_connection_close(broker, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(broker);
    return 0;
}
