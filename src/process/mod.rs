//! One OS child and its shim; knows nothing of Claude.
//!
//! The shim is a small process of this same binary that owns the child's pipes, its process group and all its
//! descendants, so that a turn outlives the daemon. What the child says goes to a spool, a plain file, before anybody
//! interprets it; a daemon reads the spool through a socket, from any position, as often as it likes.
//!
//! What lies in a process's directory (0700): `launch.json` until the child has started, `spool`, `socket`, `shim.log`,
//! `child` (which process it is), `group` (its control group, where there is one), `whole` and `lock`. The shim holds the lock for as long as it lives: that, and never a process number, says whether it does.
//! Linux only: it rests on child subreapers and `/proc`.

pub mod launch;
pub mod record;

pub mod lines;
pub mod spool;

pub mod cgroup;
mod child;
mod identity;
mod recorder;
pub mod remains;
pub mod step;
pub mod stop;
pub mod survivors;

pub mod socket;

pub mod shim;

pub use launch::{Command, Launch, STOP_GRACE_MS};
pub use record::{Exit, NotStarted, Position, Record, Recorded, Stopping};
