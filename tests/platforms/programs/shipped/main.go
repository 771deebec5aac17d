// Shipped needs a library that no system has: libgolinktwice.so.1, which the build is told where to find.
package main

// #cgo LDFLAGS: -lgolinktwice
// int golink_twice(int);
import "C"

import "os"

func main() {
	if C.golink_twice(2) == 4 {
		os.Stdout.WriteString("started\n")
	}
}
