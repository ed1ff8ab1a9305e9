/*
 * An echo server on bare epoll, on one thread: what the machine allows.
 *
 *   epoll tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
 *
 * One buffer for all; what a client does not take at once is kept for it, and until it has
 * that, nothing more is read from it.
 */
#define _GNU_SOURCE
#include "../generator/sockets.h"

struct connection {
  int fd;
  SSL *tls;
  char *kept; /* what is still to be sent, of which `sent` bytes are */
  size_t length, sent;
};

static char buffer[262144];

static int listen_on(const char *transport, const char *where) {
  set_address(transport, where);
  int type = over_udp ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK;
  int fd = socket(address.ss_family, type, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(fd, (void *)&address, address_length) || (!over_udp && listen(fd, 4096))) {
    perror("epoll: cannot listen");
    exit(1);
  }
  return fd;
}

static void answer_datagrams(int fd) {
  for (;;) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(fd, buffer, sizeof buffer, 0, (void *)&from, &size);
    if (length >= 0) sendto(fd, buffer, length, 0, (void *)&from, size);
  }
}

static void watch(struct connection *connection, int events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event))
    epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event);
}

static void accept_all(int listener, SSL_CTX *tls) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct connection *connection = calloc(1, sizeof *connection);
    connection->fd = fd;
    if (tls) {
      connection->tls = SSL_new(tls);
      SSL_set_fd(connection->tls, fd);
      SSL_set_accept_state(connection->tls);
    }
    watch(connection, EPOLLIN);
  }
}

/* Sends as much as there is room for; less than none where the connection has failed. */
static ssize_t give(struct connection *connection, const char *bytes, size_t length) {
  size_t sent = 0;
  while (sent < length) {
    ssize_t more = connection->tls
                       ? SSL_write(connection->tls, bytes + sent, length - sent)
                       : send(connection->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
    if (more <= 0) return is_early(connection->tls, more) ? (ssize_t)sent : -1;
    sent += more;
  }
  return sent;
}

/* Sends back what has come, or the rest of it; whether the connection goes on. */
static bool echo(struct connection *connection) {
  if (connection->kept) {
    ssize_t sent = give(connection, connection->kept + connection->sent,
                        connection->length - connection->sent);
    if (sent < 0) return false;
    connection->sent += sent;
    if (connection->sent < connection->length) return true;
    free(connection->kept);
    connection->kept = NULL;
    watch(connection, EPOLLIN);
  }
  do { /* epoll does not know what a TLS connection still holds */
    ssize_t came = connection->tls ? SSL_read(connection->tls, buffer, sizeof buffer)
                                   : recv(connection->fd, buffer, sizeof buffer, 0);
    if (came <= 0) return is_early(connection->tls, came);
    ssize_t sent = give(connection, buffer, came);
    if (sent < 0) return false;
    if (sent == came) continue;
    connection->length = came - sent;
    connection->sent = 0;
    connection->kept = memcpy(malloc(connection->length), buffer + sent, connection->length);
    watch(connection, EPOLLOUT);
    return true;
  } while (connection->tls);
  return true;
}

static void end(struct connection *connection) {
  if (connection->tls) SSL_free(connection->tls);
  close(connection->fd);
  free(connection->kept);
  free(connection);
}

static SSL_CTX *tls_of(const char *certificate, const char *key) {
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
    fputs("epoll: cannot use the certificate\n", stderr);
    exit(1);
  }
  return tls;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_on(arguments[1], arguments[2]);
  if (over_udp) answer_datagrams(listener);
  SSL_CTX *tls = over_tls && count > 4 ? tls_of(arguments[3], arguments[4]) : NULL;
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if (!connection)
        accept_all(listener, tls);
      else if (!echo(connection))
        end(connection);
    }
  }
}
