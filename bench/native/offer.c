// Offers HTTP/1.1 requests at a rate, whatever the server answers, and prints as JSON what came of it.
//
//   offer --to PORT --requests FILE --rate N --seconds N --connections N [--give-up-ms N] [--count N]
//         [--mark XXXX] [--queue 0|1]
//
// Why not wrk or h2load: wrk knows no rate (it sends the next request when the last was answered, so a server that stalls is
// asked less), and h2load, which does, counts an answer's time from when the request was sent and sends one body to all. Here a
// request is due at its place in an even sequence, and its latency is counted from then, also when no connection was free.
// With `--queue 0` a request that finds all connections busy is dropped instead, as by a proxy whose pool is exhausted.
// `--rate 0` is the closed loop: each connection asks again when it was answered, --count times in all.
//
// FILE has the requests in the order in which they are sent, over and over: a line `LENGTH CLASS`, then LENGTH bytes. Twelve
// at-signs in them become a number that no other request of this process has, with --mark's four characters in front, so that
// unique columns stay unique. CLASS (0 to 3) tells kinds of requests apart in the output. One thread, epoll, the loopback.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kClasses = 4, kBuffer = 64 * 1024, kPlace = 12, kMark = 4, kStatuses = 600 };

struct request {
  char* bytes;
  size_t length;
  int kind;
  char* place;  // where the number goes; null where there is none
};

struct connection {
  int socket;
  bool busy;
  int kind;
  int64_t due;
  size_t filled;  // of `buffer`, while the head is incomplete
  size_t missing; // bytes of the body that are still to come
  int status;
  bool has_retry_after, closes;
  char buffer[kBuffer];
};

struct tally {
  uint32_t* latencies_us;  // of answers below 400
  size_t count, room;
  int64_t statuses[kStatuses];
};

static struct request* requests;
static size_t request_count, next_request;
static struct connection* connections;
static int* idle;  // indexes of connections, the last freed first
static int idle_count, connection_count = 64, port, epoll;
static int64_t sequence, rate, count, sent, answered, dropped, broken, retry_after, late;
static int64_t begun, last_answer, give_up_ns = 1000000000, seconds = 1;
static bool queue = true;
static const char* mark = "0000";
static struct tally tallies[kClasses];

