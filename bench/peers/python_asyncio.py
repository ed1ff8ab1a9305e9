"""An echo server of asyncio's protocols.

    python3 python_asyncio.py tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
"""
import asyncio
import ssl
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    # Called when the client does not take what it is sent, and when it does again.
    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def main(transport, where, certificate=None, key=None):
    loop = asyncio.get_running_loop()
    if transport == "udp":
        await loop.create_datagram_endpoint(EchoDatagrams, ("127.0.0.1", int(where)))
        await asyncio.Event().wait()
    if transport == "unix":
        server = await loop.create_unix_server(Echo, where, backlog=4096)
    else:
        context = None
        if transport == "tls":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)
        server = await loop.create_server(Echo, "127.0.0.1", int(where), ssl=context, backlog=4096)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
