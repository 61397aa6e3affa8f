// Package lab breaks real things: it builds a small network of Linux namespaces with real HAProxy instances and a really
// routed address, lets a real rrwatch watch them, breaks one thing, and counts what a user of the site lost.
package lab
