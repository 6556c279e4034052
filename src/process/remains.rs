//! What a shim leaves that did not end by itself: perhaps a child that is just dying, and perhaps its commands.
//!
//! A new process must not be started on a session whose old one may still write to it (RELIABILITY F24), and a dead
//! shim alone does not say that its child is dead.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::cgroup::Group;
use super::identity::Identity;
use super::launch::{child_path, group_path};
use super::survivors;

/// How long a child that SIGKILL was sent to may take. One that hangs in the kernel for longer never runs another
/// instruction of its own.
const DEAD_WITHIN: Duration = Duration::from_secs(30);

/// Ends what a shim left that died before it recorded its child's exit. When this returns, nothing of its child acts any
/// more. The shim's lock must be held. Returns whether all of it is known to be dead.
pub async fn end(dir: &Path) -> bool {
    // The kernel sent SIGKILL to the child when the shim ended; the group's kill reaches its descendants.
    let group = fs::read_to_string(group_path(dir)).ok().map(|path| Group::at(path.into()));
    let empty = match &group {
        Some(group) => group.end().await,
        None => true,
    };
    // Without the file it never began: it writes that first.
    let Some(child) = fs::read_to_string(child_path(dir)).ok().and_then(|text| text.parse::<Identity>().ok())
    else {
        return empty;
    };
    let dead = async {
        while child.is_alive() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let dead = timeout(DEAD_WITHIN, dead).await.is_ok();
    // Now that it begins nobody any more.
    let swept = group.is_some() || child.is_of_another_boot() || survivors::end(dir).await;
    dead && empty && swept
}
