// Net parses a CIDR. It looks no name up, but it imports net, and net uses cgo wherever cgo is on.
//
// Its image: a native build with cgo on is dynamic and needs libc.so.6; with CGO_ENABLED=0 or -tags netgo it is
// static. No resolver can be reached, and the linker drops what cannot be reached.
package main

import (
	"fmt"
	"net"
)

func main() {
	_, network, err := net.ParseCIDR("192.0.2.1/24")
	if err != nil {
		panic(err)
	}
	fmt.Println("net:", network)
}
