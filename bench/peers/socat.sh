#!/bin/sh
# An echo server of socat, with two processes for each connection:
#
#   sh socat.sh tcp|tls|unix PORT-OR-PATH [CERT KEY]
here=bind=127.0.0.1,reuseaddr,backlog=4096,nodelay
case $1 in
tcp) listen=TCP-LISTEN:$2,$here ;;
tls) listen=OPENSSL-LISTEN:$2,$here,cert=$3,key=$4,verify=0 ;;
unix) listen=UNIX-LISTEN:$2,backlog=4096 ;;
esac
exec socat "$listen,fork" EXEC:cat
