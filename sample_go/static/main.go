// Static prints a line. It imports nothing that could use cgo.
//
// Its image: static on Linux with cgo on or off, no libc, internal link mode, no resolver. The exception is
// -buildmode=pie, which gives even this program an interpreter.
package main

import "fmt"

func main() {
	fmt.Println("static: hello")
}
