# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
#
# Has Ohai tell what rehai-agent last saw of this host, so that a chef-client
# run saves that: virtualization.kvm, libvirt and rehai, as far as the agent
# renders them. It asks no libvirt. Where the agent's file is missing, older
# than ten minutes or not as it should be, Ohai's own values stay.
#
# Put it where chef-client looks for plugins, /etc/chef/ohai/plugins. The file
# and its greatest age in seconds can be set in the client.rb:
#
#   ohai.plugin[:rehai][:snapshot] = "/var/lib/rehai-agent/snapshot.json"
#   ohai.plugin[:rehai][:max_age] = 600
#
# or, for a run by hand, by REHAI_SNAPSHOT and REHAI_SNAPSHOT_MAX_AGE.

Ohai.plugin(:Rehai) do
  provides "rehai", "libvirt", "virtualization/kvm"
  # After all that find the same by themselves, as the last word stays.
  depends "virtualization", "virtualization/kvm", "libvirt/uri"

  def setting(variable, option, default)
    configured = Ohai.config[:plugin]
    configured = configured[:rehai] if configured
    ENV[variable] || (configured && configured[option]) || default
  end

  # The attributes of the agent's file; nil if it is not to be used.
  def snapshot
    path = setting("REHAI_SNAPSHOT", :snapshot,
                   "/var/lib/rehai-agent/snapshot.json")
    unless File.file?(path)
      Ohai::Log.debug("Plugin Rehai: no #{path}")
      return nil
    end
    raise "it is too large" if File.size(path) > 16 * 1024 * 1024

    document = JSON.parse(File.read(path, :encoding => "UTF-8"))
    raise "it is of schema #{document["schema"].inspect}" unless document["schema"] == 1

    age = Time.now - Time.iso8601(document["observed_at"])
    max_age = Float(setting("REHAI_SNAPSHOT_MAX_AGE", :max_age, 600))
    raise "it is #{age.round} s old; see if rehai-agent runs" if age.abs > max_age

    automatic = Mash.new(document.fetch("automatic"))
    kvm = automatic["virtualization"] && automatic["virtualization"].fetch("kvm")
    [kvm, automatic["libvirt"], automatic["rehai"]].each do |tree|
      raise "it has something else than trees" unless tree.nil? || tree.is_a?(Hash)
    end
    automatic
  end

  collect_data(:default) do
    require "json"
    require "time"
    begin
      found = snapshot
    rescue StandardError => e
      # A parser's message quotes the file.
      why = e.message.to_s.lines.first.to_s.strip[0, 200]
      Ohai::Log.warn("Plugin Rehai: the agent's snapshot is not used: #{why}")
    end
    if found
      if found["virtualization"]
        virtualization Mash.new unless virtualization
        virtualization[:kvm] = found["virtualization"]["kvm"]
      end
      libvirt found["libvirt"] if found["libvirt"]
      rehai found["rehai"] if found["rehai"]
    end
  end
end
