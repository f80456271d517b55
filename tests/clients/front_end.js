// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A front end in JavaScript: grpc-js over mutual TLS, knowing nothing but an
// address. It does what front_end.py does, and prints the same.

'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const { parseArgs } = require('util');

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const TIMEOUT_MS = 60000; // of a call

// Names are those of the protos.
const SHAPE = { keepCase: true, longs: String, enums: String, defaults: false };

// The part of grpc.reflection.v1alpha that is needed here:
// https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
const REFLECTION = grpc.loadPackageDefinition(
  loader.fromJSON({
    nested: {
      grpc: { nested: { reflection: { nested: { v1alpha: { nested: {
        Request: { fields: {
          file: { type: 'string', id: 3 },
          symbol: { type: 'string', id: 4 },
          list_services: { type: 'string', id: 7 },
        }, oneofs: { question: { oneof: ['file', 'symbol', 'list_services'] } } },
        Files: { fields: { descriptor: { rule: 'repeated', type: 'bytes', id: 1 } } },
        Service: { fields: { name: { type: 'string', id: 1 } } },
        Services: { fields: { service: { rule: 'repeated', type: 'Service', id: 1 } } },
        Response: { fields: {
          files: { type: 'Files', id: 4 },
          services: { type: 'Services', id: 6 },
        } },
        ServerReflection: { methods: { ServerReflectionInfo: {
          requestType: 'Request', requestStream: true,
          responseType: 'Response', responseStream: true,
        } } },
      } } } } } },
    },
  }, { keepCase: true }),
).grpc.reflection.v1alpha.ServerReflection;

function deadline() {
  return { deadline: Date.now() + TIMEOUT_MS };
}

// Calls methods by name, with requests and responses as plain objects.
class Api {
  static async connect(server, credentials) {
    const api = new Api();
    const reflection = new REFLECTION(server, credentials);
    const ask = (question) => new Promise((resolve, reject) => {
      const call = reflection.ServerReflectionInfo(deadline());
      call.on('data', resolve);
      call.on('error', reject);
      call.write(question);
      call.end();
    });
    const { services } = await ask({ list_services: '*' });
    api.services = services.service.map((s) => s.name).sort();
    const files = new Map();
    for (const service of api.services) {
      if (!service.startsWith('rehai.')) continue;
      const answer = await ask({ symbol: service });
      await api.learn(answer.files, files, ask);
    }
    const parts = [...files.values()].map((bytes) => {
      const length = [];
      for (let left = bytes.length; ; left >>>= 7) {
        if (left < 128) { length.push(left); break; }
        length.push((left & 127) | 128);
      }
      // A file in a google.protobuf.FileDescriptorSet.
      return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
    });
    api.package = grpc.loadPackageDefinition(
      loader.loadFileDescriptorSetFromBuffer(Buffer.concat(parts), SHAPE),
    ).rehai.v1;
    api.server = server;
    api.credentials = credentials;
    api.clients = {};
    return api;
  }

  // Files by name, what they import first.
  async learn(answer, files, ask) {
    for (const bytes of answer.descriptor) {
      const { name, imports } = headOf(bytes);
      if (files.has(name)) continue;
      for (const wanted of imports) {
        if (files.has(wanted)) continue;
        const more = await ask({ file: wanted });
        await this.learn(more.files, files, ask);
      }
      files.set(name, bytes);
    }
  }

  client(service) {
    this.clients[service] ??= new this.package[service](
      this.server, this.credentials);
    return this.clients[service];
  }

  call(service, method, request) {
    return new Promise((resolve, reject) => {
      this.client(service)[method](request, deadline(), (error, response) =>
        error ? reject(error) : resolve(response));
    });
  }

  stream(service, method, request) {
    return this.client(service)[method](request, deadline());
  }

  // The name of the status that a call ends with, and its message.
  async error(service, method, request) {
    try {
      await this.call(service, method, request);
      return { code: 'OK' };
    } catch (error) {
      return { code: grpc.status[error.code], message: error.details };
    }
  }
}

