/* The clients of the generator: connections over any transport, and what they send and take. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include "sockets.h"

enum { CHUNK = 65536, ROOM = 262144, PERIOD = 131071 };
static const uint64_t SECOND = 1000000000;

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static uint64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

struct client {
  int fd;
  SSL *tls;
  uint64_t sent, returned, goal; /* bytes */
  uint64_t due;                  /* when the message under way was, in nanoseconds */
  bool wants_room;
};

/* What all clients send, again and again. The period is prime, so that no two messages
 * of a client are equal for long: a server may well silence who repeats itself. */
static unsigned char pattern[PERIOD + ROOM], incoming[ROOM];
static pid_t server;
static SSL_CTX *tls_context;
static struct client *clients;

static void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("generator: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  exit(1);
}

static void set_server(char *process, char *where) {
  server = atoi(process);
  char *transport = strsep(&where, ":");
  if (!where) fail("%s is no address", transport);
  set_address(transport, where);
  if (!over_tls) return;
  tls_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(tls_context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static int new_socket(int flags) {
  int fd = socket(address.ss_family, (over_udp ? SOCK_DGRAM : SOCK_STREAM) | flags, 0);
  if (fd < 0) fail("no socket: %s", strerror(errno));
  if (address.ss_family == AF_INET && !over_udp)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

/* Connects, and waits for it. */
static void open_client(struct client *client) {
  *client = (struct client){.fd = new_socket(0)};
  /* The line before a Unix socket is full at once, where it is busy. */
  uint64_t end = now() + 5 * SECOND;
  while (connect(client->fd, (void *)&address, address_length))
    if (errno != EAGAIN || now() > end)
      fail("cannot connect: %s", strerror(errno));
    else
      usleep(1000);
  if (over_tls) {
    client->tls = SSL_new(tls_context);
    SSL_set_fd(client->tls, client->fd);
    if (SSL_connect(client->tls) != 1) fail("the TLS handshake failed");
  }
}

static void watch(struct client *client, int how) {
  struct epoll_event event = {.events = EPOLLIN | (client->wants_room ? EPOLLOUT : 0),
                              .data.ptr = client};
  if (epoll_ctl(poller, how, client->fd, &event)) fail("epoll: %s", strerror(errno));
}

static void open_clients(int count) {
  for (int i = 0; i < count; i++) {
    open_client(&clients[i]);
    fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
    watch(&clients[i], EPOLL_CTL_ADD);
  }
}

/* Sends what is to be sent, as far as there is room. */
static void give(struct client *client) {
  for (int writes = 0; writes < 4 && client->sent < client->goal; writes++) {
    uint64_t rest = client->goal - client->sent;
    size_t length = rest < CHUNK ? rest : CHUNK;
    unsigned char *from = pattern + client->sent % PERIOD;
    ssize_t sent = client->tls ? SSL_write(client->tls, from, length)
                               : send(client->fd, from, length, MSG_NOSIGNAL);
    if (sent <= 0 && is_early(client->tls, sent)) break;
    if (sent <= 0) fail("the server broke a connection");
    client->sent += sent;
  }
  if (client->wants_room == (client->sent < client->goal)) return;
  client->wants_room = !client->wants_room;
  watch(client, EPOLL_CTL_MOD);
}

/* Takes what has come, compares it, and returns how much it was. */
static size_t take(struct client *client) {
  size_t taken = 0;
  for (;;) {
    ssize_t came =
        client->tls ? SSL_read(client->tls, incoming, ROOM) : recv(client->fd, incoming, ROOM, 0);
    if (came <= 0 && is_early(client->tls, came)) return taken;
    if (came <= 0) fail("the server ended a connection");
    if (client->returned + came > client->sent ||
        memcmp(incoming, pattern + client->returned % PERIOD, came)) {
      if (over_udp) return taken; /* it may be late: what was to come counts as lost */
      fail("what came back differs, after %llu bytes", (unsigned long long)client->returned);
    }
    client->returned += came;
    taken += came;
    /* epoll does not know what a TLS connection still holds. */
    if (!client->tls || taken >= ROOM) return taken;
  }
}
