// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/domain_xml.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <pugixml.hpp>
#include <sstream>

#include "absl/numeric/int128.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace rehai::hypervisor {
namespace {

std::string Trimmed(const char* text) {
  return std::string(absl::StripAsciiWhitespace(text));
}

std::string Attribute(pugi::xml_node node, const char* name) {
  return node.attribute(name).as_string();
}

// Text in messages about XML that is not as it should be.
constexpr size_t kLongestQuote = 100;

std::string Quoted(absl::string_view text) {
  return Excerpt(text, kLongestQuote);
}

// Puts U+FFFD in place of what is no character, in values and attributes.
class RepairText final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    if (!IsUtf8(node.value())) node.set_value(ToUtf8(node.value()).c_str());
    for (pugi::xml_attribute attribute : node.attributes()) {
      if (IsUtf8(attribute.value())) continue;
      attribute.set_value(ToUtf8(attribute.value()).c_str());
    }
    return true;
  }
};

// The element called `name`, with text that is UTF-8: a name that nobody can
// read would make the whole fleet's list unreadable.
absl::StatusOr<pugi::xml_node> Root(pugi::xml_document& document,
                                    absl::string_view xml, const char* name) {
  const std::string valid = IsUtf8(xml) ? "" : ToUtf8(xml);
  if (!valid.empty()) xml = valid;
  const pugi::xml_parse_result result = document.load_buffer(
      xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!result) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " XML: ", result.description(), " at byte ", result.offset));
  }
  // "&#xD800;" is no character either.
  if (absl::StrContains(xml, "&#")) {
    RepairText repair;
    document.traverse(repair);
  }
  const pugi::xml_node root = document.child(name);
  if (!root) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " XML: there is no <", name, ">"));
  }
  return root;
}

// "F00D...": canonical lower case with dashes, or nullopt.
std::optional<std::string> CanonicalUuid(absl::string_view text) {
  std::string uuid;
  for (const char c : text) {
    if (c == '-') continue;
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
      return std::nullopt;
    }
    if (uuid.size() == 8 || uuid.size() == 13 || uuid.size() == 18 ||
        uuid.size() == 23) {
      uuid += '-';
    }
    uuid += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  if (uuid.size() != 36) return std::nullopt;
  return uuid;
}

// Bytes in one of libvirt's units; 0 if there is no such unit.
uint64_t BytesPerUnit(absl::string_view unit) {
  const std::string name = absl::AsciiStrToLower(unit);
  if (name == "b" || name == "byte" || name == "bytes") return 1;
  constexpr absl::string_view kPrefixes = "kmgtpe";
  const size_t prefix = kPrefixes.find(name.empty() ? '?' : name[0]);
  if (prefix == absl::string_view::npos) return 0;
  const absl::string_view suffix = absl::string_view(name).substr(1);
  uint64_t base = 0;
  if (suffix == "b") base = 1000;
  if (suffix.empty() || suffix == "ib") base = 1024;
  uint64_t bytes = base == 0 ? 0 : 1;
  for (size_t i = 0; i <= prefix; ++i) bytes *= base;
  return bytes;
}

// A scaled size in whole KiB, rounded up as libvirt does.
absl::StatusOr<int64_t> SizeInKib(pugi::xml_node node) {
  uint64_t value = 0;
  const std::string unit = Trimmed(node.attribute("unit").as_string("KiB"));
  const uint64_t scale = BytesPerUnit(unit);
  if (!absl::SimpleAtoi(node.child_value(), &value) || scale == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("domain XML: <", node.name(), " unit='", Quoted(unit),
                     "'>", Quoted(node.child_value()), " is not a size"));
  }
  const absl::uint128 kib = (absl::uint128(value) * scale + 1023) / 1024;
  if (kib > std::numeric_limits<int64_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("domain XML: <", node.name(), "> is out of range"));
  }
  return static_cast<int64_t>(kib);
}

absl::Status ParseMemory(pugi::xml_node domain, v1::Guest& guest) {
  ASSIGN_OR_RETURN(const int64_t most, SizeInKib(domain.child("memory")));
  guest.set_max_memory_kib(most);
  int64_t current = most;
  if (const pugi::xml_node node = domain.child("currentMemory")) {
    ASSIGN_OR_RETURN(current, SizeInKib(node));
  }
  guest.set_memory_kib(current);
  return absl::OkStatus();
}

absl::Status ParseVcpus(pugi::xml_node domain, v1::Guest& guest) {
  const pugi::xml_node vcpu = domain.child("vcpu");
  // libvirt's default, left out of hand-written definitions.
  int most = 1;
  if (vcpu && !absl::SimpleAtoi(vcpu.child_value(), &most)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "domain XML: <vcpu>", Quoted(vcpu.child_value()), " is not a number"));
  }
  int current = most;
  const pugi::xml_attribute attribute = vcpu.attribute("current");
  if (attribute && !absl::SimpleAtoi(attribute.as_string(), &current)) {
    return absl::InvalidArgumentError(
        absl::StrCat("domain XML: <vcpu current='",
                     Quoted(attribute.as_string()), "'> is not a number"));
  }
  guest.set_max_vcpus(most);
  guest.set_vcpus(current);
  return absl::OkStatus();
}

// The children as text, one after the other, without the white space between
// them.
std::string ChildrenText(pugi::xml_node parent) {
  std::ostringstream text;
  for (const pugi::xml_node child : parent.children()) {
    child.print(text, "", pugi::format_raw | pugi::format_no_declaration,
                pugi::encoding_utf8);
  }
  return text.str();
}

