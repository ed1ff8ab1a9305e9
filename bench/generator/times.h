/* Time, and how long things took. */
#ifndef TIMES_H
#define TIMES_H
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

static const uint64_t SECOND = 1000000000;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec +
         (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Latencies: 64 buckets for each power of two. */
static uint64_t buckets[64 * 64], recorded;

static void record(uint64_t nanoseconds) {
  int power = 63 - __builtin_clzll(nanoseconds | 64);
  buckets[(power - 6) * 64 + ((nanoseconds >> (power - 6)) & 63)]++;
  recorded++;
}

static double percentile(double share) {
  uint64_t rank = share * recorded, seen = 0;
  for (int i = 0; i < 64 * 64; i++)
    if ((seen += buckets[i]) > rank) return ((64.5 + i % 64) * (1ull << (i / 64))) / 1000;
  return 0;
}
#endif
