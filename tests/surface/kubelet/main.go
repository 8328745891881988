// The probers of Kubernetes' kubelet, as a program: its own packages, called as the kubelet calls
// them (pkg/kubelet/prober/prober.go).
//
//	kubelet-probe http HOST PORT PATH TIMEOUT
//	kubelet-probe grpc HOST PORT SERVICE TIMEOUT
//	kubelet-probe tcp  HOST PORT TIMEOUT
//
// Prints the result, "success", "warning", "failure" or "unknown", and behind a space what the prober
// has to say. Exit status 2: not understood, or an error
// of the prober's own.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/probe"
	"k8s.io/kubernetes/pkg/probe/grpc"
	"k8s.io/kubernetes/pkg/probe/http"
	"k8s.io/kubernetes/pkg/probe/tcp"
)

func die(why any) {
	fmt.Fprintln(os.Stderr, "kubelet-probe:", why)
	os.Exit(2)
}

func probeHTTP(host string, port int, path string, timeout time.Duration) (probe.Result, string, error) {
	action := &v1.HTTPGetAction{Host: host, Port: intstr.FromInt32(int32(port)), Path: path}
	request, err := http.NewRequestForHTTPGetAction(action, &v1.Container{}, host, "probe")
	if err != nil {
		return probe.Unknown, "", err
	}
	return http.New(false).Probe(request, timeout) // the kubelet follows no redirects to other hosts
}

func main() {
	args := os.Args[1:]
	if len(args) < 4 || (args[0] == "tcp") != (len(args) == 4) {
		die("http|grpc|tcp HOST PORT [PATH|SERVICE] TIMEOUT")
	}
	port, err := strconv.ParseUint(args[2], 10, 16)
	if err != nil {
		die(err)
	}
	timeout, err := time.ParseDuration(args[len(args)-1])
	if err != nil {
		die(err)
	}
	var result probe.Result
	var said string
	switch args[0] {
	case "http":
		result, said, err = probeHTTP(args[1], int(port), args[3], timeout)
	case "grpc":
		result, said, err = grpc.New().Probe(args[1], args[3], int(port), timeout)
	case "tcp":
		result, said, err = tcp.New().Probe(args[1], int(port), timeout)
	default:
		die("http, grpc or tcp, not " + args[0])
	}
	if err != nil {
		die(err)
	}
	fmt.Println(result, said)
}
