// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/guest_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "hypervisor/domain_xml.h"
#include "hypervisor/libvirt_errors.h"
#include "hypervisor/libvirt_handles.h"
#include "hypervisor/state_reason.h"

namespace rehai::hypervisor {
namespace {

std::string UuidOf(virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virDomainGetUUIDString(domain, uuid);
  return uuid;
}

int IdOf(virDomainPtr domain) {
  return static_cast<int>(virDomainGetID(domain));
}

v1::GuestState ToGuestState(int state) {
  return v1::GuestState_IsValid(state) ? static_cast<v1::GuestState>(state)
                                       : v1::GUEST_STATE_UNSPECIFIED;
}

int IntOf(const virDomainStatsRecord& record, const char* name) {
  for (int i = 0; i < record.nparams; ++i) {
    const virTypedParameter& parameter = record.params[i];
    if (absl::string_view(parameter.field) == name &&
        parameter.type == VIR_TYPED_PARAM_INT) {
      return parameter.value.i;
    }
  }
  return 0;
}

}  // namespace

GuestReader::GuestReader(virConnectPtr connection, std::string uri,
                         ReadOptions options)
    : connection_(connection), uri_(std::move(uri)), options_(options) {}

absl::Status GuestReader::LastError() const { return LastLibvirtError(uri_); }

absl::Status GuestReader::Read(const ReadRequest& request,
                               Inventory& inventory) {
  virDomainStatsRecordPtr* taken = nullptr;
  const int count = virConnectGetAllDomainStats(
      connection_, VIR_DOMAIN_STATS_STATE, &taken, 0);
  if (count < 0) return LastError();
  const StatsRecords records(taken);
  ASSIGN_OR_RETURN(const Uuids transient,
                   ListUuids(VIR_CONNECT_LIST_DOMAINS_TRANSIENT));
  ASSIGN_OR_RETURN(const Uuids autostart,
                   ListUuids(VIR_CONNECT_LIST_DOMAINS_AUTOSTART));
  ASSIGN_OR_RETURN(const Uuids saved,
                   ListUuids(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE));
  Uuids changed;
  for (const GuestId& guest : request.changed) changed.insert(guest.uuid);

  Uuids listed;
  for (int i = 0; i < count; ++i) {
    const virDomainStatsRecord& record = *records.get()[i];
    Listing listing;
    listing.uuid = UuidOf(record.dom);
    listing.name = virDomainGetName(record.dom);
    listing.id = IdOf(record.dom);
    listing.state = ToGuestState(IntOf(record, "state.state"));
    listing.reason = IntOf(record, "state.reason");
    listing.persistent = !transient.contains(listing.uuid);
    listing.autostart = autostart.contains(listing.uuid);
    listing.managed_save = saved.contains(listing.uuid);
    listed.insert(listing.uuid);
    RETURN_IF_ERROR(ReadGuest(record.dom, listing,
                              MustReread(request, changed, listing),
                              request.volatile_values, inventory));
  }
  absl::erase_if(
      known_, [&](const auto& known) { return !listed.contains(known.first); });
  std::sort(inventory.guests.begin(), inventory.guests.end(),
            [](const v1::Guest& a, const v1::Guest& b) {
              return a.uuid() < b.uuid();
            });
  std::sort(inventory.unread_uuids.begin(), inventory.unread_uuids.end());
  return absl::OkStatus();
}

absl::StatusOr<GuestReader::Uuids> GuestReader::ListUuids(unsigned int filter) {
  virDomainPtr* domains = nullptr;
  const int count = virConnectListAllDomains(connection_, &domains, filter);
  if (count < 0) return LastError();
  Uuids uuids;
  for (const DomainHandle& domain : TakeList(domains, count)) {
    uuids.insert(UuidOf(domain.get()));
  }
  return uuids;
}

bool GuestReader::MustReread(const ReadRequest& request, const Uuids& changed,
                             const Listing& listing) const {
  if (request.everything || changed.contains(listing.uuid)) return true;
  const auto found = known_.find(listing.uuid);
  if (found == known_.end()) return true;
  const Listing& before = found->second.listing;
  return before.name != listing.name || before.id != listing.id ||
         before.state != listing.state ||
         before.persistent != listing.persistent;
}

absl::Status GuestReader::ReadGuest(virDomainPtr domain, const Listing& listing,
                                    bool reread, bool volatile_values,
                                    Inventory& inventory) {
  if (reread) {
    absl::StatusOr<v1::Guest> definition =
        ReadDefinition(domain, inventory.facts.security_model());
    if (!definition.ok()) {
      if (virConnectIsAlive(connection_) != 1) return definition.status();
      log::Debug("guest not read", {{"uri", uri_},
                                    {"guest", listing.uuid},
                                    {"error", definition.status().message()}});
      known_.erase(listing.uuid);
      inventory.unread_uuids.push_back(listing.uuid);
    } else {
      known_[listing.uuid] = Known{listing, *std::move(definition)};
    }
  }
  v1::Guest guest;
  if (const auto known = known_.find(listing.uuid); known != known_.end()) {
    guest = known->second.definition;
  }
  // The list is what the other guests of this read are seen by.
  guest.set_uuid(listing.uuid);
  guest.set_name(listing.name);
  guest.clear_id();
  if (listing.id >= 0) guest.set_id(listing.id);
  guest.set_state(listing.state);
  const absl::string_view reason = StateReason(listing.state, listing.reason);
  guest.set_state_reason(reason.data(), reason.size());
  guest.set_persistent(listing.persistent);
  guest.set_autostart(listing.autostart);
  guest.set_managed_save(listing.managed_save);
  virDomainInfo info;
  if (volatile_values && listing.id >= 0 &&
      virDomainGetInfo(domain, &info) == 0) {
    guest.set_cpu_time_ns(info.cpuTime);
  }
  inventory.guests.push_back(std::move(guest));
  return absl::OkStatus();
}

absl::StatusOr<v1::Guest> GuestReader::ReadDefinition(
    virDomainPtr domain, const std::string& security_model) {
  const LibvirtText xml(virDomainGetXMLDesc(domain, 0));
  if (xml == nullptr) return LastError();
  ASSIGN_OR_RETURN(v1::Guest guest, ParseDomainXml(xml.get()));
  if (IdOf(domain) >= 0 && !security_model.empty()) {
    ReadSecurityLabel(domain, security_model, guest);
  }
  if (options_.messages) ReadMessages(domain, guest);
  return guest;
}

// The definition has labels too, but not whether they are enforced, and those
// of the test driver not at all.
void GuestReader::ReadSecurityLabel(virDomainPtr domain,
                                    const std::string& model,
                                    v1::Guest& guest) {
  virSecurityLabel label = {};
  if (virDomainGetSecurityLabel(domain, &label) != 0) return;
  if (label.label[0] == '\0') return;
  v1::SecurityLabel& security = *guest.mutable_security();
  security.set_model(model);
  security.set_label(label.label);
  security.set_enforcing(label.enforcing == 1);
}

void GuestReader::ReadMessages(virDomainPtr domain, v1::Guest& guest) {
  char** messages = nullptr;
  const int count = virDomainGetMessages(domain, &messages, 0);
  for (int i = 0; i < count; ++i) {
    guest.add_messages(LibvirtText(messages[i]).get());
  }
  if (count >= 0) std::free(messages);
}

}  // namespace rehai::hypervisor
