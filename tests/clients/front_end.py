# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
"""A front end in Python: grpcio over mutual TLS, knowing nothing but an address.

What the API offers it learns from the server's reflection. It does what a front
end does and prints what it saw as one JSON object; clients_test.cc judges that.
front_end.js does the same with grpc-js.
"""

import argparse
import json
import subprocess

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import json_format
from google.protobuf import message_factory

TIMEOUT = 60  # seconds, of a call


def reflection_messages():
  """The part of grpc.reflection.v1alpha that is needed here.

  https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
  """
  field = descriptor_pb2.FieldDescriptorProto
  file = descriptor_pb2.FileDescriptorProto(
      name='front_end/reflection.proto', package='front_end', syntax='proto3')

  def message(name, *fields):
    added = file.message_type.add(name=name)
    for field_name, number, kind, label, of in fields:
      added.field.add(name=field_name, number=number, type=kind, label=label,
                      type_name=f'.front_end.{of}' if of else None)

  one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
  message('Request', ('symbol', 4, field.TYPE_STRING, one, None),
          ('list_services', 7, field.TYPE_STRING, one, None),
          ('file', 3, field.TYPE_STRING, one, None))
  message('Files', ('descriptor', 1, field.TYPE_BYTES, many, None))
  message('Service', ('name', 1, field.TYPE_STRING, one, None))
  message('Services', ('service', 1, field.TYPE_MESSAGE, many, 'Service'))
  message('Response', ('files', 4, field.TYPE_MESSAGE, one, 'Files'),
          ('services', 6, field.TYPE_MESSAGE, one, 'Services'))
  pool = descriptor_pool.DescriptorPool()
  pool.Add(file)
  return [message_factory.MessageFactory(pool).GetPrototype(
      pool.FindMessageTypeByName(f'front_end.{name}'))
          for name in ('Request', 'Response')]


def plain(message):
  """A message as plain Python, with the names of the protos."""
  return json_format.MessageToDict(message, preserving_proto_field_name=True)


class Api:
  """Calls methods by name, with requests and responses as plain Python."""

  def __init__(self, channel):
    self._channel = channel
    self._pool = descriptor_pool.DescriptorPool()
    self._factory = message_factory.MessageFactory(self._pool)
    self._known = set()
    self._request, response = reflection_messages()
    self._reflect = channel.stream_stream(
        '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
        request_serializer=self._request.SerializeToString,
        response_deserializer=response.FromString)
    self.services = sorted(
        s.name for s in self._ask(list_services='*').services.service)
    for service in self.services:
      if service.startswith('rehai.'):
        self._learn(self._ask(symbol=service).files)

  def _ask(self, **question):
    return next(self._reflect(iter([self._request(**question)]),
                              timeout=TIMEOUT))

  def _learn(self, files):
    """Adds files to the pool, what they import first."""
    for text in files.descriptor:
      file = descriptor_pb2.FileDescriptorProto.FromString(text)
      if file.name in self._known:
        continue
      self._known.add(file.name)
      for name in file.dependency:
        if name not in self._known:
          self._learn(self._ask(file=name).files)
      self._pool.Add(file)

  def _prepare(self, service, method, request):
    found = self._pool.FindServiceByName(
        f'rehai.v1.{service}').methods_by_name[method]
    message = self._factory.GetPrototype(found.input_type)()
    json_format.ParseDict(request, message)
    described = descriptor_pb2.MethodDescriptorProto()
    found.CopyToProto(described)
    make = (self._channel.unary_stream if described.server_streaming
            else self._channel.unary_unary)
    return make(
        f'/rehai.v1.{service}/{method}',
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=self._factory.GetPrototype(
            found.output_type).FromString), message

  def call(self, service, method, **request):
    stub, message = self._prepare(service, method, request)
    return plain(stub(message, timeout=TIMEOUT))

  def stream(self, service, method, **request):
    stub, message = self._prepare(service, method, request)
    return stub(message, timeout=TIMEOUT)

  def error(self, service, method, **request):
    """The name of the status that a call ends with, and its message."""
    try:
      self.call(service, method, **request)
      return {'code': 'OK'}
    except grpc.RpcError as error:
      return {'code': error.code().name, 'message': error.details()}


