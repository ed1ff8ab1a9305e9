/* What the generator and the server in C (../peers/epoll.c) share. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_storage address;
static socklen_t address_length;
static bool over_udp, over_tls;
static int poller;

/* `where` is the path of a Unix socket, or a port of 127.0.0.1. */
static void set_address(const char *transport, const char *where) {
  over_udp = !strcmp(transport, "udp");
  over_tls = !strcmp(transport, "tls");
  if (!strcmp(transport, "unix")) {
    struct sockaddr_un *path = (void *)&address;
    path->sun_family = AF_UNIX;
    strncpy(path->sun_path, where, sizeof path->sun_path - 1);
    address_length = sizeof *path;
  } else {
    struct sockaddr_in *port = (void *)&address;
    port->sin_family = AF_INET;
    port->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port->sin_port = htons(atoi(where));
    address_length = sizeof *port;
  }
}

/* Whether a read or write that brought `result` only has to be done again later. */
static bool is_early(SSL *tls, ssize_t result) {
  if (!tls) return result < 0 && errno == EAGAIN;
  int error = SSL_get_error(tls, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}