// The fields name and dependency, 1 and 3, of a FileDescriptorProto: both come
// before any other field but the package.
function headOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const head = { name: '', imports: [] };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== 2) break;
    const size = varint();
    const text = bytes.subarray(at, at + size);
    at += size;
    if (tag >> 3 === 1) head.name = text.toString();
    if (tag >> 3 === 3) head.imports.push(text.toString());
  }
  return head;
}

async function allGuests(api, request) {
  const names = [];
  for (let pages = 1, page_token = ''; ; ++pages) {
    const page = await api.call('Fleet', 'ListGuests', {
      ...request, page_size: 3, page_token });
    names.push(...(page.guests ?? []).map((g) => g.guest.name));
    page_token = page.next_page_token ?? '';
    if (page_token === '') return { names, pages, total: page.total_size };
  }
}

// The fleet as it is, then `change`, then the step that shows it.
function seeChange(api, guest, change) {
  return new Promise((resolve, reject) => {
    const steps = api.stream('Fleet', 'Watch', {});
    let hosts = 0;
    let changed = false;
    steps.on('error', (error) => {
      if (error.code !== grpc.status.CANCELLED) reject(error);
    });
    steps.on('data', (step) => {
      if (step.kind === 'KIND_SYNCED') {
        const [program, ...words] = JSON.parse(change);
        execFileSync(program, words, { stdio: 'ignore' });
        changed = true;
      } else if (!changed) {
        ++hosts;
      } else if ((step.record.guests ?? []).some((g) =>
        g.name === guest && g.state === 'GUEST_STATE_PAUSED')) {
        steps.cancel();
        resolve({ hosts, node: step.record.node });
      }
    });
  });
}

function ended(steps) {
  return new Promise((resolve, reject) => {
    let last;
    steps.on('data', (step) => { last = step.operation; });
    steps.on('error', reject);
    steps.on('end', () => resolve(last));
  });
}

async function main() {
  const names = ['server', 'ca', 'reader_cert', 'reader_key', 'operator_cert',
    'operator_key', 'guest', 'change'];
  const { values: options } = parseArgs({
    options: Object.fromEntries(names.map((n) => [n, { type: 'string' }])),
  });
  const ca = fs.readFileSync(options.ca);
  const as = (role) => grpc.credentials.createSsl(ca,
    fs.readFileSync(options[`${role}_key`]),
    fs.readFileSync(options[`${role}_cert`]));
  const reader = await Api.connect(options.server, as('reader'));
  const seen = { services: reader.services };

  const found = await reader.call('Fleet', 'GetGuest', { name: options.guest });
  seen.guest = found.guest;
  seen.revision = found.revision;
  seen.by_uuid = (await reader.call('Fleet', 'GetGuest', {
    uuid: found.guest.guest.uuid, read_mask: { paths: ['guest.name'] },
  })).guest;
  seen.no_such_guest = await reader.error('Fleet', 'GetGuest', { name: 'nobody' });
  seen.bad_filter = await reader.error('Fleet', 'ListGuests', { filter: 'stat = on' });
  seen.all = await allGuests(reader, {});
  seen.running = await allGuests(reader, {
    filter: 'state = running', order_by: 'name desc' });
  seen.change = await seeChange(reader, options.guest, options.change);
  const visible = await reader.call('Visibility', 'WaitVisible', {
    guest_name: options.guest, states: ['GUEST_STATE_PAUSED'],
    level: 'VISIBILITY_LEVEL_VERIFIED', timeout: { seconds: 50 } });
  seen.visible = { level: visible.receipt.level, state: visible.guest.guest.state };

  const resync = { selector: { nodes: [found.guest.node] },
    modes: ['RESYNC_MODE_REREAD'] };
  seen.reader_commands = await reader.error('Resync', 'Start', resync);
  const operator = await Api.connect(options.server, as('operator'));
  const { operation } = await operator.call('Resync', 'Start', resync);
  const last = await ended(operator.stream('Resync', 'Watch', { id: operation.id }));
  seen.resync = { done: last.done, ended: Boolean(last.ended_at) };

  try {
    await Api.connect(options.server, grpc.credentials.createSsl(ca));
    seen.stranger = 'let in';
  } catch (error) {
    seen.stranger = grpc.status[error.code];
  }
  console.log(JSON.stringify(seen));
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
