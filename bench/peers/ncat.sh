#!/bin/sh
# An echo server of Nmap's ncat, with a process for each connection:
#
#   sh ncat.sh tcp|tls PORT [CERT KEY]
if [ "$1" = tls ]; then set -- tls "$2" --ssl --ssl-cert "$3" --ssl-key "$4"; fi
port=$2
shift 2
exec ncat --listen 127.0.0.1 "$port" --keep-open --max-conns 500 --exec /bin/cat "$@"
