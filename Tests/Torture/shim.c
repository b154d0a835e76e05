/* Stands between a process and the system, by LD_PRELOAD, for two kinds of tests.

   Power: with HALE_SHIM_LOG=FILE every write, truncation and sync of files under HALE_SHIM_DIR is
   written to FILE with its time, in its order, so that any state that a disk could have been left
   in by a loss of power can be built from it. With HALE_SHIM_NOSYNC=1 syncs do nothing and are not
   logged: the program with its syncs taken out.

   Faults: with HALE_SHIM_TRACE=FILE calls are counted, and FILE has a line for each kind of call
   with its count at the end. With HALE_SHIM_FAULT=CALL:N:WHAT the Nth one of a kind fails with the
   error number WHAT, or is `short`, or reads `corrupt` bytes; FILE.hit is then made.

   Only calls on files under HALE_SHIM_DIR and on sockets count. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 4096
#define REAL(name) ((__typeof__(&name))real_##name)
#define FIND(name) \
  if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1, is_ready = 0, no_sync = 0;
static const char *directory, *trace_path, *fault_call, *fault_what;
static long fault_number = -1;
/* The kind of each descriptor: 0 not relevant, -1 a socket or poller, else the number of a file. */
static int kind_of[FILES_MAX];
static int file_count = 0;

enum { CALLS_MAX = 32 };
static struct { const char *name; long count; } calls[CALLS_MAX];

static void *real_open, *real_open64, *real_openat, *real_close, *real_write, *real_pwrite, *real_pwrite64,
  *real_read, *real_pread, *real_pread64, *real_fsync, *real_fdatasync, *real_ftruncate,
  *real_ftruncate64, *real_unlink, *real_rename, *real_fcntl, *real_fcntl64, *real_accept4, *real_recv, *real_send,
  *real_epoll_wait, *real_epoll_ctl, *real_mmap, *real_mmap64, *real_socket, *real_epoll_create1, *real_flock;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void prepare(void) {
  if (is_ready) return;
  is_ready = 1;
  FIND(open); FIND(open64); FIND(openat); FIND(close); FIND(write); FIND(pwrite); FIND(pwrite64);
  FIND(read); FIND(pread); FIND(pread64); FIND(fsync); FIND(fdatasync); FIND(ftruncate);
  FIND(ftruncate64); FIND(unlink); FIND(rename); FIND(fcntl); FIND(fcntl64); FIND(accept4);
  FIND(recv); FIND(send); FIND(epoll_wait); FIND(epoll_ctl); FIND(mmap); FIND(mmap64); FIND(socket);
  FIND(epoll_create1); FIND(flock);
  directory = getenv("HALE_SHIM_DIR");
  trace_path = getenv("HALE_SHIM_TRACE");
  no_sync = getenv("HALE_SHIM_NOSYNC") != NULL;
  const char *path = getenv("HALE_SHIM_LOG");
  if (path) log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const char *fault = getenv("HALE_SHIM_FAULT");
  if (fault) {
    char *copy = strdup(fault), *rest = copy;
    fault_call = strsep(&rest, ":");
    fault_number = atol(strsep(&rest, ":"));
    fault_what = rest;
  }
}

__attribute__((constructor)) static void begin(void) { prepare(); }

__attribute__((destructor)) static void end(void) {
  if (!trace_path) return;
  FILE *file = fopen(trace_path, "we");
  if (!file) return;
  for (int i = 0; i < CALLS_MAX && calls[i].name; i++)
    fprintf(file, "%s %ld\n", calls[i].name, calls[i].count);
  fclose(file);
}

static int kind(int fd) {
  return fd >= 0 && fd < FILES_MAX ? kind_of[fd] : 0;
}

/* Counts a call; true if it is the one that must fail. */
static int is_fault(const char *name) {
  if (!trace_path) return 0;
  int hit = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < CALLS_MAX; i++) {
    if (!calls[i].name) calls[i].name = name;
    if (strcmp(calls[i].name, name) != 0) continue;
    calls[i].count++;
    hit = fault_call && strcmp(fault_call, name) == 0 && calls[i].count == fault_number;
    break;
  }
  if (hit) {
    char path[4096];
    snprintf(path, sizeof path, "%s.hit", trace_path);
    int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) REAL(close)(fd);
  }
  pthread_mutex_unlock(&lock);
  return hit;
}

