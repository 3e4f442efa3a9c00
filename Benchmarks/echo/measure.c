// Watches a process work through its jobs, from outside and the same way whatever the process is: the broker counts the
// result events that have arrived (the last thing before a job is acked), /proc tells what the process used meanwhile.
//
//     measure AMQP_URL PID JOBS NAME
//
// Prints one line of JSON when JOBS results are there, and as many cost events: rate and CPU between the first and the
// last count, and the peak of resident memory since the process began. Then it ends the process by SIGTERM and looks
// whether every job was acked. Gives up after 120 seconds, and 40 for the end.

#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 120, END_SECONDS = 40 };

static const struct timespec PAUSE = {.tv_nsec = 20 * 1000 * 1000};

// User and system time of a process so far, all threads, in seconds.
static double cpu_seconds(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL)
        die("process %ld has ended", pid);
    fclose(file);
    unsigned long user, system;
    // Fields 14 and 15; the name in parentheses before them may contain anything.
    char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("cannot read %s", path);
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static long peak_kib(long pid)
{
    char path[64], line[256];
    long peak = -1;
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("process %ld has ended", pid);
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmHWM: %ld", &peak);
    fclose(file);
    return peak;
}

static long messages(amqp_connection_state_t broker, const char *queue)
{
    amqp_queue_declare_ok_t *answer =
        amqp_queue_declare(broker, 1, bytes_of(queue), 1, 0, 0, 0, amqp_empty_table);
    check_rpc(amqp_get_rpc_reply(broker), queue);
    long count = answer->message_count;
    amqp_maybe_release_buffers(broker);
    return count;
}

static int has_ended(long pid)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 1;
    const char *read = fgets(text, sizeof text, file);
    fclose(file);
    const char *rest = strrchr(text, ')');
    return read == NULL || rest == NULL || rest[2] == 'Z';
}

// What was delivered and not acked is back in its lane once the process has gone.
static void end_and_count(amqp_connection_state_t broker, long pid, const char *name)
{
    double end_of_patience = seconds_now() + END_SECONDS;
    kill(pid, SIGTERM);
    while (!has_ended(pid)) {
        if (seconds_now() > end_of_patience)
            die("%s still runs %d s after SIGTERM", name, END_SECONDS);
        nanosleep(&PAUSE, NULL);
    }
    long left = messages(broker, "jobs.critical") + messages(broker, "jobs.high") +
                messages(broker, "jobs.standard") + messages(broker, "jobs.low");
    if (left > 0)
        die("%s left %ld jobs without an ack", name, left);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        die("usage: measure AMQP_URL PID JOBS NAME");
    long pid = positive(argv[2], "PID"), jobs = positive(argv[3], "JOBS");
    amqp_connection_state_t broker = open_broker(argv[1], 1);

    double end_of_patience = seconds_now() + LIMIT_SECONDS;
    double first_time = 0, first_cpu = 0;
    long first = 0, count;
    while ((count = messages(broker, "bench.results")) < jobs) {
        if (first == 0 && count > 0) {
            first = count;
            first_time = seconds_now();
            first_cpu = cpu_seconds(pid);
        }
        cpu_seconds(pid);  // dies when the process has
        if (seconds_now() > end_of_patience)
            die("%s: only %ld of %ld jobs after %d s", argv[4], count, jobs, LIMIT_SECONDS);
        nanosleep(&PAUSE, NULL);
    }
    if (first == 0)
        die("%s was done at the first look: more jobs are needed", argv[4]);
    double seconds = seconds_now() - first_time, cpu = cpu_seconds(pid) - first_cpu;
    long done = count - first;
    // A cost event goes through a quorum queue: the result that was sent beside it may be counted earlier.
    for (end_of_patience = seconds_now() + 5; messages(broker, "costs.ledger") < jobs; nanosleep(&PAUSE, NULL))
        if (seconds_now() > end_of_patience)
            die("%s announced %ld results and fewer cost events", argv[4], count);
    printf("{\"name\": \"%s\", \"jobs\": %ld, \"seconds\": %.3f, \"jobs_per_second\": %.0f, \"cpu_us_per_job\": %.1f, "
           "\"peak_mib\": %.1f}\n",
           argv[4], done, seconds, done / seconds, cpu * 1e6 / done, peak_kib(pid) / 1024.0);
    end_and_count(broker, pid, argv[4]);
    return 0;
}
