// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_RECORD_H_
#define CONTROLLER_INVENTORY_RECORD_H_

#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// Questions that a Record and its guests answer by themselves.
namespace rehai {

// Types of conditions. A host that its source cannot reach.
inline constexpr char kUnreachable[] = "Unreachable";
// A complete list lacked so many guests that an operator is to confirm it.
inline constexpr char kMassDisappearance[] = "MassDisappearance";
// Discovery does not find the host any more.
inline constexpr char kLeftDiscovery[] = "LeftDiscovery";
// The host's identity is in doubt: another host answers with the same libvirt
// host UUID; it answers with another UUID than it did; its node name has
// several URIs.
inline constexpr char kDuplicateHostUuid[] = "DuplicateHostUuid";
inline constexpr char kHostUuidChanged[] = "HostUuidChanged";
inline constexpr char kNodeClaimedTwice[] = "NodeClaimedTwice";

// What is shown is what the last run of the controller left: the host has not
// been seen whole since.
inline constexpr char kBeforeRestart[] = "BeforeRestart";

// True if the record is as of before the restart. There may have been a later
// one, whose keeping the end of that run cut off, so its node is not to be
// written by this one.
bool IsBeforeRestart(const v1::Record& record);

// The condition that puts the host's identity in doubt, or null: what is known
// of it may be another host's, so its node is not to be written.
const v1::Condition* FindIdentityDoubt(const v1::Record& record);
bool IdentityInDoubt(const v1::Record& record);

// True if the guest has a running instance, paused or suspended ones included.
bool IsActive(const v1::Guest& guest);

// The guest inside `record`, or null.
const v1::Guest* FindGuest(const v1::Record& record, const GuestId& guest);

// True if the last complete list lacked the guest, and it is kept all the same.
bool IsMissing(const v1::Record& record, const GuestId& guest);

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_RECORD_H_
