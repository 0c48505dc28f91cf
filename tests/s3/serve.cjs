// node serve.cjs HOME DIRECTORY FAULTS: an S3 endpoint on a free port of 127.0.0.1, which it prints. HOME is what
// install-server printed. FAULTS is a file of JSON that is read anew at every request, if it is there:
//   {"deny": ["PUT", "DELETE"]}   403 to these methods, as to a user without the right (not where "except" is in the path)
//   {"busy": true}                503 to everything
//   {"damage": ".dump.zst"}       a byte of each stored object whose path has this in it is changed once it was taken
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const [home, directory, faultsFile] = process.argv.slice(2);
const S3rver = require(path.join(home, 'node_modules', 's3rver'));

function faults() {
  try {
    return JSON.parse(fs.readFileSync(faultsFile, 'utf8'));
  } catch {
    return {};
  }
}

function refuse(request, response, status, code) {
  request.resume();
  response.writeHead(status, {'Content-Type': 'application/xml'});
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} by the test</Message></Error>`);
}

/// Changes the byte in the middle of the object's file, as a disk that forgets would.
function damage(url) {
  const name = decodeURIComponent(url.split('?')[0]) + '._S3rver_object';
  const file = fs.openSync(path.join(directory, name), 'r+');
  const at = Math.floor(fs.fstatSync(file).size / 2);
  const byte = Buffer.alloc(1);
  fs.readSync(file, byte, 0, 1, at);
  byte[0] ^= 0x10;
  fs.writeSync(file, byte, 0, 1, at);
  fs.closeSync(file);
}

const app = new S3rver({directory, silent: true, resetOnClose: false});
const handle = app.callback();
const server = http.createServer((request, response) => {
  const {deny = [], except = '\0', busy = false, damage: what = '\0'} = faults();
  if (busy) return refuse(request, response, 503, 'SlowDown');
  if (deny.includes(request.method) && !request.url.includes(except)) return refuse(request, response, 403, 'AccessDenied');
  if (request.method === 'PUT' && request.url.includes(what)) response.on('finish', () => damage(request.url));
  handle(request, response);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
