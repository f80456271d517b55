# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
#
# What the Rehai of 2014 does for one host, on Debian's own packages: all of
# Ohai's plugins, then the whole node read, changed and saved, signed by the
# library behind Chef's tools. It loads less than that one does, which needs all
# of chef-client. Prints what it took as one line of JSON.
#
#   ruby peer.rb LIBVIRT_URI SERVER_URL CA_FILE CLIENT KEY_FILE NODE

require "json"
require "libvirt"
require "net/http"
require "openssl"
require "ohai"
require "time"
require "uri"
require "mixlib/authentication/signedheaderauth"

LIBVIRT_URI, SERVER_URL, CA_FILE, CLIENT, KEY_FILE, NODE = ARGV

# The plugin asks for the machine's own hypervisor; ours is elsewhere.
open_read_only = Libvirt.method(:open_read_only)
Libvirt.define_singleton_method(:open_read_only) do |_|
  open_read_only.call(LIBVIRT_URI)
end

# Ohai takes a virtual machine, as this one may be, for a guest, and leaves out
# the libvirt plugin: so that one is told of a host and run by itself.
def ohai_attributes
  ohai = Ohai::System.new
  ohai.all_plugins
  ohai.data["virtualization"] = Mash.new(system: "test", role: "host")
  folder = Gem::Specification.find_by_name("ohai").gem_dir
  file = "#{folder}/lib/ohai/plugins/libvirt.rb"
  Ohai::Loader.new(ohai).load_plugin(file).run
  raise "Ohai found no guests" unless ohai.data["libvirt"]["domains"]

  ohai.data
end

# Requests to one server, each on a connection of its own.
class Server
  attr_reader :requests, :sent, :received

  def initialize
    @base = URI(SERVER_URL)
    @key = OpenSSL::PKey::RSA.new(File.read(KEY_FILE))
    @requests = @sent = @received = 0
  end

  def call(method, path, body = "")
    http = Net::HTTP.new(@base.host, @base.port, nil)
    http.use_ssl = @base.scheme == "https"
    http.ca_file = CA_FILE
    request = Net::HTTPGenericRequest.new(method, !body.empty?, true, path,
                                          headers(method, path, body))
    request.body = body unless body.empty?
    answer = http.start { http.request(request) }
    raise "#{method} #{path}: #{answer.code} #{answer.body}" if answer.code != "200"

    @requests += 1
    @sent += body.bytesize
    @received += answer.body.bytesize
    answer.body
  end

  private

  def headers(method, path, body)
    signed = Mixlib::Authentication::SignedHeaderAuth.signing_object(
      http_method: method, path: path, body: body, user_id: CLIENT,
      timestamp: Time.now.utc.iso8601, proto_version: "1.1"
    ).sign(@key)
    # Symbols become X-Ops-Sign and the like.
    signed.to_h { |name, value| [name.to_s.tr("_", "-"), value] }.merge(
      "Accept" => "application/json", "Content-Type" => "application/json",
      "X-Ops-Server-Api-Version" => "1", "X-Chef-Version" => "16.13.16"
    )
  end
end

begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
attributes = ohai_attributes
looked = Process.clock_gettime(Process::CLOCK_MONOTONIC)
server = Server.new
node = JSON.parse(server.call("GET", "/nodes/#{NODE}"))
node["automatic"] = attributes
node["default"] = {}
node["override"] = {}
server.call("PUT", "/nodes/#{NODE}", JSON.generate(node))
saved = Process.clock_gettime(Process::CLOCK_MONOTONIC)

puts JSON.generate("requests" => server.requests, "bytes_sent" => server.sent,
                   "bytes_received" => server.received,
                   "ohai_seconds" => looked - begun,
                   "save_seconds" => saved - looked)