std::string DiskSource(pugi::xml_node disk, absl::string_view type) {
  const pugi::xml_node source = disk.child("source");
  if (type == "file") return Attribute(source, "file");
  if (type == "block") return Attribute(source, "dev");
  if (type == "dir") return Attribute(source, "dir");
  if (type == "volume" && source) {
    return absl::StrCat(Attribute(source, "pool"), "/",
                        Attribute(source, "volume"));
  }
  if (type == "network" && source) {
    std::string url = absl::StrCat(Attribute(source, "protocol"), ":");
    if (const pugi::xml_node host = source.child("host")) {
      const std::string port = Attribute(host, "port");
      absl::StrAppend(&url, "//", Attribute(host, "name"),
                      port.empty() ? "" : ":", port, "/");
    }
    return absl::StrCat(url, Attribute(source, "name"));
  }
  return "";
}

void ParseDisk(pugi::xml_node node, v1::Disk& disk) {
  disk.set_device(node.attribute("device").as_string("disk"));
  disk.set_type(Attribute(node, "type"));
  disk.set_source(DiskSource(node, disk.type()));
  disk.set_target(Attribute(node.child("target"), "dev"));
  disk.set_bus(Attribute(node.child("target"), "bus"));
  disk.set_format(Attribute(node.child("driver"), "type"));
  disk.set_readonly(static_cast<bool>(node.child("readonly")));
}

std::string InterfaceSource(pugi::xml_node interface, absl::string_view type) {
  const pugi::xml_node source = interface.child("source");
  if (type == "network") return Attribute(source, "network");
  if (type == "bridge") return Attribute(source, "bridge");
  if (type == "internal") return Attribute(source, "name");
  if (type == "vhostuser") return Attribute(source, "path");
  return Attribute(source, "dev");
}

void ParseInterface(pugi::xml_node node, v1::Interface& interface) {
  interface.set_mac(
      absl::AsciiStrToLower(Attribute(node.child("mac"), "address")));
  interface.set_type(Attribute(node, "type"));
  interface.set_source(InterfaceSource(node, interface.type()));
  interface.set_target(Attribute(node.child("target"), "dev"));
  interface.set_model(Attribute(node.child("model"), "type"));
}

void ParseGraphics(pugi::xml_node node, v1::Graphics& graphics) {
  graphics.set_type(Attribute(node, "type"));
  const int port = node.attribute("port").as_int(-1);
  if (port > 0) graphics.set_port(port);
  std::string listen = Attribute(node, "listen");
  if (listen.empty()) listen = Attribute(node.child("listen"), "address");
  graphics.set_listen(listen);
}

void ParseDevices(pugi::xml_node devices, v1::Guest& guest) {
  for (const pugi::xml_node disk : devices.children("disk")) {
    ParseDisk(disk, *guest.add_disks());
  }
  for (const pugi::xml_node interface : devices.children("interface")) {
    ParseInterface(interface, *guest.add_interfaces());
  }
  for (const pugi::xml_node graphics : devices.children("graphics")) {
    ParseGraphics(graphics, *guest.add_graphics());
  }
}

// The label of the host's security driver. "dac" labels, the process's user
// and group, stand beside it and are not what is asked for.
void ParseSecurity(pugi::xml_node domain, v1::Guest& guest) {
  for (const pugi::xml_node label : domain.children("seclabel")) {
    const std::string model = Attribute(label, "model");
    const std::string text = Trimmed(label.child_value("label"));
    if (model == "dac" || text.empty()) continue;
    guest.mutable_security()->set_model(model);
    guest.mutable_security()->set_label(text);
    return;
  }
}

}  // namespace

absl::StatusOr<v1::Guest> ParseDomainXml(absl::string_view xml) {
  pugi::xml_document document;
  ASSIGN_OR_RETURN(const pugi::xml_node domain, Root(document, xml, "domain"));
  v1::Guest guest;
  const std::optional<std::string> uuid =
      CanonicalUuid(Trimmed(domain.child_value("uuid")));
  guest.set_name(domain.child_value("name"));
  if (!uuid.has_value() || guest.name().empty()) {
    return absl::InvalidArgumentError(
        "domain XML: there is no name or no valid UUID");
  }
  guest.set_uuid(*uuid);
  const int id = domain.attribute("id").as_int(-1);
  if (id >= 0) guest.set_id(id);
  RETURN_IF_ERROR(ParseVcpus(domain, guest));
  RETURN_IF_ERROR(ParseMemory(domain, guest));
  guest.set_title(domain.child_value("title"));
  guest.set_description(domain.child_value("description"));
  guest.set_metadata_xml(ChildrenText(domain.child("metadata")));
  const pugi::xml_node os_type = domain.child("os").child("type");
  guest.set_os_type(Trimmed(os_type.child_value()));
  guest.set_architecture(Attribute(os_type, "arch"));
  guest.set_machine(Attribute(os_type, "machine"));
  ParseDevices(domain.child("devices"), guest);
  ParseSecurity(domain, guest);
  return guest;
}

absl::StatusOr<NetworkDefinition> ParseNetworkXml(absl::string_view xml) {
  pugi::xml_document document;
  ASSIGN_OR_RETURN(const pugi::xml_node network,
                   Root(document, xml, "network"));
  NetworkDefinition definition;
  definition.bridge = Attribute(network.child("bridge"), "name");
  for (const pugi::xml_node ip : network.children("ip")) {
    if (ip.child("dhcp")) definition.serves_dhcp = true;
  }
  return definition;
}

absl::StatusOr<std::string> HostUuidOfCapabilities(absl::string_view xml) {
  pugi::xml_document document;
  ASSIGN_OR_RETURN(const pugi::xml_node capabilities,
                   Root(document, xml, "capabilities"));
  const std::string text =
      Trimmed(capabilities.child("host").child_value("uuid"));
  return CanonicalUuid(text).value_or("");
}

}  // namespace rehai::hypervisor
