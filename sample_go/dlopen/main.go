// Dlopen has C that loads a shared library by name while the program runs.
//
// Its image: dlopen among the imports of a dynamic build. Linked statically against glibc it carries the dlopen
// warning, and that warning is all the evidence there is once the symbol table is gone.
package main

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>

static int can_open(const char *name) {
	void *library = dlopen(name, RTLD_NOW);
	return library != 0;
}
*/
import "C"

import "fmt"

func main() {
	fmt.Println("dlopen:", C.can_open(C.CString("libm.so.6")) != 0)
}