static void fail(const char* what) {
  fprintf(stderr, "offer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void read_requests(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) fail(path);
  size_t length;
  int kind;
  for (size_t room = 0; fscanf(file, "%zu %d", &length, &kind) == 2 && fgetc(file) == '\n';) {
    if (request_count == room) requests = realloc(requests, (room = room * 2 + 1024) * sizeof *requests);
    struct request* request = &requests[request_count++];
    request->bytes = calloc(1, length + 1);
    request->length = length;
    request->kind = kind & (kClasses - 1);
    if (fread(request->bytes, 1, length, file) != length) fail("a request is cut off");
    request->place = strstr(request->bytes, "@@@@@@@@@@@@");
  }
  fclose(file);
  if (request_count == 0) fail("no requests");
}

static void open_connection(int index) {
  struct connection* connection = &connections[index];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->socket < 0 || connect(connection->socket, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  int on = 1;
  setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(connection->socket, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->socket, &event) != 0) fail("epoll_ctl");
  connection->busy = false;
  connection->filled = connection->missing = 0;
  connection->status = 0;
}

// The request in it, if any, is lost; the server closed it or sent what is no answer.
static void reopen(int index) {
  if (connections[index].busy) {
    ++broken;
    idle[idle_count++] = index;
  }
  close(connections[index].socket);
  open_connection(index);
}

static bool send_request(int index, int64_t due) {
  struct connection* connection = &connections[index];
  struct request* request = &requests[next_request];
  next_request = next_request + 1 == request_count ? 0 : next_request + 1;
  if (request->place != NULL) {
    char number[kPlace + 1];
    snprintf(number, sizeof number, "%.4s%08lld", mark, (long long)(sequence++ % 100000000));
    memcpy(request->place, number, kPlace);
  }
  connection->busy = true;
  connection->kind = request->kind;
  connection->due = due;
  ++sent;
  // A request is far smaller than the empty send buffer of a connection that waits for nothing.
  if (send(connection->socket, request->bytes, request->length, MSG_NOSIGNAL) == (ssize_t)request->length) return true;
  reopen(index);
  return false;
}

static void note_answer(int index) {
  struct connection* connection = &connections[index];
  struct tally* tally = &tallies[connection->kind];
  last_answer = now_ns();
  int64_t took = last_answer - connection->due;
  ++answered;
  ++tally->statuses[connection->status];
  if (connection->status == 503 && connection->has_retry_after) ++retry_after;
  if (connection->status < 400) {
    if (took > give_up_ns) ++late;
    if (tally->count == tally->room) {
      tally->room = tally->room * 2 + 65536;
      tally->latencies_us = realloc(tally->latencies_us, tally->room * sizeof *tally->latencies_us);
    }
    tally->latencies_us[tally->count++] = (uint32_t)(took / 1000);
  }
  connection->busy = false;
  connection->status = 0;
  idle[idle_count++] = index;
  if (connection->closes) reopen(index);
}

// False for what is not an answer of HTTP/1.1 with a length.
static bool read_head(struct connection* connection, size_t head_length) {
  char* head = connection->buffer;
  if (head_length < 16 || memcmp(head, "HTTP/1.1 ", 9) != 0) return false;
  connection->status = atoi(head + 9);
  if (connection->status < 100 || connection->status >= kStatuses) return false;
  head[head_length - 1] = '\0';
  const char* length = strcasestr(head, "\r\nContent-Length:");
  connection->missing = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
  if (length == NULL && connection->status != 204 && connection->status != 304) return false;
  connection->has_retry_after = strcasestr(head, "\r\nRetry-After:") != NULL;
  connection->closes = strcasestr(head, "\r\nConnection: close") != NULL;
  return true;
}

static void receive(int index) {
  struct connection* connection = &connections[index];
  ssize_t got = recv(connection->socket, connection->buffer + connection->filled, kBuffer - connection->filled - 1, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0 || !connection->busy) return reopen(index);
  size_t arrived = (size_t)got;
  if (connection->status == 0) {
    connection->filled += arrived;
    connection->buffer[connection->filled] = '\0';
    char* end = strstr(connection->buffer, "\r\n\r\n");
    if (end == NULL) {
      if (connection->filled + 1 == kBuffer) reopen(index);
      return;
    }
    size_t head_length = (size_t)(end - connection->buffer) + 4;
    if (!read_head(connection, head_length)) return reopen(index);
    arrived = connection->filled - head_length;
    connection->filled = 0;
  }
  if (arrived > connection->missing) return reopen(index);
  connection->missing -= arrived;
  if (connection->missing == 0) note_answer(index);
}

static void wait_for_answers(int64_t until) {
  struct epoll_event events[256];
  int64_t left = until - now_ns();
  struct timespec timeout = {.tv_sec = left > 0 ? left / 1000000000 : 0, .tv_nsec = left > 0 ? left % 1000000000 : 0};
  int ready = epoll_pwait2(epoll, events, 256, &timeout, NULL);
  for (int i = 0; i < ready; ++i) receive((int)events[i].data.u32);
}

static void offer_at_rate(void) {
  int64_t total = rate * seconds, next = 0;
  int64_t end = begun + seconds * 1000000000;
  while (next < total) {
    int64_t now = now_ns();
    for (; next < total; ++next) {
      int64_t due = begun + next * 1000000000 / rate;
      if (due > now) break;
      // Without a queue, or once it waited for a connection longer than its client waits for the answer.
      if (now - due > give_up_ns || (idle_count == 0 && !queue)) {
        ++dropped;
        continue;
      }
      if (idle_count == 0) break;
      send_request(idle[--idle_count], due);
    }
    int64_t due = begun + next * 1000000000 / rate;
    wait_for_answers(due > now_ns() ? due : now_ns() + 1000000);
    if (now_ns() > end + give_up_ns) break;
  }
  dropped += total - next;
}

static void ask_in_turn(void) {
  int64_t end = seconds > 0 ? begun + seconds * 1000000000 : INT64_MAX;
  for (;;) {
    int64_t now = now_ns();
    if (now >= end || (count > 0 && sent >= count)) return;
    while (idle_count > 0 && (count == 0 || sent < count)) send_request(idle[--idle_count], now_ns());
    wait_for_answers(now + 100000000);
  }
}

static int by_size(const void* a, const void* b) {
  uint32_t left = *(const uint32_t*)a, right = *(const uint32_t*)b;
  return (left > right) - (left < right);
}

static uint32_t quantile(const struct tally* tally, double part) {
  if (tally->count == 0) return 0;
  // Of the values in order, the first that at least `part` of them do not exceed.
  size_t rank = (size_t)(part * (double)tally->count + 0.999999);
  return tally->latencies_us[rank == 0 ? 0 : rank > tally->count ? tally->count - 1 : rank - 1];
}

static void print_tally(struct tally* tally) {
  qsort(tally->latencies_us, tally->count, sizeof *tally->latencies_us, by_size);
  printf("{\"ok\":%zu,\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u,\"statuses\":{", tally->count,
         quantile(tally, 0.5), quantile(tally, 0.9), quantile(tally, 0.99), quantile(tally, 0.999), quantile(tally, 1));
  const char* comma = "";
  for (int status = 0; status < kStatuses; ++status) {
    if (tally->statuses[status] == 0) continue;
    printf("%s\"%d\":%lld", comma, status, (long long)tally->statuses[status]);
    comma = ",";
  }
  printf("}}");
}

// Printed last, for it mixes the classes' latencies into one.
static void print_all(void) {
  struct tally all = {0};
  for (int kind = 0; kind < kClasses; ++kind) {
    all.count += tallies[kind].count;
    for (int status = 0; status < kStatuses; ++status) all.statuses[status] += tallies[kind].statuses[status];
  }
  all.latencies_us = calloc(all.count + 1, sizeof *all.latencies_us);
  size_t at = 0;
  for (int kind = 0; kind < kClasses; ++kind) {
    if (tallies[kind].count == 0) continue;
    memcpy(all.latencies_us + at, tallies[kind].latencies_us, tallies[kind].count * sizeof *all.latencies_us);
    at += tallies[kind].count;
  }
  print_tally(&all);
}

static void print_result(int64_t unanswered) {
  int64_t span = rate > 0 ? seconds * 1000000000 : last_answer - begun;
  printf("{\"offered\":%lld,\"sent\":%lld,\"answered\":%lld,\"dropped\":%lld,\"broken\":%lld,\"unanswered\":%lld,",
         (long long)(rate > 0 ? rate * seconds : sent), (long long)sent, (long long)answered, (long long)dropped,
         (long long)broken, (long long)unanswered);
  printf("\"late\":%lld,\"with_retry_after\":%lld,\"span_us\":%lld,\"classes\":[", (long long)late, (long long)retry_after,
         (long long)(span / 1000));
  for (int kind = 0; kind < kClasses; ++kind) {
    if (kind > 0) printf(",");
    print_tally(&tallies[kind]);
  }
  printf("],\"all\":");
  print_all();
  printf("}\n");
}

int main(int argc, char** argv) {
  const char* path = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (strcmp(name, "--to") == 0) port = atoi(value);
    else if (strcmp(name, "--requests") == 0) path = value;
    else if (strcmp(name, "--rate") == 0) rate = atoll(value);
    else if (strcmp(name, "--seconds") == 0) seconds = atoll(value);
    else if (strcmp(name, "--connections") == 0) connection_count = atoi(value);
    else if (strcmp(name, "--give-up-ms") == 0) give_up_ns = atoll(value) * 1000000;
    else if (strcmp(name, "--count") == 0) count = atoll(value);
    else if (strcmp(name, "--queue") == 0) queue = atoi(value) != 0;
    else if (strcmp(name, "--mark") == 0 && strlen(value) == kMark) mark = value;
    else path = NULL, port = 0;
  }
  if (path == NULL || port == 0 || argc % 2 == 0) {
    fprintf(stderr, "usage: offer --to PORT --requests FILE --rate N --seconds N --connections N [--give-up-ms N] [--count N] "
                    "[--mark XXXX] [--queue 0|1]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // else each wait ends up to 50 µs late
  read_requests(path);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  connections = calloc((size_t)connection_count, sizeof *connections);
  idle = calloc((size_t)connection_count, sizeof *idle);
  for (int i = 0; i < connection_count; ++i) {
    open_connection(i);
    idle[idle_count++] = i;
  }
  begun = last_answer = now_ns();
  if (rate > 0) offer_at_rate();
  else ask_in_turn();
  for (int64_t end = now_ns() + (give_up_ns > 5000000000 ? give_up_ns : 5000000000); idle_count < connection_count;) {
    if (now_ns() > end) break;
    wait_for_answers(end);
  }
  print_result(connection_count - idle_count);
  return 0;
}