def read(name):
  with open(name, 'rb') as file:
    return file.read()


def channel_to(options, certificate, key):
  return grpc.secure_channel(
      options.server,
      grpc.ssl_channel_credentials(
          root_certificates=read(options.ca),
          private_key=read(key) if key else None,
          certificate_chain=read(certificate) if certificate else None))


def all_guests(api, **request):
  """Every page of a list, three guests each."""
  names, pages, token = [], 0, ''
  while True:
    page = api.call('Fleet', 'ListGuests', page_size=3, page_token=token,
                    **request)
    names += [guest['guest']['name'] for guest in page.get('guests', [])]
    pages += 1
    token = page.get('next_page_token', '')
    if not token:
      return {'names': names, 'pages': pages, 'total': page['total_size']}


def see_change(api, guest, change):
  """The fleet as it is, then `change`, then the step that shows it."""
  steps = api.stream('Fleet', 'Watch')
  hosts = 0
  for step in steps:
    step = plain(step)
    if step['kind'] == 'KIND_SYNCED':
      subprocess.run(json.loads(change), check=True, stdout=subprocess.DEVNULL)
      break
    hosts += 1
  for step in steps:
    step = plain(step)
    states = {g['name']: g['state'] for g in step['record'].get('guests', [])}
    if states.get(guest) == 'GUEST_STATE_PAUSED':
      steps.cancel()
      return {'hosts': hosts, 'node': step['record']['node']}
  return {}


def main():
  parser = argparse.ArgumentParser()
  for name in ('server', 'ca', 'reader_cert', 'reader_key', 'operator_cert',
               'operator_key', 'guest', 'change'):
    parser.add_argument(f'--{name}', required=True)
  options = parser.parse_args()
  reader = Api(channel_to(options, options.reader_cert, options.reader_key))
  seen = {'services': reader.services}

  found = reader.call('Fleet', 'GetGuest', name=options.guest)
  seen['guest'] = found['guest']
  seen['revision'] = found['revision']
  seen['by_uuid'] = reader.call(
      'Fleet', 'GetGuest', uuid=found['guest']['guest']['uuid'],
      read_mask='guest.name')['guest']
  seen['no_such_guest'] = reader.error('Fleet', 'GetGuest', name='nobody')
  seen['bad_filter'] = reader.error('Fleet', 'ListGuests', filter='stat = on')
  seen['all'] = all_guests(reader)
  seen['running'] = all_guests(reader, filter='state = running',
                               order_by='name desc')
  seen['change'] = see_change(reader, options.guest, options.change)
  visible = reader.call('Visibility', 'WaitVisible', guest_name=options.guest,
                        states=['GUEST_STATE_PAUSED'],
                        level='VISIBILITY_LEVEL_VERIFIED', timeout='50s')
  seen['visible'] = {'level': visible['receipt']['level'],
                     'state': visible['guest']['guest']['state']}

  resync = {'selector': {'nodes': [found['guest']['node']]},
            'modes': ['RESYNC_MODE_REREAD']}
  seen['reader_commands'] = reader.error('Resync', 'Start', **resync)
  operator = Api(channel_to(options, options.operator_cert,
                            options.operator_key))
  operation = operator.call('Resync', 'Start', **resync)['operation']
  for step in operator.stream('Resync', 'Watch', id=operation['id']):
    last = plain(step)['operation']
  seen['resync'] = {'done': last.get('done'), 'ended': 'ended_at' in last}

  try:
    Api(channel_to(options, None, None))
    seen['stranger'] = 'let in'
  except grpc.RpcError as error:
    seen['stranger'] = error.code().name
  print(json.dumps(seen))


if __name__ == '__main__':
  main()
