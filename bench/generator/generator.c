/*
 * Measures an echo server from one thread, and compares every byte that comes back.
 *
 *   generator trips SERVER CONNECTIONS SIZE WARM_UP SECONDS [RATE]
 *       messages of SIZE bytes, one under way on each connection; with RATE so many
 *       a second in all, whose time counts from when they were due
 *   generator bulk SERVER CONNECTIONS WARM_UP SECONDS
 *       streams, both ways at once
 *   generator connects SERVER AT_ONCE MOST SECONDS
 *       connect, one message of 16 bytes, close
 *
 * SERVER is the number of its process and its address, which is tcp:PORT, tls:PORT or
 * udp:PORT of 127.0.0.1, or unix:PATH; connects is for tcp and unix. Prints one object of
 * JSON: round trips, megabytes or connections a second, what each costs the server in
 * microseconds of CPU, and latencies in microseconds. Fails with one line.
 */
#include "clients.h"

enum { EVENTS = 256 };
static const uint64_t LOST_AFTER = 100000000;

/* Latencies: 64 buckets for each power of two. */
static uint64_t buckets[64 * 64], recorded, longest;

static void record(uint64_t nanoseconds) {
  int power = 63 - __builtin_clzll(nanoseconds | 64);
  buckets[(power - 6) * 64 + ((nanoseconds >> (power - 6)) & 63)]++;
  recorded++;
  if (nanoseconds > longest) longest = nanoseconds;
}

static double percentile(double share) {
  uint64_t rank = share * recorded, seen = 0;
  for (int i = 0; i < 64 * 64; i++)
    if ((seen += buckets[i]) > rank) return ((64.5 + i % 64) * (1ull << (i / 64))) / 1000;
  return 0;
}

/* What is measured, from the end of the warm-up on. */
struct measurement {
  uint64_t start, end, cpu_at_start;
  bool counts;
};

static struct measurement after(uint64_t first, double warm_up, double seconds) {
  uint64_t start = first + warm_up * SECOND;
  return (struct measurement){.start = start, .end = start + seconds * SECOND};
}

/* The time of CPUs that the server has used, in the kernel as well, in nanoseconds. */
static uint64_t server_cpu(void) {
  clockid_t clock;
  if (clock_getcpuclockid(server, &clock)) fail("there is no process %d", server);
  return read_clock(clock);
}

/* Whether the warm-up has just ended: what was counted until now does not count. */
static bool begins(struct measurement *measured, uint64_t time) {
  if (measured->counts || time < measured->start) return false;
  *measured = (struct measurement){time, measured->end, server_cpu(), true};
  return true;
}

/* Prints how much there was a second, under the name of that, and what it cost the server. */
static void print_rate(const struct measurement *measured, const char *name, double count) {
  uint64_t cpu = server_cpu() - measured->cpu_at_start;
  double seconds = (now() - measured->start) / 1e9;
  printf("{\"%s\":%.1f,\"cpu_us\":%.3f", name, count / seconds, cpu / 1e3 / count);
}

static void trips(int count, uint64_t size, double warm_up, double seconds, double rate) {
  open_clients(count);
  struct client **free_ones = calloc(count, sizeof *free_ones);
  uint64_t freed = count, begun = 0;
  for (int i = 0; i < count; i++) free_ones[i] = &clients[i];
  uint64_t first = now(), looked = first;
  struct measurement measured = after(first, warm_up, seconds);
  for (uint64_t time; (time = now()) < measured.end;) {
    if (begins(&measured, time)) {
      memset(buckets, 0, sizeof buckets);
      recorded = longest = 0;
    }
    while (begun < freed) {
      uint64_t due = rate > 0 ? first + (uint64_t)(begun / rate * SECOND) : now();
      if (rate > 0 && due > now()) break;
      struct client *client = free_ones[begun++ % count];
      client->due = due;
      client->goal += size;
      give(client);
    }
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, rate > 0 ? 0 : 100);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) give(client);
      if (!(events[i].events & ~EPOLLOUT) || take(client) == 0 || client->returned < client->goal)
        continue;
      record(now() - client->due);
      free_ones[freed++ % count] = client;
    }
    if (!over_udp || time < looked + LOST_AFTER) continue;
    looked = time;
    for (struct client *client = clients; client < clients + count; client++)
      if (client->returned < client->goal && time > client->due + LOST_AFTER) {
        client->due = time;
        client->sent = client->returned;
        give(client);
      }
  }
  if (recorded == 0) fail("nothing came back");
  print_rate(&measured, "per_second", recorded);
  /* What has waited the longest may still wait. */
  for (struct client *client = clients; client < clients + count; client++)
    if (client->returned < client->goal && now() - client->due > longest)
      longest = now() - client->due;
  printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", percentile(0.5),
         percentile(0.99), longest / 1e3);
}

static void bulk(int count, double warm_up, double seconds) {
  open_clients(count);
  for (int i = 0; i < count; i++) {
    clients[i].goal = UINT64_MAX;
    give(&clients[i]);
  }
  uint64_t bytes = 0;
  struct measurement measured = after(now(), warm_up, seconds);
  for (uint64_t time; (time = now()) < measured.end;) {
    if (begins(&measured, time)) bytes = 0;
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (events[i].events & ~EPOLLOUT) bytes += take(client);
      if (events[i].events & EPOLLOUT) give(client);
    }
  }
  if (bytes == 0) fail("nothing came back");
  print_rate(&measured, "mb_per_second", bytes / 1e6);
  puts("}");
}

static void begin_connect(struct client *client) {
  *client = (struct client){
      .fd = new_socket(SOCK_NONBLOCK), .goal = 16, .wants_room = true};
  if (connect(client->fd, (void *)&address, address_length) && errno != EINPROGRESS)
    fail("cannot connect: %s", strerror(errno));
  watch(client, EPOLL_CTL_ADD);
}

static void connects(int at_once, uint64_t most, double seconds) {
  struct measurement measured = after(now(), 0, seconds);
  uint64_t begun = at_once, served = 0;
  begins(&measured, now());
  for (int i = 0; i < at_once; i++) begin_connect(&clients[i]);
  while (now() < measured.end && served < most) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (client->wants_room) {
        give(client);
      } else if (take(client) > 0 && client->returned == client->goal) {
        close(client->fd);
        served++;
        if (begun++ < most) begin_connect(client);
      }
    }
  }
  if (served == 0) fail("no connection was served");
  print_rate(&measured, "per_second", served);
  puts("}");
}

int main(int count, char **arguments) {
  char *mode = count > 4 ? arguments[1] : "", **rest = arguments + 4;
  double value[5] = {0};
  for (int i = 0; i < 5 && i < count - 4; i++) value[i] = atof(rest[i]);
  signal(SIGPIPE, SIG_IGN);
  uint32_t random = 2463534242;
  for (int i = 0; i < PERIOD + ROOM; i++) {
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    pattern[i] = i < PERIOD ? random >> 24 : pattern[i - PERIOD];
  }
  if (count > 4) set_server(arguments[2], arguments[3]);
  clients = calloc(value[0] + 1, sizeof *clients);
  poller = epoll_create1(0);
  if (!strcmp(mode, "trips") && count > 7)
    trips(value[0], value[1], value[2], value[3], value[4]);
  else if (!strcmp(mode, "bulk") && count > 6)
    bulk(value[0], value[1], value[2]);
  else if (!strcmp(mode, "connects") && count > 6)
    connects(value[0], value[1], value[2]);
  else
    fail("wrong arguments, see the head of its source");
}
