/* watch: a client of grpc.health.v1's Watch, one service on one connection, over nghttp2. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

typedef struct watch watch;

/** Connects to "127.0.0.1:9321" and asks for the service. What fails ends the program. */
watch *watch_open(const char *address, const char *service);
/** Waits for the next status: 1 SERVING, 2 NOT_SERVING, 3 SERVICE_UNKNOWN. */
int watch_next(watch *w);
void watch_close(watch *w);

#endif
