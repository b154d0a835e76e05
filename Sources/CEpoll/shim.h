#ifndef CEPOLL_SHIM_H
#define CEPOLL_SHIM_H

/* Glibc's Swift module map leaves these Linux headers out. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* Declared by the system only where _GNU_SOURCE is set, which gives types of Glibc's own module
   another shape than Swift already knows. */
extern int accept4(int, struct sockaddr *, socklen_t *, int);

/* The address has the room of a sockaddr_storage; its length is set. */
static inline int cepoll_accept4(int descriptor, void *address, unsigned *length, int flags) {
  return accept4(descriptor, address, length, flags);
}

static inline int cepoll_nonblocking_cloexec(void) { return SOCK_NONBLOCK | SOCK_CLOEXEC; }

#endif
