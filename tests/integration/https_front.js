// Node's own HTTPS in front of a plain server, as a reverse proxy is: takes
// TLS off WebSocket upgrades and passes them on.
//
//   https_front.js <port> <backend port> <certificate> <key> <ready fd>
'use strict';

const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');

const [port, backendPort, cert, key, readyFd] = process.argv.slice(2);

const server = https.createServer({
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
});
server.on('upgrade', (request, socket, head) => {
  const backend = net.connect(Number(backendPort), '127.0.0.1');
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  backend.write(`${lines.join('\r\n')}\r\n\r\n`);
  backend.write(head);
  socket.pipe(backend).pipe(socket);
  socket.on('error', () => backend.destroy());
  backend.on('error', () => socket.destroy());
});
server.listen(Number(port), '127.0.0.1', () => {
  fs.writeSync(Number(readyFd), '1\n');
});
