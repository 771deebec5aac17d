// Lookup resolves a host name: localhost, or its first argument.
//
// Its image: with cgo on, libc's getaddrinfo (resolver cgo, and go beside it); with cgo off or -tags netgo, Go's own
// resolver alone. On macOS getaddrinfo comes from libSystem even with cgo off, unless netgo says no. Linked statically
// against glibc it carries the getaddrinfo warning.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	host := "localhost"
	if len(os.Args) > 1 {
		host = os.Args[1]
	}
	addresses, err := net.LookupHost(host)
	if err != nil {
		fmt.Println("lookup:", err)
		os.Exit(1)
	}
	fmt.Println("lookup:", host, addresses)
}