static int is_what(const char *what) { return strcmp(fault_what, what) == 0; }

/* Returns -1 with the error number of the fault. */
static int fail(void) {
  errno = atoi(fault_what);
  return -1;
}

/* One record: kind, time, file, offset, length, bytes. */
static void record(char what, int file, uint64_t offset, const void *bytes, uint32_t count) {
  if (log_fd < 0) return;
  struct __attribute__((packed)) {
    char what; uint64_t time; uint32_t file; uint64_t offset; uint32_t count;
  } head = {what, now(), (uint32_t)file, offset, count};
  pthread_mutex_lock(&lock);
  head.time = now();
  if (REAL(write)(log_fd, &head, sizeof head) != (ssize_t)sizeof head) abort();
  if (count && REAL(write)(log_fd, bytes, count) != (ssize_t)count) abort();
  pthread_mutex_unlock(&lock);
}

static void opened(int fd, const char *path, int flags) {
  if (fd < 0 || fd >= FILES_MAX) return;
  kind_of[fd] = 0;
  if (!directory || !path || strncmp(path, directory, strlen(directory)) != 0) return;
  pthread_mutex_lock(&lock);
  kind_of[fd] = ++file_count;
  pthread_mutex_unlock(&lock);
  record('o', kind_of[fd], (uint64_t)flags, path, (uint32_t)strlen(path));
}

#define OPEN_BODY(name, ...)                                                          \
  prepare();                                                                          \
  mode_t mode = 0;                                                                    \
  if (flags & (O_CREAT | __O_TMPFILE)) {                                              \
    va_list arguments;                                                                \
    va_start(arguments, flags);                                                       \
    mode = va_arg(arguments, mode_t);                                                 \
    va_end(arguments);                                                                \
  }                                                                                   \
  if (directory && strncmp(path, directory, strlen(directory)) == 0 && is_fault("open")) \
    return fail();                                                                    \
  int fd = REAL(name)(__VA_ARGS__, flags, mode);                                      \
  opened(fd, path, flags);                                                            \
  return fd;

int open(const char *path, int flags, ...) { OPEN_BODY(open, path) }
int open64(const char *path, int flags, ...) { OPEN_BODY(open64, path) }
int openat(int at, const char *path, int flags, ...) { OPEN_BODY(openat, at, path) }

int close(int fd) {
  prepare();
  if (fd >= 0 && fd < FILES_MAX) kind_of[fd] = 0;
  return REAL(close)(fd);
}

static ssize_t written(int fd, const void *bytes, size_t count, uint64_t offset, ssize_t result) {
  (void)count;
  if (result > 0 && kind(fd) > 0) record('w', kind(fd), offset, bytes, (uint32_t)result);
  return result;
}

#define PWRITE_BODY(name)                                                    \
  prepare();                                                                 \
  if (kind(fd) > 0 && is_fault("pwrite")) {                                  \
    if (!is_what("short")) return fail();                                    \
    count = count > 1 ? count / 2 : count;                                   \
  }                                                                          \
  return written(fd, bytes, count, (uint64_t)offset, REAL(name)(fd, bytes, count, offset));

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { PWRITE_BODY(pwrite) }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { PWRITE_BODY(pwrite64) }

ssize_t write(int fd, const void *bytes, size_t count) {
  prepare();
  uint64_t offset = 0;
  if (kind(fd) > 0) {
    if (is_fault("write")) return fail();
    offset = (uint64_t)lseek(fd, 0, SEEK_CUR);
  }
  return written(fd, bytes, count, offset, REAL(write)(fd, bytes, count));
}

