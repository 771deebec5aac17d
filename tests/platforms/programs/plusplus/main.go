// Plusplus has C++ of its own, and so needs libstdc++ and libgcc_s.
package main

// #include "sum.h"
import "C"

import "os"

func main() {
	if C.sum(3) == 6 {
		os.Stdout.WriteString("started\n")
	}
}
