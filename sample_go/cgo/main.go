// Cgo calls C of its own, and libm.
//
// Its image: external link mode (a package outside the standard library uses cgo), dynamic on Linux with
// DT_NEEDED libm.so.6 and libc.so.6; it does not build with cgo off.
package main

/*
#cgo LDFLAGS: -lm
#include <math.h>
#include <stdio.h>

static double cube_root(double x) {
	return cbrt(x);
}

static void greet(double x) {
	printf("cgo: the cube root is %g\n", x);
	fflush(stdout);
}
*/
import "C"

func main() {
	C.greet(C.cube_root(27))
}