#define PREAD_BODY(name)                                                     \
  prepare();                                                                 \
  int hit = kind(fd) > 0 && is_fault("pread");                               \
  if (hit && !is_what("short") && !is_what("corrupt")) return fail();        \
  if (hit && is_what("short")) count /= 2;                                   \
  ssize_t result = REAL(name)(fd, bytes, count, offset);                     \
  if (hit && result > 0 && is_what("corrupt")) memset(bytes, 0x5a, (size_t)result); \
  return result;

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) { PREAD_BODY(pread) }
ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) { PREAD_BODY(pread64) }

#define SYNC_BODY(name)                                                      \
  prepare();                                                                 \
  if (kind(fd) > 0) {                                                        \
    if (is_fault("sync")) return fail();                                     \
    if (no_sync) return 0;                                                   \
  }                                                                          \
  int result = REAL(name)(fd);                                               \
  if (result == 0 && kind(fd) > 0) record('s', kind(fd), 0, NULL, 0);        \
  return result;

int fsync(int fd) { SYNC_BODY(fsync) }
int fdatasync(int fd) { SYNC_BODY(fdatasync) }

#define TRUNCATE_BODY(name)                                                  \
  prepare();                                                                 \
  if (kind(fd) > 0 && is_fault("ftruncate")) return fail();                  \
  int result = REAL(name)(fd, length);                                       \
  if (result == 0 && kind(fd) > 0) record('t', kind(fd), (uint64_t)length, NULL, 0); \
  return result;

int ftruncate(int fd, off_t length) { TRUNCATE_BODY(ftruncate) }
int ftruncate64(int fd, off64_t length) { TRUNCATE_BODY(ftruncate64) }

int unlink(const char *path) {
  prepare();
  int result = REAL(unlink)(path);
  if (result == 0 && directory && strncmp(path, directory, strlen(directory)) == 0)
    record('u', 0, 0, path, (uint32_t)strlen(path));
  return result;
}

#define FCNTL_BODY(name)                                                     \
  prepare();                                                                 \
  va_list arguments;                                                         \
  va_start(arguments, command);                                              \
  void *argument = va_arg(arguments, void *);                                \
  va_end(arguments);                                                         \
  if (command == F_SETLK && kind(fd) > 0 && ((struct flock *)argument)->l_type != F_UNLCK \
      && is_fault("lock"))                                                   \
    return fail();                                                           \
  return REAL(name)(fd, command, argument);

int fcntl(int fd, int command, ...) { FCNTL_BODY(fcntl) }
int fcntl64(int fd, int command, ...) { FCNTL_BODY(fcntl64) }

#define MMAP_BODY(name)                                                      \
  prepare();                                                                 \
  if (fd >= 0 && kind(fd) > 0 && is_fault("mmap")) {                         \
    fail();                                                                  \
    return MAP_FAILED;                                                       \
  }                                                                          \
  return REAL(name)(address, length, protection, flags, fd, offset);

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  MMAP_BODY(mmap)
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  MMAP_BODY(mmap64)
}

int socket(int domain, int type, int protocol) {
  prepare();
  int fd = REAL(socket)(domain, type, protocol);
  if (fd >= 0 && fd < FILES_MAX) kind_of[fd] = -1;
  return fd;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  prepare();
  if (is_fault("accept")) return fail();
  int client = REAL(accept4)(fd, address, length, flags);
  if (client >= 0 && client < FILES_MAX) kind_of[client] = -1;
  return client;
}

ssize_t recv(int fd, void *bytes, size_t count, int flags) {
  prepare();
  if (is_fault("recv")) {
    if (!is_what("short")) return fail();
    count = 1;
  }
  return REAL(recv)(fd, bytes, count, flags);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  prepare();
  if (is_fault("send")) {
    if (!is_what("short")) return fail();
    count = 1;
  }
  return REAL(send)(fd, bytes, count, flags);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout) {
  prepare();
  if (is_fault("epoll_wait")) return fail();
  return REAL(epoll_wait)(fd, events, count, timeout);
}

int epoll_ctl(int fd, int operation, int target, struct epoll_event *event) {
  prepare();
  if (is_fault("epoll_ctl")) return fail();
  return REAL(epoll_ctl)(fd, operation, target, event);
}
