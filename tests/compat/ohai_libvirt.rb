# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints what the installed Ohai's libvirt plugin, unchanged, finds on the
# hypervisor at ARGV[0]. The plugin runs only where Ohai's virtualization plugin
# calls the machine a host, and connects to that one's own URI: both are told to
# it here.

require "json"
require "libvirt"
require "ohai"

uri = ARGV.fetch(0)
open_read_only = Libvirt.method(:open_read_only)
Libvirt.define_singleton_method(:open_read_only) { |_| open_read_only.call(uri) }

ohai = Ohai::System.new
ohai.data["virtualization"] = Mash.new(system: "test", role: "host")
folder = Gem::Specification.find_by_name("ohai").gem_dir
plugin = Ohai::Loader.new(ohai).load_plugin("#{folder}/lib/ohai/plugins/libvirt.rb")
plugin.run
puts JSON.generate(ohai.data["libvirt"])
