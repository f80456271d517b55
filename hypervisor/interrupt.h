// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_INTERRUPT_H_
#define HYPERVISOR_INTERRUPT_H_

#include <sys/types.h>

namespace rehai::hypervisor {

// Ends what another thread of this process waits for inside libvirt, which has
// neither timeouts nor cancellation for a connection that is being opened: the
// children that this thread has forked (an ssh client) are told to terminate;
// without any, the sockets on which it waits are shut down. Both are looked up
// by the thread, in /proc, so nothing of any other connection is touched. The
// thread must not have ended, and must be doing nothing but the call to end.
//
// May find nothing while the thread is between two waits; try again. Where
// /proc does not tell (a kernel without it), it always finds nothing.
void InterruptThread(pid_t thread);

// The same for a call on an open connection: only the sockets on which the
// thread waits are shut down, and the connection with them. Its children are
// not told: the kernel gives those of a thread that has ended to another, so
// they may be any connection's.
void ShutDownAwaitedSockets(pid_t thread);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_INTERRUPT_H_
