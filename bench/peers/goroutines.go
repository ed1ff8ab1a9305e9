// An echo server with a goroutine for each connection:
//
//	goroutines tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	transport, where := os.Args[1], os.Args[2]
	if transport == "udp" {
		answerDatagrams("127.0.0.1:" + where)
	}
	listener, err := listen(transport, where)
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

func listen(transport, where string) (net.Listener, error) {
	switch transport {
	case "unix":
		return net.Listen("unix", where)
	case "tls":
		certificate, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
		if err != nil {
			return nil, err
		}
		config := &tls.Config{Certificates: []tls.Certificate{certificate}}
		return tls.Listen("tcp", "127.0.0.1:"+where, config)
	default:
		return net.Listen("tcp", "127.0.0.1:"+where)
	}
}

func answerDatagrams(address string) {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 65536)
	for {
		length, from, err := socket.ReadFrom(buffer)
		if err == nil {
			socket.WriteTo(buffer[:length], from)
		}
	}
}
