// Versions calls a C function of each glibc version up to NEED (216: glibc 2.16), and libm's; musl has none of them.
// MUSL (125: musl 1.2.5) asks for what musl has from that version on.
package main

/*
#cgo LDFLAGS: -lm -lpthread
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#ifndef NEED
#define NEED 0
#endif

#ifndef MUSL
#define MUSL 0
#endif

int getentropy(void *, size_t);
int pthread_getname_np(pthread_t, char *, size_t);
int statx(int, const char *, int, unsigned, void *);
int gettid(void);
const char *sigabbrev_np(int);
unsigned arc4random(void);
long __isoc23_strtol(const char *, char **, int);
double exp10(double);
double acospi(double);

static void *twice(void *number) {
	*(int *)number *= 2;
	return number;
}

// What is called is known at run time alone, so that no compiler leaves it out.
static double call(double start) {
	pthread_t thread;
	int number = (int)start;
	pthread_create(&thread, NULL, twice, &number);
	pthread_join(thread, NULL);
	double sum = number + pow(start, 2);
#if NEED >= 225
	char bytes[4];
	sum += getentropy(bytes, sizeof bytes);
#endif
#if NEED >= 230
	sum += gettid() * 0;
#endif
#if NEED >= 232
	sum += sigabbrev_np(9)[0] * 0;
#endif
#if NEED >= 236
	sum += arc4random() * 0.0;
#endif
#if NEED >= 238
	sum += __isoc23_strtol("0", NULL, 10);
#endif
#if NEED >= 239
	sum += exp10(start) * 0;
#endif
#if NEED >= 241
	sum += acospi(start / 4) * 0;
#endif
#if MUSL >= 123
	char name[16];
	sum += pthread_getname_np(pthread_self(), name, sizeof name) * 0;
#endif
#if MUSL >= 125
	sum += statx(-1, "", 0, 0, NULL) * 0;
#endif
	return sum;
}
*/
import "C"

import "os"

func main() {
	if C.call(2) == 8 {
		os.Stdout.WriteString("started\n")
	}
}
